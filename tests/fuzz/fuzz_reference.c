/*
 * Image references: what is taken apart can be put together and taken apart again with the same result, and holds
 * nothing that could leave a URL path.
 */
#include "shared/reference.h"

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const struct reference *r)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
    REQUIRE(strspn(r->repo, allowed) == strlen(r->repo));
    REQUIRE(!strstr(r->repo, "//") && !strstr(r->repo, "..") && !strstr(r->repo, "/."));
    REQUIRE(strncmp(r->repo, r->registry, strlen(r->registry)) == 0 && r->repo[strlen(r->registry)] == '/');
    REQUIRE(strspn(r->tag, allowed) == strlen(r->tag) && !strchr(r->tag, '/') && !strchr(r->tag, ':'));
    REQUIRE(r->tag[0] || r->digest[0]);
    REQUIRE(!r->digest[0] || reference_is_digest(span_of(r->digest)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reference first, again;
    struct err err = { 0 };
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';

    if (reference_parse(text, &first, &err) == 0) {
        struct buf out = BUF_INIT(2048);
        check_name(&first);
        reference_format(&first, &out);
        /* The full name of a Docker Hub image may be longer than the limit on what a user writes. */
        if (reference_parse(buf_str(&out), &again, NULL) == 0) {
            REQUIRE(strcmp(first.repo, again.repo) == 0 && strcmp(first.registry, again.registry) == 0);
            REQUIRE(strcmp(reference_wanted(&first), reference_wanted(&again)) == 0);
        } else {
            REQUIRE(strlen(first.repo) > REFERENCE_NAME_MAX);
        }
        REQUIRE(reference_same_repo(span_of(first.repo), span_of(first.repo)));
        buf_done(&out);
    } else {
        REQUIRE(err.kind == ERR_INPUT && err.depth == 1);
    }
    free(text);
    return 0;
}
