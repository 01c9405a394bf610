/*
 * Is this text what an input wants? Yes or no, on the form alone: nothing is looked up, opened or connected to. Arguments
 * are terminated and trimmed.
 */
#ifndef BLUEGREEN_INPUTS_CHECK_H
#define BLUEGREEN_INPUTS_CHECK_H

#include "shared/buf.h"

bool inputs_is_host(const char *s); /* DNS name (at most 253 bytes), IPv4, IPv6 with or without %zone; no brackets */
bool inputs_is_ssh_user(const char *s); /* printable ASCII without blanks, at most 64 bytes, not beginning with '-' */
/*
 * [REGISTRY[:PORT]/]PATH[:TAG][@sha256:64 HEX] as in the distribution project's reference grammar; at most 512 bytes.
 */
bool inputs_is_image(const char *s);
bool inputs_is_role(const char *s);         /* arn:PARTITION:iam::ACCOUNT:role/PATH/NAME, at most 2048 bytes */
bool inputs_is_session_name(const char *s); /* [A-Za-z0-9_+=,.@-], 2 to 64 [botocore: sts roleSessionNameType] */
bool inputs_is_external_id(const char *s);  /* [A-Za-z0-9_+=,.@:/-], 2 to 1224 [botocore: sts externalIdType] */
bool inputs_is_key_id(const char *s);       /* [A-Za-z0-9_], 16 to 128 [botocore: sts accessKeyIdType] */
bool inputs_is_host_keys(const char *s); /* auto, tag, console, off, parameter:NAME; NAME as SSM allows, at most 1011 */
bool inputs_is_security_group(const char *s); /* sg- and 8 or 17 hex digits */
bool inputs_is_address(const char *s);        /* IPv4 or IPv6 unicast, public or private, no mask */
bool inputs_is_sns_topic(const char *s);      /* arn:PARTITION:sns:REGION:ACCOUNT:NAME; NAME as SNS allows, .fifo too */
bool inputs_is_http_path(const char *s);      /* "/…", printable ASCII without blanks and '#', at most 1024 bytes */
bool inputs_is_url(const char *s); /* http:// or https:// with a host; no user, no fragment; at most 2048 bytes */
bool inputs_is_network_name(const char *s);   /* [A-Za-z0-9][A-Za-z0-9_.-]*, not host or none */
bool inputs_is_label(const char *s);          /* KEY=VALUE, KEY of [A-Za-z0-9][A-Za-z0-9._/-]*, at most 1024 bytes */
bool inputs_is_own_label(const char *s);      /* its key is ours: io.bluegreen or below it */
bool inputs_is_container_user(const char *s); /* NAME or number, with :GROUP or not */
bool inputs_is_plain_text(const char *s);     /* no control bytes but tab, at most 4096 bytes */
bool inputs_is_version(const char *s);        /* a deployment's id, a tag, a digest or an image reference */
bool inputs_is_of(const char *s);             /* blue, green, next or the form of a deployment's id */
bool inputs_is_path(const char *s);           /* no control bytes, at most 1024 bytes */
/* Not empty, at most 200 bytes, none of " : < > | * ? \ / and no control bytes: what the artifact service accepts. */
bool inputs_is_artifact_name(const char *s);
bool inputs_is_login(const char *s);    /* no control bytes, no blanks, at most 256 bytes */
bool inputs_is_password(const char *s); /* anything of at most 65536 bytes */

#endif
