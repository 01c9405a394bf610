#include "cmd/log/workflowpos.h"

#include "shared/fd.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- lines ---- */

/* One line of the file. `key` and `value` are set for "key: value"; a list item's "- " belongs to the indentation. */
struct line {
    int number;      /* from 1 */
    size_t indent;   /* column of the first thing that is neither blank nor "- "; */
    size_t item_at;  /* column of the "-" of a list item */
    bool item, says; /* begins a list item; is neither empty nor a comment */
    struct span key, value;
};

struct reader {
    struct span rest;
    int number;
};

static struct span unquote(struct span s)
{
    if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
        return (struct span){ s.ptr + 1, s.len - 2 };
    return s;
}

/* Without a comment at the end. */
static struct span uncomment(struct span s)
{
    for (size_t i = 1; i < s.len; i++)
        if (s.ptr[i] == '#' && (s.ptr[i - 1] == ' ' || s.ptr[i - 1] == '\t'))
            s.len = i;
    return span_trim(s);
}

static void split_key(struct line *l, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != ':' || (i + 1 < text.len && text.ptr[i + 1] != ' '))
            continue;
        l->key = unquote(span_trim((struct span){ text.ptr, i }));
        l->value = unquote(uncomment(span_trim((struct span){ text.ptr + i + 1, text.len - i - 1 })));
        return;
    }
}

static bool next_line(struct reader *r, struct line *l)
{
    struct span text;
    size_t at = 0;

    if (!span_next_line(&r->rest, &text))
        return false;
    *l = (struct line){ .number = ++r->number };
    while (at < text.len && text.ptr[at] == ' ')
        at++;
    if (at + 1 < text.len && text.ptr[at] == '-' && text.ptr[at + 1] == ' ') {
        l->item = true;
        l->item_at = at++;
        while (at < text.len && text.ptr[at] == ' ')
            at++;
    }
    l->indent = at;
    struct span content = span_trim((struct span){ text.ptr + at, text.len - at });
    l->says = l->item || (content.len > 0 && content.ptr[0] != '#');
    if (l->says)
        split_key(l, content);
    return true;
}

static bool is_word(struct span a, const char *word)
{
    return word && a.len > 0 && strlen(word) == a.len && strncasecmp(a.ptr, word, a.len) == 0;
}

/* ---- the step ---- */

/* A list item with a `uses:` in it, read so far. */
struct step {
    bool open;
    size_t item_at, indent; /* columns of its "-" and of its keys */
    int uses_line;          /* 0: it does not use us */
    bool named;             /* its id is ours */
};

struct search {
    const struct workflowpos_env *env;
    bool in_jobs, in_job; /* below `jobs:`; below the job that runs */
    size_t job_indent;
    struct step step;
    int any, named, here; /* lines: of one that fits, of one with our id, of one in our job; -1: several */
};

/* owner/repo@ref, owner/repo/path@ref, or ./path for an action of the workspace. */
static bool is_us(const struct workflowpos_env *env, struct span uses)
{
    size_t len = env->action_repository ? strlen(env->action_repository) : 0;

    if (!len)
        return span_starts(uses, "./");
    return uses.len > len && strncasecmp(uses.ptr, env->action_repository, len) == 0 &&
           (uses.ptr[len] == '@' || uses.ptr[len] == '/');
}

static void note(int *seen, int line)
{
    *seen = *seen ? -1 : line;
}

static void end_step(struct search *s)
{
    if (s->step.open && s->step.uses_line) {
        note(&s->any, s->step.uses_line);
        if (s->in_job)
            note(&s->here, s->step.uses_line);
        if (s->step.named)
            note(&s->named, s->step.uses_line);
    }
    s->step = (struct step){ 0 };
}

/* Jobs are the keys one level below `jobs:`. */
static void see_job(struct search *s, const struct line *l)
{
    if (l->indent == 0 && !l->item) {
        s->in_jobs = is_word(l->key, "jobs");
        s->in_job = false;
        s->job_indent = 0;
        return;
    }
    if (!s->in_jobs || l->item || (s->job_indent && l->indent != s->job_indent))
        return;
    s->job_indent = l->indent;
    s->in_job = is_word(l->key, s->env->job);
}

static void see_key(struct search *s, const struct line *l)
{
    if (!s->step.open || l->indent != s->step.indent)
        return;
    if (is_word(l->key, "uses") && is_us(s->env, l->value))
        s->step.uses_line = l->number;
    else if (is_word(l->key, "id") && s->env->action && span_eq(l->value, s->env->action))
        s->step.named = true;
}

int workflowpos_step(struct span text, const struct workflowpos_env *env)
{
    struct search s = { .env = env };
    struct reader r = { .rest = text };
    struct line l;

    while (next_line(&r, &l)) {
        if (!l.says)
            continue;
        if (s.step.open && (l.item ? l.item_at : l.indent) <= s.step.item_at)
            end_step(&s);
        see_job(&s, &l);
        if (l.item && !s.step.open)
            s.step = (struct step){ .open = true, .item_at = l.item_at, .indent = l.indent };
        see_key(&s, &l);
    }
    end_step(&s);
    if (s.named > 0)
        return s.named;
    if (s.here > 0)
        return s.here;
    return !s.any ? -1 : s.any > 0 ? s.any : 0;
}

/* ---- an input ---- */

/* Column of the keys of the step whose `uses:` is on step_line; *first: the line where that step begins. */
static bool find_step(struct span text, int step_line, int *first, size_t *indent)
{
    struct reader r = { .rest = text };
    struct line l = { 0 };

    while (next_line(&r, &l) && l.number < step_line)
        ;
    if (l.number != step_line || !is_word(l.key, "uses"))
        return false;
    *indent = l.indent;
    *first = 0;
    for (r = (struct reader){ .rest = text }; next_line(&r, &l) && l.number <= step_line;)
        if (l.item && l.indent == *indent)
            *first = l.number;
    return *first > 0;
}

int workflowpos_key(struct span text, int step_line, const char *input)
{
    struct reader r = { .rest = text };
    struct line l;
    int first = 0;
    size_t indent = 0, with_indent = 0;
    bool in_with = false;

    if (!find_step(text, step_line, &first, &indent))
        return 0;
    while (next_line(&r, &l)) {
        if (l.number < first || !l.says)
            continue;
        if (l.number > first && (l.item ? l.item_at : l.indent) < indent)
            return 0; /* the step ends here */
        if (l.indent == indent && !(l.item && l.number > first)) {
            in_with = is_word(l.key, "with");
            with_indent = 0;
        } else if (in_with && !l.item && (!with_indent || l.indent == with_indent)) {
            with_indent = l.indent;
            if (is_word(l.key, input))
                return l.number;
        }
    }
    return 0;
}

/* ---- the file ---- */

/* Nothing that would have to be escaped, and no way out of the workspace. */
static bool is_plain_path(const char *path)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/ ";

    return *path && path[0] != '/' && !strstr(path, "..") && path[strspn(path, allowed)] == '\0';
}

bool workflowpos_path(const char *workflow_ref, const char *repository, char out[WORKFLOWPOS_PATH_MAX])
{
    size_t len = repository ? strlen(repository) : 0;
    const char *path = NULL, *at = NULL;

    if (!workflow_ref || !len || strncasecmp(workflow_ref, repository, len) != 0 || workflow_ref[len] != '/')
        return false;
    path = workflow_ref + len + 1;
    at = strchr(path, '@');
    if (!at || at - path >= WORKFLOWPOS_PATH_MAX)
        return false;
    memcpy(out, path, (size_t)(at - path));
    out[at - path] = '\0';
    return is_plain_path(out);
}

static bool read_file(const char *workspace, const char *path, struct buf *text)
{
    char whole[4096];
    struct stat st;

    if (snprintf(whole, sizeof(whole), "%s/%s", workspace, path) >= (int)sizeof(whole))
        return false;
    _cleanup_(close_p) int fd = open(whole, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fd_read(fd, text) == 0;
}

void workflowpos_env(struct workflowpos_env *ret)
{
    *ret = (struct workflowpos_env){ .workflow_ref = getenv("GITHUB_WORKFLOW_REF"),
                                     .repository = getenv("GITHUB_REPOSITORY"),
                                     .workspace = getenv("GITHUB_WORKSPACE"),
                                     .action_repository = getenv("GITHUB_ACTION_REPOSITORY"),
                                     .action = getenv("GITHUB_ACTION"),
                                     .job = getenv("GITHUB_JOB") };
}

void workflowpos_find(const struct workflowpos_env *env, struct workflowpos *ret)
{
    *ret = (struct workflowpos){ .text = BUF_INIT(WORKFLOWPOS_FILE_MAX) };
    if (!env->workspace || !*env->workspace || !workflowpos_path(env->workflow_ref, env->repository, ret->file) ||
        !read_file(env->workspace, ret->file, &ret->text)) {
        ret->file[0] = '\0';
        return;
    }
    ret->line = workflowpos_step(buf_span(&ret->text), env);
    if (ret->line < 0) { /* another file's step: a reusable workflow, or a composite action */
        ret->line = 0;
        ret->file[0] = '\0';
    }
}

void workflowpos_done(struct workflowpos *p)
{
    buf_done(&p->text);
    *p = (struct workflowpos){ 0 };
}

int workflowpos_input(const struct workflowpos *p, const char *input)
{
    int line = p->file[0] && p->line ? workflowpos_key(buf_span(&p->text), p->line, input) : 0;

    return line ? line : p->line;
}
