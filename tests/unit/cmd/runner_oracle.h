/*
 * What the GitHub runner would take for a workflow command: a second writing of its two parsers (actions/runner,
 * src/Runner.Common/ActionCommand.cs, and the line splitting of Runner.Sdk/ProcessInvoker.cs), plus act's, for tests.
 * It shares no code with the program. Where the runner's comparison depends on the culture of the machine, every reading is
 * tried, and last the worst one that can be thought of: lines end at whatever Unicode calls a line end, everything outside
 * ASCII is as if it were not there (fullwidth and small forms are their ASCII twins), and then "##[" anywhere, or "::" as
 * the first thing of a line, is a command whatever its name. So it rather finds one command too many.
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

/*
 * Is it text that a terminal and a reader take as it stands? UTF-8; of the control characters LF and TAB alone; nothing that
 * turns, hides or separates (bidi, zero width, tags, fillers), but for the joiners and selectors behind a character that is
 * itself outside ASCII.
 */
bool runner_oracle_quiet(const char *output, size_t len);

#endif
