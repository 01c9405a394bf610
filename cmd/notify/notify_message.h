/*
 * What a notification tells, before it takes the form of a receiver: each text redacted, on one line, without control
 * and invisible characters, cut to its field (its end then says so).
 */
#ifndef BLUEGREEN_NOTIFY_MESSAGE_H
#define BLUEGREEN_NOTIFY_MESSAGE_H

#include "cmd/notify/notify.h"
#include "shared/clock.h"

struct notify_message {
    int exit_code;
    bool good; /* nothing failed and nothing was taken back */
    bool rolled_back;
    double total_seconds, outage_seconds; /* below 0: not measured */
    char sent_at[CLOCK_ISO_SIZE];
    const char *command, *stage, *outcome, *title, *cause_kind; /* constants; cause_kind "" none */
    /* "" where there is nothing to tell */
    char app[64], host[300], deployment[80];
    char story[900], why[300];
    char step[64], cause[1500], hint[420];
    char diagnosis[64], diagnosis_cause[420], diagnosis_next[420];
    char image[400], digest[100], previous_image[400];
    char run_link[320], artifact_url[520], actor[100], repository[200];
};

void notify_message_fill(struct notify_message *m, const struct notify_facts *f);

/* A text that is nothing but a plain http(s) link: it may be made one. */
bool notify_is_link(const char *text);

#endif
