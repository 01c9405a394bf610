/* What json_parse() takes prints, the print parses, and from then on nothing changes; pretty text means the same. */
#include "shared/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PRINT_MAX (64U << 20)

static void print(const struct json *j, bool pretty, struct buf *out)
{
    if ((pretty ? json_print_pretty : json_print)(j, out, NULL) < 0)
        abort();
}

static struct json *parse(const struct buf *b)
{
    struct json *j = NULL;
    if (json_parse(buf_span(b), &j, NULL) < 0)
        abort();
    return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { .ptr = (const char *)data, .len = size };
    _cleanup_(json_free_p) struct json *j = NULL;
    if (json_parse(text, &j, NULL) < 0) {
        if (j)
            abort();
        return 0;
    }
    _cleanup_(buf_done_p) struct buf one = BUF_INIT(PRINT_MAX);
    _cleanup_(buf_done_p) struct buf two = BUF_INIT(PRINT_MAX);
    _cleanup_(buf_done_p) struct buf pretty = BUF_INIT(PRINT_MAX);
    _cleanup_(buf_done_p) struct buf three = BUF_INIT(PRINT_MAX);
    print(j, false, &one);
    if (!span_is_utf8(buf_span(&one)) || span_contains(buf_span(&one), "\n"))
        abort();
    _cleanup_(json_free_p) struct json *again = parse(&one);
    print(again, false, &two);
    print(again, true, &pretty);
    _cleanup_(json_free_p) struct json *third = parse(&pretty);
    print(third, false, &three);
    if (strcmp(buf_str(&one), buf_str(&two)) != 0 || strcmp(buf_str(&one), buf_str(&three)) != 0)
        abort();
    return 0;
}
