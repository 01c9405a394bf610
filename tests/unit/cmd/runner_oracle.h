/*
 * What the GitHub runner would take for a workflow command: a second writing of its two parsers (actions/runner,
 * src/Runner.Common/ActionCommand.cs, and the line splitting of Runner.Sdk/ProcessInvoker.cs), plus act's, for tests.
 * It shares no code with the program. Where the runner's comparison depends on the culture of the machine, every reading is
 * tried, so it rather finds one command too many.
 */
#ifndef BLUEGREEN_RUNNER_ORACLE_H
#define BLUEGREEN_RUNNER_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

#define RUNNER_ORACLE_NAME_MAX 40
#define RUNNER_ORACLE_DATA_MAX 8192

struct runner_command {
    char name[RUNNER_ORACLE_NAME_MAX]; /* lower case */
    char data[RUNNER_ORACLE_DATA_MAX]; /* unescaped, UTF-8, cut */
};

/*
 * Count the commands in what a process printed; the first `max` of them go to `found` (may be NULL). One line counts once.
 */
size_t runner_oracle(const char *output, size_t len, struct runner_command *found, size_t max);

#endif
