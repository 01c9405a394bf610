/* Accepted lines give ordered, non-negative limits that survive JSON; refused ones leave the table as it was. */
#include "shared/kpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_limits(const struct kpi_limits *l)
{
    if (!(l->target >= 0 && l->target <= l->warning && l->warning <= l->critical))
        abort();
    if (kpi_judge(l, l->target) != KPI_ON_TARGET || kpi_judge(l, l->critical + 1) != KPI_CRITICAL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { .ptr = (const char *)data, .len = size };
    struct kpi_table table = kpi_defaults(), again = { 0 };
    const struct kpi_table before = table;
    if (kpi_parse(text, &table, NULL) < 0) {
        if (memcmp(&table, &before, sizeof(table)) != 0)
            abort();
        return 0;
    }
    for (int i = 0; i < KPI_COUNT; i++)
        check_limits(&table.limits[i]);
    _cleanup_(json_free_p) struct json *j = kpi_to_json(&table);
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(10000);
    _cleanup_(json_free_p) struct json *parsed = NULL;
    if (json_print(j, &out, NULL) < 0 || json_parse(buf_span(&out), &parsed, NULL) < 0 ||
        kpi_from_json(parsed, &again, NULL) < 0 || memcmp(&table, &again, sizeof(table)) != 0)
        abort();
    return 0;
}
