/* The notification by Amazon SNS: for people, so plain text in words (most subscriptions are e-mail and chat). */
#ifndef BLUEGREEN_NOTIFY_SNS_H
#define BLUEGREEN_NOTIFY_SNS_H

#include "cmd/notify/notify_message.h"
#include "cmd/stage.h"

#define NOTIFY_SNS_SUBJECT_SIZE 100 /* with terminator: SNS takes fewer than 100 characters [botocore: sns Publish] */
#define NOTIFY_SNS_TEXT_MAX (8 * 1024)

/* "shop: rolled back on web1": printable ASCII, begins with a letter or digit, never empty. */
void notify_sns_subject(const struct notify_message *m, char out[NOTIFY_SNS_SUBJECT_SIZE]);

/* The text, at most NOTIFY_SNS_TEXT_MAX bytes. 0 or -ERR_NOMEM. */
int notify_sns_text(const struct notify_message *m, struct buf *out, struct err *err);

/*
 * Publish to the topic of the inputs, in the topic's own region, in at most time_max_ms, also after a cancel. -ERR_AWS,
 * -ERR_AWS_DENIED, -ERR_AWS_CREDENTIALS, -ERR_TIMEOUT…
 */
int notify_sns_send(struct stage *s, const struct notify_facts *facts, int64_t time_max_ms, struct err *err);

#endif
