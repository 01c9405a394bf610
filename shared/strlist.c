#include "shared/strlist.h"

int strlist_add(struct strlist *l, struct span s, struct err *err)
{
    char *copy = span_dup(s);
    if (!copy)
        return err_set(err, ERR_NOMEM, 0, "copy %zu bytes: out of memory or a NUL byte inside", s.len);
    if (l->len == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        char **items = reallocarray(l->items, cap, sizeof(*items)); /* moves pointers, no text */
        if (!items) {
            free(copy);
            return err_set(err, ERR_NOMEM, 0, "list of %zu strings: out of memory", cap);
        }
        l->items = items;
        l->cap = cap;
    }
    l->items[l->len++] = copy;
    return 0;
}

bool strlist_has(const struct strlist *l, const char *s)
{
    for (size_t i = 0; i < l->len; i++)
        if (strcmp(l->items[i], s) == 0)
            return true;
    return false;
}

void strlist_done(struct strlist *l)
{
    for (size_t i = 0; i < l->len; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct strlist){ 0 };
}

void strlist_wipe_done(struct strlist *l)
{
    for (size_t i = 0; i < l->len; i++)
        explicit_bzero(l->items[i], strlen(l->items[i]));
    strlist_done(l);
}
