/* One call of inputs_read() with an environment of its own: what the tests of the inputs share. */
#ifndef BLUEGREEN_TESTS_INPUTS_RUN_H
#define BLUEGREEN_TESTS_INPUTS_RUN_H

#include "cmd/inputs/inputs.h"

/* Made for these tests; no account knows them. In two pieces each, for those who search sources for keys. */
/* clang-format off */
#define KEY_BEGIN "-----BEGIN OPENSSH " "PRIVATE KEY-----\n"
#define KEY_END "-----END OPENSSH " "PRIVATE KEY-----\n"
#define KEY_LINE2 "QyNTUxOQAAACCJEVVxFz8DMcYyP5HPmfPnmhVJZnqIEMglpdi7fMal9AAAAIjJRi5wyUYu"
#define KEY                                                                     \
    KEY_BEGIN                                                                   \
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n" \
    KEY_LINE2 "\n"                                                              \
    "cAAAAAtzc2gtZWQyNTUxOQAAACCJEVVxFz8DMcYyP5HPmfPnmhVJZnqIEMglpdi7fMal9A\n" \
    "AAAEB8ng5/I4msKfG4/DjOsKwnoF2NyVS9MwhJAW4l2G63wIkRVXEXPwMxxjI/kc+Z8+ea\n" \
    "FUlmeogQyCWl2Lt8xqX0AAAAAAECAwQF\n" KEY_END
#define ENCRYPTED_KEY                                                           \
    KEY_BEGIN                                                                   \
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCMlHE7Yo\n" \
    "6ob/5Ph69VWdOnAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIEFxLUZ+68aLRbH4\n" \
    "n/KQAIfUGlXGWNOqABBvvoybopbaAAAAkCUHMXEhnk6E4yjJFIJn9+fIPRwVftvJp1nyLT\n" \
    "2OQDGp6hsm4GO38o+fey7MIJXfpVpccIHQ5BIoeNTkrOcqT957IT/WxLKnp+6scitPW8P/\n" \
    "jwrj7/1Le2neOwdJbPXzQkmbkF92eulyWFkvNBAzR+dGffCVpZ+KL+9FAV70ED1SvyMIrN\n" \
    "5OcLC2vFJfIqCqXg==\n" KEY_END
/* clang-format on */
#define PIN "SHA256:Ts49K+09m+HjWS/H2UbGLaFHx7jQ5sqogtbD5bcgGnE"
#define HOST_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIkRVXEXPwMxxjI/kc+Z8+eaFUlmeogQyCWl2Lt8xqX0"

#define INPUTS_RUN_VARS_MAX 24

struct inputs_run {
    const char *names[INPUTS_RUN_VARS_MAX];
    const char *values[INPUTS_RUN_VARS_MAX];
    size_t count;
    struct inputs in;
    struct redactor *redactor;
    struct buf problems;
    struct err err;
    int result;
};

/* The least that a deploy needs. */
void inputs_run_begin(struct inputs_run *run);
/* Set, or change, a variable; both are borrowed. */
void inputs_run_set(struct inputs_run *run, const char *name, const char *value);
/* Read; the result is in *run. */
void inputs_run_read(struct inputs_run *run);
/* Read; a problem fails the test. */
void inputs_run_read_good(struct inputs_run *run);
void inputs_run_end(struct inputs_run *run);
/* The environment of *run, as an inputs_env_fn. */
const char *inputs_run_env(void *run, const char *name);

/* inputs_each_secret() of the environment of *run. */
void inputs_run_each_secret(struct inputs_run *run, void (*visit)(void *vctx, const char *value), void *vctx);

/* With one input on top of the least: exactly this line of problems is told, and it is the error. */
void inputs_run_assert_problem(const char *name, const char *value, const char *want);
/* Likewise, but only part of the line is compared. */
void inputs_run_assert_problem_has(const char *name, const char *value, const char *part);
/* Likewise, nothing is told. */
void inputs_run_assert_good(const char *name, const char *value);

#endif
