/*
 * The one door to libxml2: reading of an XML document in memory, as AWS's query services answer with one.
 *
 * No DTD is read, no entity expanded beyond the five of XML, no file or address of the document is opened. Names are
 * compared without their namespace.
 */
#ifndef BLUEGREEN_XML_H
#define BLUEGREEN_XML_H

#include "buf.h"

#define XML_DEPTH_MAX 32

struct xml;      /* a document; owned by the caller */
struct xml_node; /* an element of it; borrowed */

/* -ERR_PROTO: not well-formed, a document type declaration, more than XML_DEPTH_MAX elements deep. */
int xml_parse(struct span text, struct xml **ret, struct err *err);
void xml_free(struct xml *x); /* NULL is fine */
void xml_free_p(struct xml **x);

const struct xml_node *xml_root(const struct xml *x);
const char *xml_name(const struct xml_node *n); /* of the element, without namespace */
/* First child element of that name; NULL for NULL and when there is none. */
const struct xml_node *xml_child(const struct xml_node *n, const char *name);
/* Follow names: xml_path(n, "Error", "Code", NULL). */
const struct xml_node *xml_path(const struct xml_node *n, ...) __attribute__((sentinel));
/* Iterate child elements: for (c = xml_first(n); c; c = xml_next(c)). */
const struct xml_node *xml_first(const struct xml_node *n);
const struct xml_node *xml_next(const struct xml_node *n);
/* Text of the element itself, trimmed; "" for NULL and for an element without. Borrowed, until xml_free(). */
const char *xml_text(const struct xml_node *n);
/* xml_text(xml_child(n, name)) */
const char *xml_str(const struct xml_node *n, const char *name);

#endif
