#include "shared/view/view.h"

#include "shared/view/view_internal.h"

static const struct {
    const char *name; /* contract: of the report event */
    view_fn *show;
} views[] = {
    { "status", view_status },
    { "diagnose", view_diagnose },
    { "prune", view_prune },
    { "plan", view_plan },
};

bool view_report(const struct view *v, const char *name, const struct json *report)
{
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
        if (strcmp(views[i].name, name) == 0) {
            views[i].show(v, report);
            return true;
        }
    return false;
}
