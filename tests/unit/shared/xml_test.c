#include "shared/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

static struct xml *parse(const char *text)
{
    struct xml *x = NULL;
    struct err err = { 0 };
    char words[1000];
    if (xml_parse(span_of(text), &x, &err) < 0)
        fail_msg("%s: %s", text, err_text(&err, words, sizeof(words)));
    return x;
}

static const char instances[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
                                "  <requestId>1</requestId>\n"
                                "  <reservationSet>\n"
                                "    <item><instancesSet>\n"
                                "      <item><instanceId>i-1</instanceId><tagSet><item><key>Name</key><value> a "
                                "&lt;b&gt; &amp; &#228;</value></item>"
                                "</tagSet></item>\n"
                                "      <item><instanceId><![CDATA[i-<2>]]></instanceId><ipAddress/></item>\n"
                                "    </instancesSet></item>\n"
                                "  </reservationSet>\n"
                                "</DescribeInstancesResponse>\n";

static void elements_are_found_by_their_path(void **state)
{
    (void)state;
    _cleanup_(xml_free_p) struct xml *x = parse(instances);
    const struct xml_node *set = xml_path(xml_root(x), "reservationSet", "item", "instancesSet", NULL);
    assert_string_equal(xml_name(xml_root(x)), "DescribeInstancesResponse");
    assert_string_equal(xml_str(xml_root(x), "requestId"), "1");
    const struct xml_node *one = xml_first(set), *two = xml_next(one);
    assert_string_equal(xml_str(one, "instanceId"), "i-1");
    assert_string_equal(xml_text(xml_path(one, "tagSet", "item", "value", NULL)), "a <b> & \xc3\xa4");
    assert_string_equal(xml_str(two, "instanceId"), "i-<2>");
    assert_string_equal(xml_str(two, "ipAddress"), "");
    assert_null(xml_next(two));
    assert_string_equal(xml_text(set), "");
}

static void what_is_not_there_reads_as_empty(void **state)
{
    (void)state;
    _cleanup_(xml_free_p) struct xml *x = parse("<a><b>1</b></a>");
    assert_null(xml_path(xml_root(x), "c", "d", NULL));
    assert_null(xml_child(NULL, "b"));
    assert_null(xml_first(NULL));
    assert_null(xml_next(NULL));
    assert_null(xml_root(NULL));
    assert_string_equal(xml_str(NULL, "b"), "");
    assert_string_equal(xml_text(NULL), "");
    assert_string_equal(xml_name(NULL), "");
    assert_ptr_equal(xml_path(xml_root(x), NULL), xml_root(x));
}

static void prefixes_of_names_do_not_count(void **state)
{
    (void)state;
    _cleanup_(xml_free_p) struct xml *x = parse("<s:a xmlns:s=\"u\"><s:b>1</s:b><b>2</b></s:a>");
    assert_string_equal(xml_name(xml_root(x)), "a");
    assert_string_equal(xml_str(xml_root(x), "b"), "1");
}

/* With a document that names files and addresses there must be no trace of them, and nothing on stderr. */
static void documents_with_a_type_declaration_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "<!DOCTYPE a><a/>",
        "<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;&x;&x;&x;'>]><a>&y;&y;&y;</a>",
        "<!DOCTYPE a PUBLIC '-//W3C//DTD' 'http://127.0.0.1:1/dtd'><a/>",
        "<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct xml *x = NULL;
        struct err err = { 0 };
        assert_int_equal(xml_parse(span_of(bad[i]), &x, &err), -ERR_PROTO);
        assert_null(x);
        assert_non_null(strstr(err.frame[0].text, "document type declaration"));
    }
}

static void what_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a>&x;</a>",
        "<a>&#0;</a>",
        "<a b=1/>",
        "<a>\x01</a>",
        "<a>\xff</a>",
        "{\"a\":1}",
        "<a",
        "<a><![CDATA[",
        "<!-- only -->",
        "<a/>trailing",
        "<?xml version='1.0' encoding='latin1'?><a>\xe4</a>",
        "<html><body><p>Bad gateway</body></html>",
        "<a:b/>",
        "<a xmlns:s='u'><s:b:c/></a>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct xml *x = NULL;
        struct err err = { 0 };
        if (xml_parse(span_of(bad[i]), &x, &err) != -ERR_PROTO || x)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.frame[0].text, "not an XML document"));
        assert_null(strchr(err.frame[0].text, '\n'));
    }
}

static void a_document_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < strlen(instances) - 1; len++) { /* the last byte is the LF after the root */
        struct xml *x = NULL;
        assert_int_equal(xml_parse((struct span){ instances, len }, &x, NULL), -ERR_PROTO);
        assert_null(x);
    }
}

static void add_nested(struct buf *b, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_adds(b, "<a>");
    buf_adds(b, "x");
    for (int i = 0; i < depth; i++)
        buf_adds(b, "</a>");
}

static void depth_and_number_of_elements_are_bounded(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf good = BUF_INIT(1000), deep = BUF_INIT(1 << 20), many = BUF_INIT(8 << 20);
    struct xml *x = NULL;
    add_nested(&good, XML_DEPTH_MAX);
    x = parse(buf_str(&good));
    const struct xml_node *n = xml_root(x);
    while (xml_first(n))
        n = xml_first(n);
    assert_string_equal(xml_text(n), "x");
    xml_free_p(&x);
    add_nested(&deep, XML_DEPTH_MAX + 1);
    assert_int_equal(xml_parse(buf_span(&deep), &x, NULL), -ERR_PROTO);
    buf_reset(&deep);
    add_nested(&deep, 100000);
    assert_int_equal(xml_parse(buf_span(&deep), &x, NULL), -ERR_PROTO);
    buf_adds(&many, "<a>");
    for (int i = 0; i < 300000; i++)
        buf_adds(&many, "<b/>");
    buf_adds(&many, "</a>");
    assert_int_equal(xml_parse(buf_span(&many), &x, NULL), -ERR_PROTO);
    assert_null(x);
}

static void long_texts_are_kept_whole(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf doc = BUF_INIT(4 << 20);
    buf_adds(&doc, "<a><output>");
    for (int i = 0; i < 90000; i++) /* console output is 64 KiB, as base64 */
        buf_adds(&doc, i % 76 ? "Q" : "\r\n");
    buf_adds(&doc, "</output></a>");
    _cleanup_(xml_free_p) struct xml *x = parse(buf_str(&doc));
    size_t len = strlen(xml_str(xml_root(x), "output"));
    assert_in_range(len, 88000, 92000);
}

/* libxml2 writes to stderr when nobody asks it not to: what it writes would be the document's own words. */
static void nothing_is_written_to_stderr(void **state)
{
    (void)state;
    char path[] = "/tmp/bg-xml-XXXXXX";
    int file = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(file >= 0 && saved >= 0);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    what_is_not_well_formed_is_refused(state);
    documents_with_a_type_declaration_are_refused(state);
    struct xml *x = NULL;
    (void)xml_parse(SPAN_LIT("<a xmlns='relative uri'><x:b xmlns:x=''/></a>"), &x, NULL);
    xml_free(x);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    struct stat st;
    assert_int_equal(fstat(file, &st), 0);
    close(file);
    close(saved);
    (void)unlink(path);
    assert_int_equal(st.st_size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_found_by_their_path),
        cmocka_unit_test(what_is_not_there_reads_as_empty),
        cmocka_unit_test(prefixes_of_names_do_not_count),
        cmocka_unit_test(documents_with_a_type_declaration_are_refused),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(depth_and_number_of_elements_are_bounded),
        cmocka_unit_test(long_texts_are_kept_whole),
        cmocka_unit_test(nothing_is_written_to_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
