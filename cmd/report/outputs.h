/* Names of the action's outputs (action.yml): one table, here. */
#ifndef BLUEGREEN_OUTPUTS_H
#define BLUEGREEN_OUTPUTS_H

#include "cmd/artifact/artifact.h"
#include "cmd/log/github.h"
#include "cmd/report/report.h"

struct outputs_facts {
    const struct report *report;
    const char *report_path;                /* the answer to a question as JSON; "" none */
    const char *bundle_path, *summary_path; /* "" no such file */
    const struct artifact *artifact;        /* NULL: none was uploaded */
};

int outputs_write(struct github *g, const struct outputs_facts *f, struct err *err);

/* Name of the i-th output; NULL past the end. */
const char *outputs_name(size_t i);

#endif
