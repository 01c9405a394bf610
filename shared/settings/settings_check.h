/*
 * Is this text what a setting wants? Yes or no, on the form alone: nothing is looked up, opened or connected to. Arguments
 * are terminated and trimmed.
 */
#ifndef BLUEGREEN_SETTINGS_CHECK_H
#define BLUEGREEN_SETTINGS_CHECK_H

#include "shared/buf.h"

#define SETTINGS_HOST_MAX 253 /* RFC 1035, 2.3.4: 255 bytes on the wire */

bool settings_is_host(const char *s); /* DNS name (at most 253 bytes), IPv4, IPv6 with or without %zone; no brackets */
bool settings_is_ipv6(const char *s); /* likewise with or without %zone, no brackets */
/*
 * [REGISTRY[:PORT]/]PATH[:TAG][@sha256:64 HEX] as in the distribution project's reference grammar; at most 512 bytes.
 */
bool settings_is_image(const char *s);
bool settings_is_http_path(const char *s);      /* "/…", printable ASCII without blanks and '#', at most 1024 bytes */
bool settings_is_network_name(const char *s);   /* [A-Za-z0-9][A-Za-z0-9_.-]*, not host or none */
bool settings_is_label(const char *s);          /* KEY=VALUE, KEY of [A-Za-z0-9][A-Za-z0-9._/-]*, at most 1024 bytes */
bool settings_is_own_label(const char *s);      /* its key is ours: io.bluegreen or below it */
bool settings_is_container_user(const char *s); /* NAME or number, with :GROUP or not */
bool settings_is_plain_text(const char *s);     /* no control bytes but tab, at most 4096 bytes */
bool settings_is_version(const char *s);        /* a deployment's id, a tag, a digest or an image reference */
bool settings_is_of(const char *s);             /* blue, green, next or the form of a deployment's id */
bool settings_is_path(const char *s);           /* no control bytes, at most 1024 bytes */
bool settings_is_login(const char *s);          /* no control bytes, no blanks, at most 256 bytes */
bool settings_is_password(const char *s);       /* anything of at most 65536 bytes */

bool settings_is_made_of(struct span s, const char *others); /* every byte is a letter, a digit or in `others` */
bool settings_is_printable(const char *s, size_t max);       /* ASCII without blanks, 1 to max bytes */

#endif
