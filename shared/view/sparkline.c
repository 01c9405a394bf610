#include "shared/view/sparkline.h"

#define VALUE_MAX 1e6
#define LEVELS 8
#define SAME 0.1 /* of the largest value */

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void set_figures(struct sparkline *s)
{
    double sorted[SPARKLINE_MAX];
    for (size_t i = 0; i < s->count; i++)
        if (s->values[i] >= 0) {
            sorted[s->measured++] = s->values[i];
            s->last = s->values[i];
        }
    if (s->measured == 0)
        return;
    qsort(sorted, s->measured, sizeof(sorted[0]), by_size);
    s->min = sorted[0];
    s->median = (sorted[(s->measured - 1) / 2] + sorted[s->measured / 2]) / 2;
}

void sparkline_of(struct sparkline *s, const struct json *list, const char *key)
{
    size_t skip = json_len(list) > SPARKLINE_MAX ? json_len(list) - SPARKLINE_MAX : 0;
    memset(s, 0, sizeof(*s));
    for (const struct json *p = json_is_array(list) ? json_first(list) : NULL; p; p = json_next(p)) {
        double v = json_num(p, key, -1);
        if (skip > 0)
            skip--;
        else
            s->values[s->count++] = v >= 0 && v <= VALUE_MAX ? v : -1;
    }
    set_figures(s);
}

void sparkline_draw(const struct sparkline *s, struct buf *out)
{
    static const char *const blocks[LEVELS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    double max = s->min;
    for (size_t i = 0; i < s->count; i++)
        max = s->values[i] > max ? s->values[i] : max;
    bool flat = max - s->min <= max * SAME;
    for (size_t i = 0; i < s->count; i++) {
        double share = flat ? 0.5 : (s->values[i] - s->min) / (max - s->min);
        if (s->values[i] < 0)
            buf_adds(out, "·");
        else
            buf_adds(out, blocks[(size_t)(share * (LEVELS - 1) + (flat ? 0 : 0.5))]);
    }
}
