/*
 * What a host may print to take over the step, the terminal or the page, by hand; each through every way words from
 * outside take into the log, judged by tests/unit/cmd/runner_oracle.c. And the same with random texts of the same parts.
 */
#include "cmd/log/github.h"

#include "shared/safetext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cmd/runner_oracle.h"

#include <fcntl.h>
#include <sys/stat.h>

#define ATTACK(name, text) { name, SPAN_LIT(text) }

static const struct attack {
    const char *name;
    struct span text;
} attacks[] = {
    /* every command there is, as it is printed by those who may */
    ATTACK("set-env", "::set-env name=PATH::/tmp/evil"),
    ATTACK("set-output", "::set-output name=outcome::deployed"),
    ATTACK("save-state", "::save-state name=deployment-id::x"),
    ATTACK("stop-commands", "::stop-commands::0123456789abcdef"),
    ATTACK("resume by token", "::0123456789abcdef::"),
    ATTACK("add-mask", "::add-mask::a"),
    ATTACK("add-path", "::add-path::/tmp"),
    ATTACK("add-matcher", "::add-matcher::/github/workspace/m.json"),
    ATTACK("remove-matcher", "::remove-matcher owner=eslint::"),
    ATTACK("debug", "::debug::x::y"),
    ATTACK("notice", "::notice::x"),
    ATTACK("warning with properties", "::warning title=a,,b=,file=x.c,line=1::c"),
    ATTACK("error", "::error file=a.c,line=1,endLine=2,col=3::owned"),
    ATTACK("group", "::group::mine"),
    ATTACK("endgroup", "::endgroup::"),
    ATTACK("echo", "::echo::on"),
    ATTACK("internal", "::internal-set-repo-path repoFullName=a/b,workspaceRepo=true::/tmp"),
    ATTACK("upper case", "::ERROR::x"),
    ATTACK("mixed case", "::sEt-EnV name=A::b"),
    ATTACK("no properties, blanks", "::error   ::x"),
    ATTACK("blanks before", "   \t ::error::x"),
    ATTACK("three colons", ":::error::x"),
    ATTACK("four colons", "::::error::x"),
    ATTACK("only colons", "::::"),
    ATTACK("escaped data", "::error::%0A::set-env name=A::b%0D%25"),
    ATTACK("no data", "::error::"),
    ATTACK("unfinished", "::error"),
    /* the old form, anywhere */
    ATTACK("old form", "##[error]owned"),
    ATTACK("old form inside", "text before ##[set-env name=A]b"),
    ATTACK("old form, upper case", "##[ERROR]x"),
    ATTACK("old form with properties", "##[set-output name=outcome;]deployed"),
    ATTACK("three signs", "###[error]x"),
    ATTACK("four signs", "####[error]x"),
    ATTACK("nested", "##[##[error]x"),
    ATTACK("two in a line", "##[group]a ##[endgroup]"),
    ATTACK("styled by the page", "##[command]rm -rf /"),
    ATTACK("section", "##[section]Starting: x"),
    ATTACK("add-mask in the old form", "##[add-mask]e"),
    ATTACK("both forms", "::##[error]::x"),
    ATTACK("old form behind an escape", "\x1b[0m##[error]x"),
    /* ends of lines */
    ATTACK("after LF", "line\n::error::x"),
    ATTACK("after CR", "line\r::error::x"),
    ATTACK("after CRLF", "line\r\n::error::x"),
    ATTACK("after two CR", "\r\r::error::x"),
    ATTACK("after LFCR", "line\n\r::error::x"),
    ATTACK("after vertical tab", "line\v::error::x"),
    ATTACK("after form feed", "line\f::error::x"),
    ATTACK("after U+0085", "line\xc2\x85::error::x"),
    ATTACK("after U+2028", "line\xe2\x80\xa8::error::x"),
    ATTACK("after U+2029", "line\xe2\x80\xa9::error::x"),
    ATTACK("after NUL", "line\0::error::x"),
    ATTACK("CR between the signs", "##\r[error]x"),
    ATTACK("LF between the colons", ":\n:error::x"),
    /* white space that is trimmed */
    ATTACK("no-break space", "\xc2\xa0::error::x"),
    ATTACK("ogham space", "\xe1\x9a\x80::error::x"),
    ATTACK("em space", "\xe2\x80\x83::error::x"),
    ATTACK("narrow no-break space", "\xe2\x80\xaf::error::x"),
    ATTACK("mathematical space", "\xe2\x81\x9f::error::x"),
    ATTACK("ideographic space", "\xe3\x80\x80::error::x"),
    ATTACK("all kinds of blanks", " \t\xc2\xa0\xe2\x80\x80\xe3\x80\x80 ::error::x"),
    /* what a comparison by culture passes over */
    ATTACK("byte order mark", "\xef\xbb\xbf::error::x"),
    ATTACK("byte order mark inside", "#\xef\xbb\xbf#[error]x"),
    ATTACK("soft hyphens", "#\xc2\xad#\xc2\xad[error]x"),
    ATTACK("zero width space", ":\xe2\x80\x8b:error::x"),
    ATTACK("zero width joiner", "#\xe2\x80\x8d#[error]x"),
    ATTACK("word joiner", "##\xe2\x81\xa0[error]x"),
    ATTACK("grapheme joiner", "#\xcd\x8f#[error]x"),
    ATTACK("variation selector", "#\xef\xb8\x8f#\xef\xb8\x8f[error]x"),
    ATTACK("behind an emoji", "\xe2\x9a\xa0\xef\xb8\x8f#\xef\xb8\x8f#\xef\xb8\x8f[error]x"),
    ATTACK("enclosing mark", "#\xd2\x88#[error]x"),
    ATTACK("enclosing keycap", "#\xe2\x83\xa3#\xe2\x83\xa3[error]x"),
    ATTACK("NUL inside", "#\0#\0[error]x"),
    ATTACK("tag characters", ":\xf3\xa0\x80\x81:error::x"),
    ATTACK("non-character", ":\xef\xbf\xbf:error::x"),
    ATTACK("fullwidth colons", "\xef\xbc\x9a\xef\xbc\x9a"
                               "error::x"),
    ATTACK("fullwidth signs", "\xef\xbc\x83\xef\xbc\x83\xef\xbc\xbb"
                              "error]x"),
    ATTACK("small signs", "\xef\xb9\x9f\xef\xb9\x9f[error]x"),
    ATTACK("vertical bracket", "##\xef\xb9\x87"
                               "error]x"),
    ATTACK("small and vertical colons", "\xef\xb9\x95\xef\xb8\x93"
                                        "error::x"),
    ATTACK("two colons in one character", "\xe2\xa9\xb4"
                                          "error::x"),
    /* bytes that are no text */
    ATTACK("invalid byte before", "\xff::error::x"),
    ATTACK("invalid byte inside", "#\xff#[error]x"),
    ATTACK("cut sequence", "\xe2\x80::error::x"),
    ATTACK("overlong colons", "\xc0\xba\xc0\xba"
                              "error::x"),
    ATTACK("surrogates", "\xed\xa0\x80\xed\xb0\x80::error::x"),
    ATTACK("beyond Unicode", "\xf4\x90\x80\x80::error::x"),
    ATTACK("lone continuation", ":\x80:error::x"),
    /* the terminal */
    ATTACK("colour", "\x1b[31mred\x1b[0m"),
    ATTACK("clear the screen", "\x1b[2J\x1b[H::error::x"),
    ATTACK("title by OSC", "\x1b]0;owned\x07"),
    ATTACK("link by OSC 8", "\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\"),
    ATTACK("clipboard by OSC 52", "\x1b]52;c;cm0gLXJm\x07"),
    ATTACK("DCS", "\x1bP$q\"p\x1b\\"),
    ATTACK("APC and PM", "\x1b_a\x1b\\\x1b^b\x1b\\"),
    ATTACK("report of the cursor", "\x1b[6n"),
    ATTACK("CSI of one byte", "\x9b"
                              "31mred"),
    ATTACK("CSI in UTF-8", "\xc2\x9b"
                           "31mred"),
    ATTACK("OSC of one byte", "\x9d"
                              "0;owned\x9c"),
    ATTACK("back over the prefix", "x\b\b\b\b\b\b\b::error::x"),
    ATTACK("back to the start of the line", "honest\r\x1b[Khidden"),
    ATTACK("delete, bell, shift out", "\x7f\x07\x0e::error::x\x0f"),
    /* what is seen */
    ATTACK("right-to-left override", "\xe2\x80\xaetxt.exe\xe2\x80\xac"),
    ATTACK("isolates", "\xe2\x81\xa6x\xe2\x81\xa9\xe2\x81\xa7y\xe2\x81\xa9"),
    ATTACK("Arabic letter mark", "\xd8\x9c::error::x"),
    ATTACK("Hangul filler", "\xe3\x85\xa4::error::x"),
    ATTACK("interlinear annotation", "\xef\xbf\xb9"
                                     "a\xef\xbf\xba"
                                     "b\xef\xbf\xbb"),
    /* files of the runner, and the page */
    ATTACK("another output", "x\noutcome=deployed"),
    ATTACK("another output with a delimiter", "x\nEOF\noutcome<<EOF\ndeployed\nEOF"),
    ATTACK("end of the fence", "```\n# Owned\n<script>alert(1)</script>\n"),
    ATTACK("a longer fence", "`````````\n# Owned\n`````````"),
    ATTACK("fence of tildes", "~~~\n::error::x"),
    ATTACK("indented fence", "   ````\n# Owned"),
    ATTACK("fence after CR", "\r```\r# Owned"),
    ATTACK("details", "</details><img src=x onerror=alert(1)>"),
    ATTACK("percent signs", "%0A::error::x%0D%0a::error::"),
};
#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

/* ---- where it is printed ---- */

struct printed {
    struct buf text;
    struct github *g;
};

static int take(void *ctx, struct span bytes)
{
    struct printed *p = ctx;
    buf_add_span(&p->text, bytes);
    return buf_check(&p->text, NULL);
}

static void begin(struct printed *p, bool on_actions)
{
    *p = (struct printed){ .text = BUF_INIT(64 << 20) };
    assert_int_equal(github_new_writer(&p->g, take, p, on_actions, NULL, NULL), 0);
}

/* The text so far: `want` commands, quiet. Returns the first command. */
static struct runner_command *judge(struct printed *p, size_t want, const char *attack)
{
    static struct runner_command c;
    struct span text = buf_span(&p->text);
    size_t n = runner_oracle(text.ptr, text.len, &c, 1);
    assert_false(p->text.failed);
    if (n != want)
        fail_msg("%s: %zu commands, not %zu: %s", attack, n, want, text.ptr);
    if (!runner_oracle_quiet(text.ptr, text.len))
        fail_msg("%s: not quiet: %s", attack, text.ptr);
    return &c;
}

static void end(struct printed *p)
{
    github_free(p->g);
    buf_done(&p->text);
}

typedef void way_fn(const struct attack *a, const char *string);

static void as_remote_line(const struct attack *a, const char *string)
{
    struct printed p;
    (void)string;
    for (int actions = 0; actions < 2; actions++) {
        begin(&p, actions);
        github_remote_line(p.g, "app", a->text);
        github_remote_line(p.g, "", a->text);
        github_tell_dropped(p.g);
        (void)judge(&p, 0, a->name);
        end(&p);
    }
}

/* Cut in two at every byte, as frames of an engine's log do. */
static void as_two_frames(const struct attack *a, const char *string)
{
    (void)string;
    for (size_t cut = 0; cut <= a->text.len; cut++) {
        struct printed p;
        begin(&p, true);
        github_remote_line(p.g, "app", (struct span){ a->text.ptr, cut });
        github_remote_line(p.g, "app", (struct span){ a->text.ptr + cut, a->text.len - cut });
        (void)judge(&p, 0, a->name);
        end(&p);
    }
}

static void as_own_line(const struct attack *a, const char *string)
{
    for (int actions = 0; actions < 2; actions++) {
        struct printed p;
        begin(&p, actions);
        github_line(p.g, "%s", string);
        github_line(p.g, "cannot: %s", string);
        github_line(p.g, "#%s", string);
        github_line(p.g, ":%s", string);
        github_line(p.g, "##%s", string);
        (void)judge(&p, 0, a->name);
        end(&p);
    }
}

static void as_message(const struct attack *a, const char *string)
{
    struct printed p;
    begin(&p, true);
    github_annotate(p.g, GITHUB_ERROR, "Title", "%s", string);
    assert_string_equal(judge(&p, 1, a->name)->name, "error");
    end(&p);
    begin(&p, true);
    github_annotate(p.g, GITHUB_WARNING, string, "cannot: %s", string);
    assert_string_equal(judge(&p, 1, a->name)->name, "warning");
    assert_ptr_equal(strstr(judge(&p, 1, a->name)->data, "cannot: "), judge(&p, 1, a->name)->data);
    end(&p);
}

static void as_message_beyond_the_budget(const struct attack *a, const char *string)
{
    struct printed p;
    begin(&p, true);
    for (int i = 0; i < GITHUB_ANNOTATIONS_MAX; i++)
        github_annotate(p.g, GITHUB_NOTICE, "Title", "x");
    github_annotate(p.g, GITHUB_NOTICE, string, "%s", string);
    (void)judge(&p, GITHUB_ANNOTATIONS_MAX, a->name);
    end(&p);
    begin(&p, false);
    github_annotate(p.g, GITHUB_NOTICE, string, "%s", string);
    (void)judge(&p, 0, a->name);
    end(&p);
}

static void as_group(const struct attack *a, const char *string)
{
    struct printed p;
    begin(&p, true);
    github_group(p.g, string);
    assert_string_equal(judge(&p, 1, a->name)->name, "group");
    end(&p);
    begin(&p, false);
    github_group(p.g, string);
    (void)judge(&p, 0, a->name);
    end(&p);
}

static void as_debug(const struct attack *a, const char *string)
{
    struct printed p;
    begin(&p, true);
    assert_int_equal(setenv("RUNNER_DEBUG", "1", 1), 0);
    github_debug(p.g, "app: %s", string);
    github_debug(p.g, "%s", string);
    assert_string_equal(judge(&p, 2, a->name)->name, "debug");
    assert_int_equal(unsetenv("RUNNER_DEBUG"), 0);
    end(&p);
}

/* The copy for the bundle and the summary. */
static void as_copy(const struct attack *a, const char *string)
{
    struct printed p;
    _cleanup_(buf_done) struct buf copy = BUF_INIT(1 << 20);
    begin(&p, true);
    github_remote_line(p.g, "app", a->text);
    github_line(p.g, "%s", string);
    github_group(p.g, string);
    github_annotate(p.g, GITHUB_ERROR, string, "%s", string);
    github_log(p.g, &copy);
    assert_int_equal(runner_oracle(buf_str(&copy), copy.len, NULL, 0), 0);
    assert_true(runner_oracle_quiet(buf_str(&copy), copy.len));
    end(&p);
}

static void as_fence(const struct attack *a, const char *string)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct span rest, line;
    size_t fence = 0;
    (void)string;
    safetext_fence(a->text, &out);
    rest = buf_span(&out);
    assert_int_equal(runner_oracle(rest.ptr, rest.len, NULL, 0), 0);
    assert_true(runner_oracle_quiet(rest.ptr, rest.len));
    assert_true(span_next_line(&rest, &line));
    while (line.ptr[fence] == '`')
        fence++;
    assert_true(fence >= 3);
    while (span_next_line(&rest, &line)) {
        size_t run = 0;
        line = span_trim(line);
        while (run < line.len && line.ptr[run] == '`')
            run++;
        if (run >= fence && rest.len)
            fail_msg("%s: the fence ends early: %s", a->name, buf_str(&out));
    }
    assert_int_equal(line.len, fence);
}

/* ---- files of the runner, read as github-actions.md 3.4 says ---- */

static void read_file(const char *path, struct buf *out)
{
    char chunk[4096];
    ssize_t n = 0;
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        buf_add(out, chunk, (size_t)n);
}

/* Entries of the file; the name of the last in *name. */
static size_t entries(struct span text, struct span *name)
{
    struct span line;
    size_t n = 0;
    while (span_next_line(&text, &line)) {
        const char *equals = memchr(line.ptr, '=', line.len);
        const char *heredoc = memmem(line.ptr, line.len, "<<", 2);
        if (!line.len)
            continue;
        n++;
        assert_true(equals || heredoc);
        if (equals && (!heredoc || equals < heredoc)) {
            *name = (struct span){ line.ptr, (size_t)(equals - line.ptr) };
            continue;
        }
        struct span delimiter = { heredoc + 2, line.len - (size_t)(heredoc + 2 - line.ptr) };
        *name = (struct span){ line.ptr, (size_t)(heredoc - line.ptr) };
        bool closed = false;
        while (!closed && span_next_line(&text, &line))
            closed = line.len == delimiter.len && memcmp(line.ptr, delimiter.ptr, line.len) == 0;
        assert_true(closed);
    }
    return n;
}

static void as_output(const struct attack *a, const char *string)
{
    char path[] = "/tmp/log_attacks_test.XXXXXX";
    struct printed p;
    struct err err = { 0 };
    struct span name = { 0 };
    _cleanup_(buf_done) struct buf text = BUF_INIT(1 << 20);
    _cleanup_(close_p) int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(setenv("GITHUB_OUTPUT", path, 1), 0);
    begin(&p, true);
    assert_int_equal(github_output(p.g, "message", string, &err), 0);
    read_file(path, &text);
    if (entries(buf_span(&text), &name) != 1 || !span_eq(name, "message"))
        fail_msg("%s: %s", a->name, buf_str(&text));
    assert_true(runner_oracle_quiet(buf_str(&text), text.len));
    assert_int_equal(p.text.len, 0);
    end(&p);
    assert_int_equal(unsetenv("GITHUB_OUTPUT"), 0);
    assert_int_equal(unlink(path), 0);
}

/* ---- the tests ---- */

static void every_attack(way_fn *way)
{
    for (size_t i = 0; i < ATTACKS; i++) {
        char string[512];
        size_t n = 0;
        for (size_t j = 0; j < attacks[i].text.len; j++) /* without what a string cannot hold */
            if (attacks[i].text.ptr[j])
                string[n++] = attacks[i].text.ptr[j];
        string[n] = '\0';
        way(&attacks[i], string);
    }
}

#define EVERY_ATTACK(test, way)                                                                                        \
    static void test(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        every_attack(way);                                                                                             \
    }

EVERY_ATTACK(as_a_remote_line_it_does_nothing, as_remote_line)
EVERY_ATTACK(in_two_frames_it_does_nothing, as_two_frames)
EVERY_ATTACK(in_a_line_of_ours_it_does_nothing, as_own_line)
EVERY_ATTACK(in_an_annotation_it_stays_that_annotation, as_message)
EVERY_ATTACK(in_an_annotation_beyond_the_budget_it_does_nothing, as_message_beyond_the_budget)
EVERY_ATTACK(as_the_title_of_a_group_it_stays_that_group, as_group)
EVERY_ATTACK(in_a_debug_line_it_stays_that_line, as_debug)
EVERY_ATTACK(in_the_copy_it_does_nothing, as_copy)
EVERY_ATTACK(in_a_fence_it_stays_there, as_fence)
EVERY_ATTACK(as_an_output_it_stays_that_output, as_output)

static void the_list_is_long_and_mostly_works_on_a_program_without_a_filter(void **state)
{
    size_t works = 0;
    (void)state;
    for (size_t i = 0; i < ATTACKS; i++)
        works += runner_oracle(attacks[i].text.ptr, attacks[i].text.len, NULL, 0) > 0 ||
                 !runner_oracle_quiet(attacks[i].text.ptr, attacks[i].text.len);
    assert_true(ATTACKS >= 60);
    assert_true(works >= 100);
    for (size_t i = 0; i < ATTACKS; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(attacks[i].name, attacks[j].name);
}

static void all_attacks_in_one_text_do_nothing(void **state)
{
    _cleanup_(buf_done) struct buf all = BUF_INIT(1 << 20);
    struct printed p;
    (void)state;
    for (size_t i = 0; i < ATTACKS; i++) {
        buf_add_span(&all, attacks[i].text);
        buf_addc(&all, "\n\r \0"[i % 4]);
    }
    begin(&p, true);
    github_remote_line(p.g, "app", buf_span(&all));
    (void)judge(&p, 0, "all");
    end(&p);
}

/* ---- random ---- */

#define CASES 100000

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*state >> 33);
}

/* Parts of attacks, bytes, and characters of everywhere. */
static void random_text(uint64_t *state, struct buf *out)
{
    static const char *const parts[] = { "::",
                                         "##[",
                                         "]",
                                         ":",
                                         "#",
                                         "[",
                                         "error",
                                         "::error::",
                                         "set-env",
                                         " ",
                                         "\t",
                                         "\r",
                                         "\n",
                                         "\x1b",
                                         "%0A",
                                         "\xc2\xa0",
                                         "\xc2\xad",
                                         "\xef\xbb\xbf",
                                         "\xe2\x80\x8b",
                                         "\xef\xbc\x83",
                                         "\xef\xbc\x9a",
                                         "`",
                                         "```",
                                         "\xe2\x80\xa8",
                                         "\xc2\x85" };
    size_t n = 1 + next_random(state) % 12;
    buf_reset(out);
    while (n-- > 0) {
        uint32_t kind = next_random(state) % 8, x = next_random(state);
        if (kind < 5) {
            buf_adds(out, parts[x % (sizeof(parts) / sizeof(parts[0]))]);
        } else if (kind == 5) {
            buf_addc(out, (char)x);
        } else if (kind == 6) {
            struct span text = attacks[x % ATTACKS].text;
            size_t from = next_random(state) % (text.len + 1);
            buf_add(out, text.ptr + from, next_random(state) % (text.len - from + 1));
        } else {
            uint32_t c = x % 0x30000;
            char utf8[4] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)), (char)(0x80 | (c >> 6 & 63)),
                             (char)(0x80 | (c & 63)) };
            char utf8_3[3] = { (char)(0xe0 | (c >> 12 & 15)), utf8[2], utf8[3] };
            if (c >= 0x10000)
                buf_add(out, utf8, 4);
            else
                buf_add(out, utf8_3, 3);
        }
    }
}

static void random_texts_do_nothing(void **state)
{
    static way_fn *const ways[] = {
        as_remote_line, as_own_line, as_message, as_group, as_fence, as_copy, as_message_beyond_the_budget
    };
    _cleanup_(buf_done) struct buf text = BUF_INIT(4096);
    char name[60], string[4097];
    uint64_t seed = 20260129;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        uint64_t before = seed;
        random_text(&seed, &text);
        struct attack a = { name, buf_span(&text) };
        (void)snprintf(name, sizeof(name), "case %d of state %llu", i, (unsigned long long)before);
        (void)snprintf(string, sizeof(string), "%s", buf_str(&text));
        ways[(size_t)i % (sizeof(ways) / sizeof(ways[0]))](&a, string);
    }
}

/* Ordinary words come out as they went in: the filter is no shredder. */
static void random_ordinary_texts_stay(void **state)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;-_/()=\"'<>!?*+&%$@[]{}|\\~^";
    uint64_t seed = 42;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        char text[64], want[96];
        struct printed p;
        size_t n = 1 + next_random(&seed) % 60;
        for (size_t j = 0; j < n; j++)
            text[j] = letters[next_random(&seed) % (sizeof(letters) - 1)];
        text[n] = '\0';
        begin(&p, true);
        github_remote_line(p.g, "app", span_of(text));
        (void)snprintf(want, sizeof(want), "app | %s\n", text);
        assert_string_equal(buf_str(&p.text), want);
        end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_long_and_mostly_works_on_a_program_without_a_filter),
        cmocka_unit_test(as_a_remote_line_it_does_nothing),
        cmocka_unit_test(in_two_frames_it_does_nothing),
        cmocka_unit_test(in_a_line_of_ours_it_does_nothing),
        cmocka_unit_test(in_an_annotation_it_stays_that_annotation),
        cmocka_unit_test(in_an_annotation_beyond_the_budget_it_does_nothing),
        cmocka_unit_test(as_the_title_of_a_group_it_stays_that_group),
        cmocka_unit_test(in_a_debug_line_it_stays_that_line),
        cmocka_unit_test(in_the_copy_it_does_nothing),
        cmocka_unit_test(in_a_fence_it_stays_there),
        cmocka_unit_test(as_an_output_it_stays_that_output),
        cmocka_unit_test(all_attacks_in_one_text_do_nothing),
        cmocka_unit_test(random_texts_do_nothing),
        cmocka_unit_test(random_ordinary_texts_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
