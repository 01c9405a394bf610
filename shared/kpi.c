#include "shared/kpi.h"

#define KPI_SECONDS_MAX 10000000.0 /* 115 days; keeps typing errors out */
#define KPI_NUMBER_MAX 16          /* characters */

static const struct {
    const char *name;
    const char *title;
    struct kpi_limits limits;
} kpis[KPI_COUNT] = {
    [KPI_TOTAL] = { "total", "Total deployment time", { 600, 900, 1200 } },
    [KPI_CUTOVER] = { "cutover", "Cutover time", { 10, 20, 30 } },
    [KPI_HEALTH_CHECK] = { "health_check", "Health check time", { 30, 45, 60 } },
    [KPI_IMAGE_PULL] = { "image_pull", "Image pull time", { 60, 90, 120 } },
};

static const char *const verdicts[] = {
    [KPI_NOT_MEASURED] = "not_measured", [KPI_ON_TARGET] = "on_target", [KPI_ABOVE_TARGET] = "above_target",
    [KPI_WARNING] = "warning",           [KPI_CRITICAL] = "critical",
};

const char *kpi_name(enum kpi_id id)
{
    return (unsigned)id < KPI_COUNT ? kpis[id].name : "";
}

const char *kpi_title(enum kpi_id id)
{
    return (unsigned)id < KPI_COUNT ? kpis[id].title : "";
}

const char *kpi_verdict_name(enum kpi_verdict v)
{
    return verdicts[(unsigned)v <= KPI_CRITICAL ? v : KPI_NOT_MEASURED];
}

struct kpi_table kpi_defaults(void)
{
    struct kpi_table t;
    for (unsigned i = 0; i < KPI_COUNT; i++)
        t.limits[i] = kpis[i].limits;
    return t;
}

static bool find(struct span name, unsigned *id)
{
    for (unsigned i = 0; i < KPI_COUNT; i++)
        if (span_eq(name, kpis[i].name)) {
            *id = i;
            return true;
        }
    return false;
}

/* Digits with at most one dot between them: none of the other forms that strtod() takes. */
static bool parse_seconds(struct span s, double *ret)
{
    char text[KPI_NUMBER_MAX + 1];
    bool dot = false;
    if (s.len == 0 || s.len > KPI_NUMBER_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool is_dot = s.ptr[i] == '.' && !dot && i > 0 && i + 1 < s.len;
        if (!is_dot && (s.ptr[i] < '0' || s.ptr[i] > '9'))
            return false;
        dot = dot || is_dot;
    }
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *ret = strtod(text, NULL);
    return *ret <= KPI_SECONDS_MAX;
}

static bool ordered(const struct kpi_limits *l)
{
    return l->target >= 0 && l->target <= l->warning && l->warning <= l->critical && l->critical <= KPI_SECONDS_MAX;
}

static bool parse_limits(struct span s, struct kpi_limits *ret)
{
    double n[3];
    struct span part;
    for (int i = 0; i < 3; i++)
        if (!span_split(&s, '/', &part) || !parse_seconds(span_trim(part), &n[i]))
            return false;
    *ret = (struct kpi_limits){ .target = n[0], .warning = n[1], .critical = n[2] };
    return s.len == 0 && part.ptr + part.len == s.ptr;
}

static int parse_line(struct span line, struct kpi_table *t, bool seen[KPI_COUNT], struct err *err)
{
    int shown = line.len > 60 ? 60 : (int)line.len;
    struct span name;
    unsigned id = 0;
    (void)span_split(&line, ':', &name); /* the line is not empty */
    const char *text = name.ptr;
    name = span_trim(name);
    if (!find(name, &id)) {
        int r = err_set(err, ERR_INPUT, 0, "KPI line '%.*s': wants NAME: TARGET/WARNING/CRITICAL", shown, text);
        err_hint(err, "The names are total, cutover, health_check and image_pull.");
        return r;
    }
    if (seen[id])
        return err_set(err, ERR_INPUT, 0, "KPI '%s' is given twice", kpis[id].name);
    seen[id] = true;
    if (!parse_limits(line, &t->limits[id]))
        return err_set(err, ERR_INPUT, 0, "KPI '%s': got '%.*s', wants three numbers of seconds like 10/20/30",
                       kpis[id].name, shown, text);
    if (!ordered(&t->limits[id]))
        return err_set(err, ERR_INPUT, 0, "KPI '%s': got '%.*s', wants target <= warning <= critical", kpis[id].name,
                       shown, text);
    return 0;
}

int kpi_parse(struct span text, struct kpi_table *table, struct err *err)
{
    struct kpi_table t = *table;
    bool seen[KPI_COUNT] = { false };
    struct span line;
    while (span_next_line(&text, &line)) {
        line = span_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        int r = parse_line(line, &t, seen, err);
        if (r < 0)
            return r;
    }
    *table = t;
    return 0;
}

enum kpi_verdict kpi_judge(const struct kpi_limits *limits, double seconds)
{
    if (!(seconds >= 0)) /* NaN too */
        return KPI_NOT_MEASURED;
    if (seconds > limits->critical)
        return KPI_CRITICAL;
    if (seconds > limits->warning)
        return KPI_WARNING;
    return seconds > limits->target ? KPI_ABOVE_TARGET : KPI_ON_TARGET;
}

struct json *kpi_to_json(const struct kpi_table *table)
{
    struct json *j = json_object();
    for (unsigned i = 0; i < KPI_COUNT; i++) {
        struct json *arr = json_array();
        json_push_num(arr, table->limits[i].target);
        json_push_num(arr, table->limits[i].warning);
        json_push_num(arr, table->limits[i].critical);
        json_set(j, kpis[i].name, arr);
    }
    return j;
}

static bool limits_from_json(const struct json *j, struct kpi_limits *ret)
{
    const struct json *target = json_first(j);
    const struct json *warning = json_next(target);
    const struct json *critical = json_next(warning);
    if (!json_is_array(j) || !json_is_number(target) || !json_is_number(warning) || !json_is_number(critical) ||
        json_next(critical))
        return false;
    *ret = (struct kpi_limits){
        .target = json_value_num(target, -1),
        .warning = json_value_num(warning, -1),
        .critical = json_value_num(critical, -1),
    };
    return ordered(ret);
}

int kpi_from_json(const struct json *j, struct kpi_table *table, struct err *err)
{
    struct kpi_table t = kpi_defaults();
    bool seen[KPI_COUNT] = { false };
    unsigned found = 0;
    for (const struct json *c = json_first(j); c; c = json_next(c)) {
        unsigned id = 0;
        if (!find(span_of(json_key(c)), &id))
            return err_set(err, ERR_INPUT, 0, "unknown KPI '%.40s'", json_key(c) ? json_key(c) : "");
        if (seen[id])
            return err_set(err, ERR_INPUT, 0, "KPI '%s' is given twice", kpis[id].name);
        seen[id] = true;
        found++;
        if (!limits_from_json(c, &t.limits[id]))
            return err_set(err, ERR_INPUT, 0, "KPI '%s': wants three ordered numbers of seconds", kpis[id].name);
    }
    if (found != KPI_COUNT)
        return err_set(err, ERR_INPUT, 0, "KPI table: %u of %d names are there", found, KPI_COUNT);
    *table = t;
    return 0;
}
