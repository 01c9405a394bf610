/* The command line of a person on the host: `bluegreen-agent COMMAND`, all but what the action itself starts. */
#ifndef BLUEGREEN_HOSTCLI_H
#define BLUEGREEN_HOSTCLI_H

/* Run it; what is found goes to standard output, problems to standard error. The exit code. */
int hostcli_main(int argc, char *const argv[]);

#endif
