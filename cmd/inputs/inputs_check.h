/*
 * Is this text what an input of the action's own wants? Yes or no, on the form alone, as in shared/settings/settings_check.h.
 */
#ifndef BLUEGREEN_INPUTS_CHECK_H
#define BLUEGREEN_INPUTS_CHECK_H

#include "shared/buf.h"

bool inputs_is_ssh_user(const char *s); /* printable ASCII without blanks, at most 64 bytes, not beginning with '-' */
bool inputs_is_role(const char *s);     /* arn:PARTITION:iam::ACCOUNT:role/PATH/NAME, at most 2048 bytes */
bool inputs_is_session_name(const char *s); /* [A-Za-z0-9_+=,.@-], 2 to 64 [botocore: sts roleSessionNameType] */
bool inputs_is_external_id(const char *s);  /* [A-Za-z0-9_+=,.@:/-], 2 to 1224 [botocore: sts externalIdType] */
bool inputs_is_key_id(const char *s);       /* [A-Za-z0-9_], 16 to 128 [botocore: sts accessKeyIdType] */
bool inputs_is_host_keys(const char *s); /* auto, tag, console, off, parameter:NAME; NAME as SSM allows, at most 1011 */
bool inputs_is_security_group(const char *s); /* sg- and 8 or 17 hex digits */
bool inputs_is_address(const char *s);        /* IPv4 or IPv6 unicast, public or private, no mask */
bool inputs_is_sns_topic(const char *s);      /* arn:PARTITION:sns:REGION:ACCOUNT:NAME; NAME as SNS allows, .fifo too */
bool inputs_is_url(const char *s); /* http:// or https:// with a host; no user, no fragment; at most 2048 bytes */
/* Not empty, at most 200 bytes, none of " : < > | * ? \ / and no control bytes: what the artifact service accepts. */
bool inputs_is_artifact_name(const char *s);

#endif
