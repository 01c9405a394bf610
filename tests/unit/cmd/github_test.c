#include "cmd/log/github.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cmd/runner_oracle.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Lines that make the runner (or a terminal) do something when they are copied unchanged. */
static const struct span hostile[] = {
    SPAN_LIT("::set-env name=PATH::/tmp/evil"),
    SPAN_LIT("   ::set-output name=outcome::deployed"),
    SPAN_LIT("\t::save-state name=deployment-id::x"),
    SPAN_LIT("::stop-commands::token"),
    SPAN_LIT("::token::"),
    SPAN_LIT("::add-mask::a"),
    SPAN_LIT("::ERROR file=a.c,line=1::owned"),
    SPAN_LIT("::Error::"),
    SPAN_LIT("::endgroup::"),
    SPAN_LIT("::group::mine"),
    SPAN_LIT("::debug::x::y"),
    SPAN_LIT("::add-matcher::/tmp/m.json"),
    SPAN_LIT("::echo::on"),
    SPAN_LIT("::add-path::/tmp"),
    SPAN_LIT("::warning title=a,,b=::c"),
    SPAN_LIT(":::error::x"),
    SPAN_LIT("##[error]owned"),
    SPAN_LIT("text before ##[set-env name=A]b"),
    SPAN_LIT("###[error]three"),
    SPAN_LIT("####[error]four"),
    SPAN_LIT("##[group]a ##[endgroup]"),
    SPAN_LIT("##[##[error]nested"),
    SPAN_LIT("##[add-mask]secret"),
    SPAN_LIT("##[command]rm -rf /"),
    SPAN_LIT("line\r::error::after a lone CR"),
    SPAN_LIT("line\r\n::error::after CRLF"),
    SPAN_LIT("line\n::error::after LF"),
    SPAN_LIT("\r\r::error::x"),
    SPAN_LIT("\xc2\xa0::error::no-break space"),
    SPAN_LIT("\xe3\x80\x80::error::ideographic space"),
    SPAN_LIT("\xe2\x80\xa8::error::line separator"),
    SPAN_LIT("\xc2\x85::error::next line"),
    SPAN_LIT("\x0b::error::vertical tab"),
    SPAN_LIT("\x0c::error::form feed"),
    SPAN_LIT("\xef\xbb\xbf::error::byte order mark"),
    SPAN_LIT("\xc2\xad::error::soft hyphen"),
    SPAN_LIT("\xe2\x80\x8b::error::zero width space"),
    SPAN_LIT(":\xe2\x80\x8b:error::zero width inside"),
    SPAN_LIT("#\xc2\xad#\xc2\xad[error]soft hyphens inside"),
    SPAN_LIT("#\xe2\x80\x8d#[error]joiner inside"),
    SPAN_LIT("#\xef\xb8\x8f#[error]variation selector inside"),
    SPAN_LIT("\xe2\x9a\xa0\xef\xb8\x8f#\xef\xb8\x8f#\xef\xb8\x8f[error]after an emoji"),
    SPAN_LIT("#\xd2\x88#[error]enclosing mark inside"),
    SPAN_LIT("#\0#\0[error]NUL inside"),
    SPAN_LIT("\0::error::NUL before"),
    SPAN_LIT("\x1b[2J::error::escape sequence"),
    SPAN_LIT("#\x1b#\x1b[error]escape inside"),
    SPAN_LIT("\x7f::error::delete"),
    SPAN_LIT("\xff::error::invalid byte"),
    SPAN_LIT("#\xff#[error]invalid inside"),
    SPAN_LIT("\xe2\x80::error::cut sequence"),
    SPAN_LIT("\xc0\xba\xc0\xba"
             "error::overlong colons"),
    SPAN_LIT("\xe2\x80\xae::error::right-to-left override"),
    SPAN_LIT("\xf3\xa0\x80\x81::error::tag character"),
};
#define HOSTILE (sizeof(hostile) / sizeof(hostile[0]))

struct sink {
    struct github *g;
    struct redactor *redactor;
    int fd;
    char path[64];
};

static struct sink sink_open(bool on_actions)
{
    struct sink s = { .fd = -1 };
    struct err err = { 0 };

    (void)snprintf(s.path, sizeof(s.path), "/tmp/github_test.XXXXXX");
    s.fd = mkostemp(s.path, O_CLOEXEC | O_APPEND);
    assert_true(s.fd >= 0);
    assert_int_equal(redactor_new(&s.redactor, &err), 0);
    assert_int_equal(github_new(&s.g, s.fd, on_actions, s.redactor, &err), 0);
    return s;
}

/* Everything printed so far; to be ended with buf_done(). */
static struct buf sink_text(const struct sink *s)
{
    struct buf out = BUF_INIT((size_t)64 * 1024 * 1024);
    char chunk[65536];
    off_t at = 0;
    ssize_t n = 0;

    while ((n = pread(s->fd, chunk, sizeof(chunk), at)) > 0) {
        buf_add(&out, chunk, (size_t)n);
        at += n;
    }
    assert_false(out.failed);
    return out;
}

static void sink_close(struct sink *s)
{
    github_free(s->g);
    redactor_free(s->redactor);
    close(s->fd);
    unlink(s->path);
}

static size_t commands(const struct sink *s, struct runner_command *found, size_t max)
{
    _cleanup_(buf_done_p) struct buf text = sink_text(s);

    return runner_oracle(text.ptr ? text.ptr : "", text.len, found, max);
}

static void assert_printed(const struct sink *s, const char *want)
{
    _cleanup_(buf_done_p) struct buf text = sink_text(s);

    assert_string_equal(buf_str(&text), want);
}

static void print_hostile_with_prefix(struct span line)
{
    struct sink s = sink_open(true);
    size_t n = 0;

    github_remote_line(s.g, "app", line);
    n = commands(&s, NULL, 0);
    if (n)
        print_error("recognised: %s\n", line.ptr);
    assert_int_equal(n, 0);
    sink_close(&s);
}

/* ---- the oracle itself must be able to fail ---- */

static void oracle_recognises_what_is_copied_unchanged(void **state)
{
    size_t recognised = 0;

    (void)state;
    for (size_t i = 0; i < HOSTILE; i++)
        recognised += runner_oracle(hostile[i].ptr, hostile[i].len, NULL, 0) > 0;
    assert_true(recognised >= 40);
}

static void oracle_reads_name_and_data(void **state)
{
    struct runner_command c[2];

    (void)state;
    assert_int_equal(runner_oracle("x\n ::Error title=a::b%0Ac%25\n", 29, c, 2), 1);
    assert_string_equal(c[0].name, "error");
    assert_string_equal(c[0].data, "b\nc%");
    assert_int_equal(runner_oracle("say ##[group]hello", 18, c, 2), 1);
    assert_string_equal(c[0].name, "group");
    assert_string_equal(c[0].data, "hello");
}

static void oracle_lets_ordinary_lines_pass(void **state)
{
    static const char text[] = "std::vector::size\nhost: ok\n[::1]:80\n## [error]\na::error::b\n";

    (void)state;
    assert_int_equal(runner_oracle(text, sizeof(text) - 1, NULL, 0), 0);
}

/* ---- remote lines ---- */

static void remote_lines_are_never_commands(void **state)
{
    (void)state;
    assert_true(HOSTILE >= 40);
    for (size_t i = 0; i < HOSTILE; i++)
        print_hostile_with_prefix(hostile[i]);
}

static void remote_lines_cut_at_every_byte_are_never_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        struct sink s = sink_open(true);
        for (size_t at = 0; at <= hostile[i].len; at++) {
            github_remote_line(s.g, "app", (struct span){ hostile[i].ptr, at });
            github_remote_line(s.g, "app", (struct span){ hostile[i].ptr + at, hostile[i].len - at });
        }
        assert_int_equal(commands(&s, NULL, 0), 0);
        sink_close(&s);
    }
}

static void all_hostile_lines_as_one_text_are_never_commands(void **state)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(65536);
    struct sink s = sink_open(true);

    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        buf_add_span(&text, hostile[i]);
        buf_addc(&text, i % 2 ? '\n' : '\r');
    }
    github_remote_line(s.g, "host", buf_span(&text));
    assert_int_equal(commands(&s, NULL, 0), 0);
    sink_close(&s);
}

static void remote_text_is_split_at_lf_crlf_and_lone_cr(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_remote_line(s.g, "app", SPAN_LIT("one\ntwo\r\nthree\rfour\n"));
    assert_printed(&s, "app | one\napp | two\napp | three\napp | four\n");
    sink_close(&s);
}

static void an_empty_remote_line_is_shown(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_remote_line(s.g, "app", SPAN_LIT(""));
    assert_printed(&s, "app | \n");
    sink_close(&s);
}

static void a_missing_prefix_is_replaced(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_remote_line(s.g, "", SPAN_LIT("::error::x"));
    assert_printed(&s, "remote | : :error::x\n");
    sink_close(&s);
}

static void a_long_remote_line_is_cut_and_says_so(void **state)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(65536);
    struct sink s = sink_open(true);

    (void)state;
    for (size_t i = 0; i < GITHUB_REMOTE_LINE_MAX + 5; i++)
        buf_addc(&line, 'x');
    github_remote_line(s.g, "app", buf_span(&line));
    _cleanup_(buf_done_p) struct buf text = sink_text(&s);
    assert_int_equal(text.len, strlen("app | ") + GITHUB_REMOTE_LINE_MAX + strlen(" [5 more bytes]\n"));
    assert_true(span_contains(buf_span(&text), "x [5 more bytes]\n"));
    sink_close(&s);
}

static void lines_beyond_the_limit_are_dropped_and_counted(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    for (int i = 0; i < GITHUB_REMOTE_LINES_MAX + 7; i++)
        github_remote_line(s.g, "app", SPAN_LIT("spam"));
    github_tell_dropped(s.g);
    github_tell_dropped(s.g);
    _cleanup_(buf_done_p) struct buf text = sink_text(&s);
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    assert_int_equal(lines, GITHUB_REMOTE_LINES_MAX + 1);
    assert_true(span_contains(buf_span(&text), "\n7 lines from the host dropped here"));
    sink_close(&s);
}

static void secrets_in_remote_text_are_replaced_also_across_the_cut(void **state)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(65536);
    struct sink s = sink_open(true);
    struct err err = { 0 };

    (void)state;
    assert_int_equal(redactor_add(s.redactor, SPAN_LIT("canary-0123456789"), &err), 0);
    for (size_t i = 0; i < GITHUB_REMOTE_LINE_MAX - 6; i++)
        buf_addc(&line, 'x');
    buf_adds(&line, "canary-0123456789");
    github_remote_line(s.g, "app", buf_span(&line));
    github_remote_line(s.g, "app", SPAN_LIT("say canary-0123456789!"));
    _cleanup_(buf_done_p) struct buf text = sink_text(&s);
    assert_false(span_contains(buf_span(&text), "canary"));
    assert_true(span_contains(buf_span(&text), "app | say ***!\n"));
    sink_close(&s);
}

/* ---- our own lines ---- */

static void own_lines_with_remote_words_are_never_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        struct sink s = sink_open(true);
        github_line(s.g, "%s", hostile[i].ptr);
        github_line(s.g, "cannot do it: %s", hostile[i].ptr);
        assert_int_equal(commands(&s, NULL, 0), 0);
        sink_close(&s);
    }
}

static void further_lines_of_our_own_text_are_indented(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_line(s.g, "one\ntwo\n::error::x");
    assert_printed(&s, "one\n    two\n    : :error::x\n");
    sink_close(&s);
}

static void secrets_in_our_own_lines_are_replaced(void **state)
{
    struct sink s = sink_open(true);
    struct err err = { 0 };

    (void)state;
    assert_int_equal(redactor_add(s.redactor, SPAN_LIT("hunter2hunter2"), &err), 0);
    github_line(s.g, "login with hunter2hunter2 failed");
    github_group(s.g, "hunter2hunter2");
    github_annotate(s.g, GITHUB_ERROR, "Title", "hunter2hunter2");
    _cleanup_(buf_done_p) struct buf text = sink_text(&s);
    assert_false(span_contains(buf_span(&text), "hunter2"));
    sink_close(&s);
}

/* ---- commands ---- */

static void a_group_is_opened_once_and_ended_once(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_group(s.g, "one");
    github_line(s.g, "inside");
    github_group(s.g, "two");
    github_endgroup(s.g);
    github_endgroup(s.g);
    assert_printed(&s, "::group::one\ninside\n::endgroup::\n::group::two\n::endgroup::\n");
    sink_close(&s);
}

static void an_open_group_is_ended_when_the_sink_is_freed(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_group(s.g, "one");
    github_free(TAKE_PTR(s.g));
    assert_printed(&s, "::group::one\n::endgroup::\n");
    sink_close(&s);
}

static void hostile_group_titles_stay_one_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        struct sink s = sink_open(true);
        struct runner_command c[4];
        github_group(s.g, hostile[i].ptr);
        assert_int_equal(commands(&s, c, 4), 1);
        assert_string_equal(c[0].name, "group");
        sink_close(&s);
    }
}

static void hostile_annotation_messages_stay_one_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        struct sink s = sink_open(true);
        struct runner_command c[4];
        github_annotate(s.g, GITHUB_WARNING, "Title", "cause: %s", hostile[i].ptr);
        assert_int_equal(commands(&s, c, 4), 1);
        assert_string_equal(c[0].name, "warning");
        sink_close(&s);
    }
}

static void annotation_data_and_title_are_escaped(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_annotate(s.g, GITHUB_ERROR, "a: 50%, b", "100%%\nnext: x, y");
    assert_printed(&s, "::error title=a%3A 50%25%2C b::100%25%0Anext: x, y\n");
    sink_close(&s);
}

static void annotations_beyond_the_budget_are_ordinary_lines(void **state)
{
    struct sink s = sink_open(true);
    struct runner_command c[32];

    (void)state;
    for (int i = 0; i < GITHUB_ANNOTATIONS_MAX + 2; i++)
        github_annotate(s.g, GITHUB_NOTICE, "T", "message %d", i);
    github_annotate(s.g, GITHUB_ERROR, "T", "another type has its own budget");
    assert_int_equal(commands(&s, c, 32), GITHUB_ANNOTATIONS_MAX + 1);
    _cleanup_(buf_done_p) struct buf text = sink_text(&s);
    assert_true(span_contains(buf_span(&text), "\nnotice: T: message 11\n"));
    sink_close(&s);
}

static void an_annotation_is_cut_at_4096_characters_not_bytes(void **state)
{
    _cleanup_(buf_done_p) struct buf message = BUF_INIT(65536);
    struct sink s = sink_open(true);
    struct runner_command c[1];

    (void)state;
    for (int i = 0; i < 5000; i++)
        buf_adds(&message, "\xc3\xa9");
    github_annotate(s.g, GITHUB_ERROR, "T", "%s", buf_str(&message));
    assert_int_equal(commands(&s, c, 1), 1);
    _cleanup_(buf_done_p) struct buf text = sink_text(&s);
    assert_int_equal(text.len, strlen("::error title=T::") + 2 * 4096 + 1);
    sink_close(&s);
}

static void masks_of_a_single_line_value_are_the_value(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_mask(s.g, "p%ss");
    github_mask(s.g, "abc");
    github_mask(s.g, "");
    github_mask(s.g, "-----BEGIN KEY-----\\nAAAA\\n-----END KEY-----\n");
    assert_printed(&s, "::add-mask::p%25ss\n::add-mask::-----BEGIN KEY-----\\nAAAA\\n-----END KEY-----\n");
    sink_close(&s);
}

static void masks_of_a_key_are_its_long_lines(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    github_mask(s.g, "-----BEGIN KEY-----\r\nAAAABBBBCCCC\n}\nDDDDEEEE\n-----END KEY-----\n");
    assert_printed(&s, "::add-mask::AAAABBBBCCCC\n::add-mask::DDDDEEEE\n");
    sink_close(&s);
}

static void nothing_is_masked_on_a_terminal(void **state)
{
    struct sink s = sink_open(false);

    (void)state;
    github_mask(s.g, "password");
    assert_printed(&s, "");
    sink_close(&s);
}

static void a_terminal_gets_plain_text(void **state)
{
    struct sink s = sink_open(false);

    (void)state;
    github_group(s.g, "Connect");
    github_endgroup(s.g);
    github_annotate(s.g, GITHUB_ERROR, "Title", "message");
    assert_printed(&s, "== Connect\nerror: Title: message\n");
    sink_close(&s);
}

static void debug_lines_are_shown_with_step_debug_only(void **state)
{
    struct sink s = sink_open(true);

    (void)state;
    unsetenv("RUNNER_DEBUG");
    github_debug(s.g, "quiet");
    setenv("RUNNER_DEBUG", "1", 1);
    github_debug(s.g, "loud\nand more");
    unsetenv("RUNNER_DEBUG");
    assert_printed(&s, "::debug::loud%0Aand more\n");
    sink_close(&s);
}

/* ---- file commands ---- */

struct command_file {
    char path[64];
};

static struct command_file command_file(const char *variable)
{
    struct command_file f;
    int fd = -1;

    (void)snprintf(f.path, sizeof(f.path), "/tmp/github_test_file.XXXXXX");
    fd = mkostemp(f.path, O_CLOEXEC);
    assert_true(fd >= 0);
    close(fd);
    setenv(variable, f.path, 1);
    return f;
}

static struct buf file_text(const struct command_file *f, const char *variable)
{
    struct buf out = BUF_INIT(4 * 1024 * 1024);
    char chunk[65536];
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    assert_true(fd >= 0);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        buf_add(&out, chunk, (size_t)n);
    close(fd);
    unlink(f->path);
    unsetenv(variable);
    return out;
}

/* As FileCommandManager reads it: name, value between the delimiters. */
static void assert_one_entry(struct span text, const char *name, const char *value)
{
    _cleanup_(buf_done_p) struct buf found = BUF_INIT(1024 * 1024);
    struct span head, line, delimiter;
    bool closed = false;

    assert_true(span_next_line(&text, &head));
    assert_true(span_starts(head, name));
    assert_memory_equal(head.ptr + strlen(name), "<<", 2);
    delimiter = (struct span){ head.ptr + strlen(name) + 2, head.len - strlen(name) - 2 };
    assert_true(delimiter.len >= 32);
    while (!closed && span_next_line(&text, &line)) {
        closed = line.len == delimiter.len && memcmp(line.ptr, delimiter.ptr, line.len) == 0;
        if (!closed) {
            buf_adds(&found, found.len ? "\n" : "");
            buf_add_span(&found, line);
        }
    }
    assert_true(closed);
    assert_int_equal(text.len, 0);
    assert_string_equal(buf_str(&found), value);
}

static void an_output_of_one_line_is_name_and_value(void **state)
{
    struct sink s = sink_open(true);
    struct command_file f = command_file("GITHUB_OUTPUT");
    struct err err = { 0 };

    (void)state;
    assert_int_equal(github_output(s.g, "outcome", "deployed", &err), 0);
    assert_int_equal(github_output(s.g, "a", "b=c<<d\x1b", &err), 0);
    _cleanup_(buf_done_p) struct buf text = file_text(&f, "GITHUB_OUTPUT");
    assert_string_equal(buf_str(&text), "outcome=deployed\na=b=c<<d\xe2\x90\x9b\n");
    sink_close(&s);
}

static void an_output_of_a_host_cannot_begin_another_entry(void **state)
{
    struct sink s = sink_open(true);
    struct command_file f = command_file("GITHUB_OUTPUT");
    struct err err = { 0 };

    (void)state;
    assert_int_equal(github_output(s.g, "previous-image", "x\noutcome=deployed\na<<EOF\r\nb", &err), 0);
    _cleanup_(buf_done_p) struct buf text = file_text(&f, "GITHUB_OUTPUT");
    assert_one_entry(buf_span(&text), "previous-image", "x\noutcome=deployed\na<<EOF\nb");
    sink_close(&s);
}

static void delimiters_differ_from_entry_to_entry(void **state)
{
    struct sink s = sink_open(true);
    struct command_file f = command_file("GITHUB_OUTPUT");
    struct err err = { 0 };
    struct span rest, first, line;

    (void)state;
    assert_int_equal(github_output(s.g, "a", "1\n2", &err), 0);
    assert_int_equal(github_output(s.g, "a", "1\n2", &err), 0);
    _cleanup_(buf_done_p) struct buf text = file_text(&f, "GITHUB_OUTPUT");
    rest = buf_span(&text);
    assert_true(span_next_line(&rest, &first));
    for (int i = 0; i < 4; i++) /* two lines, the delimiter, the head of the next */
        assert_true(span_next_line(&rest, &line));
    assert_int_equal(first.len, line.len);
    assert_true(memcmp(first.ptr, line.ptr, line.len) != 0);
    sink_close(&s);
}

static void an_empty_state_value_is_allowed(void **state)
{
    struct sink s = sink_open(true);
    struct command_file f = command_file("GITHUB_STATE");
    struct err err = { 0 };

    (void)state;
    assert_int_equal(github_state("phase", "", &err), 0);
    _cleanup_(buf_done_p) struct buf text = file_text(&f, "GITHUB_STATE");
    assert_string_equal(buf_str(&text), "phase=\n");
    sink_close(&s);
}

static void a_value_beyond_the_limit_is_refused(void **state)
{
    struct sink s = sink_open(true);
    struct command_file f = command_file("GITHUB_OUTPUT");
    _cleanup_(buf_done_p) struct buf big = BUF_INIT(GITHUB_VALUE_MAX * 2);
    struct err err = { 0 };

    (void)state;
    while (big.len <= GITHUB_VALUE_MAX)
        buf_adds(&big, "0123456789");
    assert_int_equal(github_output(s.g, "a", buf_str(&big), &err), -ERR_NOMEM);
    _cleanup_(buf_done_p) struct buf text = file_text(&f, "GITHUB_OUTPUT");
    assert_int_equal(text.len, 0);
    sink_close(&s);
}

static void without_a_file_outputs_go_nowhere(void **state)
{
    struct sink s = sink_open(true);
    struct err err = { 0 };

    (void)state;
    unsetenv("GITHUB_OUTPUT");
    assert_int_equal(github_output(s.g, "a", "b", &err), 0);
    sink_close(&s);
}

static void a_file_that_cannot_be_written_is_an_io_error_with_its_name(void **state)
{
    struct sink s = sink_open(true);
    struct err err = { 0 };
    char text[1024];

    (void)state;
    setenv("GITHUB_OUTPUT", "/nonexistent/folder/output", 1);
    assert_int_equal(github_output(s.g, "a", "b", &err), -ERR_IO);
    unsetenv("GITHUB_OUTPUT");
    assert_non_null(strstr(err_text(&err, text, sizeof(text)), "/nonexistent/folder/output"));
    sink_close(&s);
}

static void a_summary_above_one_mebibyte_is_cut_and_says_so(void **state)
{
    _cleanup_(buf_done_p) struct buf big = BUF_INIT(2 * 1024 * 1024);
    struct sink s = sink_open(true);
    struct command_file f = command_file("GITHUB_STEP_SUMMARY");
    struct err err = { 0 };

    (void)state;
    while (big.len < 1200 * 1024)
        buf_adds(&big, "0123456789 0123456789 0123456789\n");
    assert_int_equal(github_summary(s.g, buf_span(&big), &err), 0);
    _cleanup_(buf_done_p) struct buf text = file_text(&f, "GITHUB_STEP_SUMMARY");
    assert_true(text.len <= 1024 * 1024);
    assert_true(text.len > 1000 * 1024);
    assert_true(span_contains(buf_span(&text), "The summary was cut"));
    sink_close(&s);
}

static void a_summary_is_redacted(void **state)
{
    struct sink s = sink_open(true);
    struct command_file f = command_file("GITHUB_STEP_SUMMARY");
    struct err err = { 0 };

    (void)state;
    assert_int_equal(redactor_add(s.redactor, SPAN_LIT("canary-value"), &err), 0);
    assert_int_equal(github_summary(s.g, SPAN_LIT("# canary-value\n"), &err), 0);
    _cleanup_(buf_done_p) struct buf text = file_text(&f, "GITHUB_STEP_SUMMARY");
    assert_string_equal(buf_str(&text), "# ***\n");
    sink_close(&s);
}

/* ---- the copy ---- */

static void the_copy_holds_text_and_no_commands(void **state)
{
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(65536);
    struct sink s = sink_open(true);

    (void)state;
    github_mask(s.g, "secret-value");
    github_group(s.g, "Step");
    github_remote_line(s.g, "app", SPAN_LIT("hello\nworld"));
    github_endgroup(s.g);
    github_annotate(s.g, GITHUB_NOTICE, "Done", "all\ngood");
    github_log(s.g, &log);
    assert_string_equal(buf_str(&log), "Step\napp | hello\napp | world\nnotice: Done: all\ngood\n");
    sink_close(&s);
}

static void a_closed_reader_stops_the_printing_and_not_the_copy(void **state)
{
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(65536);
    struct github *g = NULL;
    struct err err = { 0 };
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(github_new(&g, fd, true, NULL, &err), 0);
    github_line(g, "one");
    github_line(g, "two");
    github_log(g, &log);
    assert_string_equal(buf_str(&log), "one\ntwo\n");
    github_free(g);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oracle_recognises_what_is_copied_unchanged),
        cmocka_unit_test(oracle_reads_name_and_data),
        cmocka_unit_test(oracle_lets_ordinary_lines_pass),
        cmocka_unit_test(remote_lines_are_never_commands),
        cmocka_unit_test(remote_lines_cut_at_every_byte_are_never_commands),
        cmocka_unit_test(all_hostile_lines_as_one_text_are_never_commands),
        cmocka_unit_test(remote_text_is_split_at_lf_crlf_and_lone_cr),
        cmocka_unit_test(an_empty_remote_line_is_shown),
        cmocka_unit_test(a_missing_prefix_is_replaced),
        cmocka_unit_test(a_long_remote_line_is_cut_and_says_so),
        cmocka_unit_test(lines_beyond_the_limit_are_dropped_and_counted),
        cmocka_unit_test(secrets_in_remote_text_are_replaced_also_across_the_cut),
        cmocka_unit_test(own_lines_with_remote_words_are_never_commands),
        cmocka_unit_test(further_lines_of_our_own_text_are_indented),
        cmocka_unit_test(secrets_in_our_own_lines_are_replaced),
        cmocka_unit_test(a_group_is_opened_once_and_ended_once),
        cmocka_unit_test(an_open_group_is_ended_when_the_sink_is_freed),
        cmocka_unit_test(hostile_group_titles_stay_one_command),
        cmocka_unit_test(hostile_annotation_messages_stay_one_command),
        cmocka_unit_test(annotation_data_and_title_are_escaped),
        cmocka_unit_test(annotations_beyond_the_budget_are_ordinary_lines),
        cmocka_unit_test(an_annotation_is_cut_at_4096_characters_not_bytes),
        cmocka_unit_test(masks_of_a_single_line_value_are_the_value),
        cmocka_unit_test(masks_of_a_key_are_its_long_lines),
        cmocka_unit_test(nothing_is_masked_on_a_terminal),
        cmocka_unit_test(a_terminal_gets_plain_text),
        cmocka_unit_test(debug_lines_are_shown_with_step_debug_only),
        cmocka_unit_test(an_output_of_one_line_is_name_and_value),
        cmocka_unit_test(an_output_of_a_host_cannot_begin_another_entry),
        cmocka_unit_test(delimiters_differ_from_entry_to_entry),
        cmocka_unit_test(an_empty_state_value_is_allowed),
        cmocka_unit_test(a_value_beyond_the_limit_is_refused),
        cmocka_unit_test(without_a_file_outputs_go_nowhere),
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_io_error_with_its_name),
        cmocka_unit_test(a_summary_above_one_mebibyte_is_cut_and_says_so),
        cmocka_unit_test(a_summary_is_redacted),
        cmocka_unit_test(the_copy_holds_text_and_no_commands),
        cmocka_unit_test(a_closed_reader_stops_the_printing_and_not_the_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
