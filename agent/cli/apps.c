#include "agent/cli/apps.h"

#include "agent/state/store.h"

static int several(const struct strlist *apps, struct err *err)
{
    _cleanup_(buf_done_p) struct buf names = BUF_INIT(ERR_HINT_MAX - 100);
    size_t shown = 0;
    for (; shown < apps->len && names.len + strlen(apps->items[shown]) + 2 < names.max; shown++)
        buf_addf(&names, "%s%s", shown ? ", " : "", apps->items[shown]);
    int r = err_set(err, ERR_INPUT, 0, "there are %zu apps on this host: say which one with --app", apps->len);
    err_hint(err, "They are %s%s.", buf_str(&names), shown < apps->len ? ", …" : "");
    return r;
}

static int none(struct err *err)
{
    _cleanup_(buf_done_p) struct buf root = BUF_INIT(ERR_HINT_MAX / 2);
    struct err ignored = { 0 };
    bool known = store_root_path(&root, &ignored) == 0;
    int r = err_set(err, ERR_INPUT, 0, "no app was deployed on this host by this user: say which one with --app");
    err_hint(err, "Deployments are looked for in %s, as BLUEGREEN_HOME and the user's home say.",
             known ? buf_str(&root) : "the state root");
    return r;
}

int apps_choose(const char *wanted, char out[SPEC_APP_MAX + 1], struct err *err)
{
    struct strlist apps = { 0 };
    if (wanted && !spec_is_app_name(wanted))
        return err_set(err, ERR_INPUT, 0, "--app is '%s', wants a name such as shop-api", wanted);
    int r = wanted ? 0 : store_list_apps(&apps, err);
    if (r == 0 && !wanted && apps.len == 0)
        r = none(err);
    if (r == 0 && apps.len > 1)
        r = several(&apps, err);
    if (r == 0)
        (void)snprintf(out, SPEC_APP_MAX + 1, "%s", wanted ? wanted : apps.items[0]);
    strlist_done(&apps);
    return r;
}
