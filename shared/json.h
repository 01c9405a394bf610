/*
 * The one door to cJSON.
 *
 * Reading is lenient about absence (getters take a default) and strict about form (json_parse: whole input, nesting
 * limit, no trailing bytes). Writing: an allocation that fails is remembered and makes the next json_print() fail, so
 * setters need no checks. Key lookup is case-sensitive. Numbers are doubles: 64-bit ids travel as strings.
 */
#ifndef BLUEGREEN_JSON_H
#define BLUEGREEN_JSON_H

#include "buf.h"

struct json; /* = cJSON */

/*
 * Parse the whole span. *ret is owned by the caller. -ERR_PROTO with the offset of the mistake; nesting beyond 64, and
 * control bytes or NUL (also as \u0000) inside strings, are mistakes too.
 */
int json_parse(struct span text, struct json **ret, struct err *err);
void json_free(struct json *j); /* zeroes the strings first */
void json_free_p(struct json **j);

/* One line, no blanks, appended to out; bytes that are not UTF-8 become U+FFFD. -ERR_NOMEM, and out keeps what it had. */
int json_print(const struct json *j, struct buf *out, struct err *err);
/* Indented, for files that people read; ends with LF. */
int json_print_pretty(const struct json *j, struct buf *out, struct err *err);

struct json *json_object(void);
struct json *json_array(void);
struct json *json_copy(const struct json *j);

bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_string(const struct json *j);
bool json_is_number(const struct json *j); /* and finite */
bool json_is_bool(const struct json *j);

/* Members. All accept NULL for j and then behave as "absent". */
const struct json *json_get(const struct json *j, const char *key);
/* Follow keys: json_path(j, "State", "Health", NULL). */
const struct json *json_path(const struct json *j, ...) __attribute__((sentinel));
const char *json_str(const struct json *j, const char *key, const char *dflt);
int64_t json_int(const struct json *j, const char *key, int64_t dflt); /* dflt too when not a number or beyond int64 */
double json_num(const struct json *j, const char *key, double dflt);
bool json_bool(const struct json *j, const char *key, bool dflt);

/* The value itself. */
const char *json_value_str(const struct json *j, const char *dflt);
double json_value_num(const struct json *j, double dflt);
bool json_value_bool(const struct json *j, bool dflt);

/* Iterate children of an array or object: for (c = json_first(j); c; c = json_next(c)). */
const struct json *json_first(const struct json *j);
const struct json *json_next(const struct json *child);
const char *json_key(const struct json *child); /* NULL in arrays */
size_t json_len(const struct json *j);

/* Setters replace an existing member. Values are copied; json_set() and json_push() take ownership of v. */
void json_set(struct json *obj, const char *key, struct json *v);
void json_set_str(struct json *obj, const char *key, const char *v); /* NULL v: null */
void json_set_int(struct json *obj, const char *key, int64_t v);
void json_set_num(struct json *obj, const char *key, double v);
void json_set_bool(struct json *obj, const char *key, bool v);
void json_set_seconds(struct json *obj, const char *key, int64_t ms); /* 1250 gives 1.25; below 0 gives -1 */
void json_push(struct json *arr, struct json *v);
struct json *json_member(struct json *obj, const char *key); /* to be changed; NULL when absent */
void json_push_str(struct json *arr, const char *v);
void json_push_num(struct json *arr, double v);
void json_del(struct json *obj, const char *key);
/*
 * Every string value in the tree (keys are not values) through `edit`, which appends the new text to out (empty, as large
 * as a string that the parser takes may become). A string that cannot be replaced becomes "".
 */
void json_edit_strings(struct json *j, void (*edit)(void *ctx, struct span text, struct buf *out), void *ctx);

#endif
