#include "shared/view/watch_line.h"

#include "shared/clock.h"
#include "shared/view/view_internal.h"

#define RUNNING_MS 1000
#define BACK_OFF_MAX_MS 15000

static void add_time(int64_t wall_ms, struct buf *out)
{
    char iso[CLOCK_ISO_SIZE];

    (void)clock_format_iso(wall_ms, iso);
    buf_addf(out, "%.10s %.8s UTC", iso, iso + 11);
}

static void add_lost(const struct watch_moment *m, struct buf *out)
{
    buf_adds(out, "NO ANSWER since ");
    view_duration((double)m->lost_ms / 1000, out);
    buf_adds(out, "; last answer ");
    view_duration((double)m->silent_ms / 1000, out);
    buf_adds(out, " ago; ");
    if (m->again_ms > 0) {
        buf_adds(out, "next try in ");
        view_duration((double)(m->again_ms + 999) / 1000, out);
    } else {
        buf_adds(out, *m->trouble ? "trying again" : "still waiting");
    }
    buf_adds(out, *m->trouble ? " (q ends): " : " (q ends)");
    view_word(m->trouble, out);
}

void watch_line(const struct watch_moment *m, bool colour, struct buf *out)
{
    if (m->lost_ms >= 0) {
        buf_adds(out, colour ? VIEW_BAD : "");
        add_lost(m, out);
        buf_adds(out, colour ? VIEW_PLAIN : "");
        return;
    }
    buf_adds(out, colour ? VIEW_DIM : "");
    buf_addf(out, "every %u s, ", m->seconds);
    add_time(m->answered_at, out);
    if (m->asking_ms >= WATCH_SLOW_MS) {
        buf_adds(out, ", waiting for an answer since ");
        view_duration((double)m->asking_ms / 1000, out);
    }
    buf_adds(out, " (q ends)");
    buf_adds(out, colour ? VIEW_PLAIN : "");
}

int64_t watch_pause_ms(unsigned seconds, const struct json *report, unsigned failures)
{
    int64_t pause = (int64_t)seconds * 1000;

    if (failures > 0) {
        pause = failures < 5 ? (int64_t)500 << failures : BACK_OFF_MAX_MS;
        return pause < BACK_OFF_MAX_MS ? pause : BACK_OFF_MAX_MS;
    }
    return json_is_object(json_get(report, "running")) && pause > RUNNING_MS ? RUNNING_MS : pause;
}
