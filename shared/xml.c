#include "shared/xml.h"

#include "shared/secret.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdarg.h>

#define TEXT_MAX (8 * 1024 * 1024)
#define NODES_MAX 300000 /* an answer of thousand instances has about 200000 elements */

struct xml_node {
    struct xml_node *parent, *first, *last, *next;
    struct xml_node *older; /* all nodes of a document, for xml_free() */
    char *text;             /* trimmed; NULL none */
    char name[];
};

struct xml {
    struct xml_node *root;
    struct xml_node *newest;
    size_t count;
};

/*
 * Our own tree is built from the parser's events, so that nothing of a document that is refused is kept, and what a
 * document says can be zeroed.
 */
struct reader {
    xmlParserCtxt *parser;
    struct xml *xml;
    struct xml_node *at; /* the innermost open element */
    size_t depth;
    struct buf text[XML_DEPTH_MAX]; /* of the open elements */
    const char *refused;            /* why the document is not taken; NULL so far it is */
    bool no_memory;
};

void xml_free(struct xml *x)
{
    if (!x)
        return;
    for (struct xml_node *n = x->newest, *older; n; n = older) {
        older = n->older;
        secret_free_p(&n->text); /* may be a key or a token */
        free(n);
    }
    free(x);
}

void xml_free_p(struct xml **x)
{
    xml_free(*x);
    *x = NULL;
}

static void refuse(struct reader *r, const char *why)
{
    if (!r->refused)
        r->refused = why;
    xmlStopParser(r->parser);
}

static void run_out(struct reader *r)
{
    r->no_memory = true;
    refuse(r, "out of memory");
}

static struct xml_node *new_node(struct xml *x, const char *name)
{
    size_t len = strlen(name);
    struct xml_node *n = calloc(1, sizeof(*n) + len + 1);
    if (!n)
        return NULL;
    memcpy(n->name, name, len + 1);
    n->older = x->newest;
    x->newest = n;
    x->count++;
    return n;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **namespace_list, int attributes, int defaulted, const xmlChar **attribute_list)
{
    struct reader *r = ctx;
    (void)prefix, (void)uri, (void)namespaces, (void)namespace_list, (void)attributes, (void)defaulted;
    (void)attribute_list;
    if (r->refused)
        return;
    if (r->depth >= XML_DEPTH_MAX) {
        refuse(r, "elements lie too deep in each other");
        return;
    }
    if (r->xml->count >= NODES_MAX) {
        refuse(r, "too many elements");
        return;
    }
    struct xml_node *n = new_node(r->xml, (const char *)name);
    if (!n) {
        run_out(r);
        return;
    }
    n->parent = r->at;
    if (!r->at)
        r->xml->root = n;
    else if (r->at->last)
        r->at->last->next = n;
    else
        r->at->first = n;
    if (r->at)
        r->at->last = n;
    r->at = n;
    buf_init(&r->text[r->depth++], TEXT_MAX);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct reader *r = ctx;
    (void)name, (void)prefix, (void)uri;
    if (r->refused || r->depth == 0)
        return;
    struct buf *own = &r->text[--r->depth];
    struct span text = span_trim(buf_span(own));
    if (own->failed || (text.len > 0 && !(r->at->text = span_dup(text))))
        run_out(r);
    buf_wipe_done(own);
    r->at = r->at->parent;
}

static void on_text(void *ctx, const xmlChar *bytes, int len)
{
    struct reader *r = ctx;
    if (!r->refused && r->depth > 0 && len > 0)
        buf_add(&r->text[r->depth - 1], bytes, (size_t)len);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *address)
{
    (void)name, (void)id, (void)address;
    refuse(ctx, "it has a document type declaration");
}

static void on_error(void *ctx, xmlError *error)
{
    (void)ctx, (void)error; /* told once, at the end; libxml2's own way would be stderr */
}

static int give_up(struct reader *r, struct err *err)
{
    const xmlError *why = xmlCtxtGetLastError(r->parser);
    const char *words = r->refused ? r->refused : why && why->message ? why->message : "not well-formed";
    if (r->no_memory || (!r->refused && why && why->code == XML_ERR_NO_MEMORY))
        return err_set(err, ERR_NOMEM, 0, "out of memory for an XML document");
    return err_set(err, ERR_PROTO, 0, "not an XML document that can be read: line %d: %.*s",
                   why && why->line > 0 ? why->line : 1, (int)strcspn(words, "\r\n"), words);
}

static int read_document(struct reader *r, struct span text, struct err *err)
{
    xmlSAXHandler *sax = r->parser->sax;
    memset(sax, 0, sizeof(*sax));
    sax->initialized = XML_SAX2_MAGIC;
    sax->startElementNs = on_start;
    sax->endElementNs = on_end;
    sax->characters = on_text;
    sax->ignorableWhitespace = on_text;
    sax->cdataBlock = on_text;
    sax->internalSubset = on_doctype;
    sax->serror = on_error;
    r->parser->userData = r;
    xmlDoc *none = xmlCtxtReadMemory(r->parser, text.ptr, (int)text.len, NULL, "UTF-8",
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (none) /* no event of ours makes one */
        xmlFreeDoc(none);
    if (!r->parser->wellFormed || !r->parser->nsWellFormed || r->refused || r->depth > 0 || !r->xml->root)
        return give_up(r, err);
    return 0;
}

int xml_parse(struct span text, struct xml **ret, struct err *err)
{
    if (text.len == 0 || text.len > TEXT_MAX)
        return err_set(err, ERR_PROTO, 0, "not an XML document that can be read: it has %zu bytes", text.len);
    _cleanup_(xml_free_p) struct xml *x = calloc(1, sizeof(*x));
    struct reader reader = { .xml = x, .parser = x ? xmlNewParserCtxt() : NULL };
    if (!reader.parser)
        return err_set(err, ERR_NOMEM, 0, "out of memory for an XML document");
    int r = read_document(&reader, text, err);
    for (size_t i = 0; i < XML_DEPTH_MAX; i++)
        buf_wipe_done(&reader.text[i]);
    xmlFreeParserCtxt(reader.parser);
    if (r == 0)
        *ret = TAKE_PTR(x);
    return r;
}

const struct xml_node *xml_root(const struct xml *x)
{
    return x ? x->root : NULL;
}

const char *xml_name(const struct xml_node *n)
{
    return n ? n->name : "";
}

const struct xml_node *xml_first(const struct xml_node *n)
{
    return n ? n->first : NULL;
}

const struct xml_node *xml_next(const struct xml_node *n)
{
    return n ? n->next : NULL;
}

const struct xml_node *xml_child(const struct xml_node *n, const char *name)
{
    const struct xml_node *c = xml_first(n);
    while (c && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

const struct xml_node *xml_path(const struct xml_node *n, ...)
{
    va_list ap;
    va_start(ap, n);
    for (const char *name; (name = va_arg(ap, const char *));)
        n = xml_child(n, name);
    va_end(ap);
    return n;
}

const char *xml_text(const struct xml_node *n)
{
    return n && n->text ? n->text : "";
}

const char *xml_str(const struct xml_node *n, const char *name)
{
    return xml_text(xml_child(n, name));
}
