#include "agent/prune/prune.h"
#include "tests/unit/agent/host.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define NOW (1000 * DAY_MS)

/* A host small enough to be seen whole: blue serves "a", green had "b". */
static struct prune_container containers[8];
static struct prune_image images[8];
static struct prune_record records[8];
static struct prune_facts facts;
static const struct prune_limits limits = { .keep_hours = 24, .keep_versions = 0, .log_retention_days = 7 };

static struct prune_container *add_container(enum prune_role role, bool running, int64_t stopped_ago_ms)
{
    struct prune_container *c = &containers[facts.container_count++];
    *c = (struct prune_container){ .role = role,
                                   .running = running,
                                   .stopped_ms = stopped_ago_ms < 0 ? -1 : NOW - stopped_ago_ms };
    (void)snprintf(c->name, sizeof(c->name), "c%zu", facts.container_count);
    return c;
}

static struct prune_image *add_image(const char *digest, int64_t used_ago_ms)
{
    struct prune_image *i = &images[facts.image_count++];
    *i = (struct prune_image){ .used_ms = NOW - used_ago_ms };
    (void)snprintf(i->digest, sizeof(i->digest), "%s", digest);
    (void)snprintf(i->id, sizeof(i->id), "id-%s", digest);
    return i;
}

static struct prune_record *add_record(const char *id, const char *digest, int64_t ended_ago_ms)
{
    struct prune_record *r = &records[facts.record_count++];
    *r = (struct prune_record){
        .ended = true, .whole = true, .good = true, .is_deploy = true, .ended_ms = NOW - ended_ago_ms
    };
    (void)snprintf(r->id, sizeof(r->id), "%s", id);
    (void)snprintf(r->digest, sizeof(r->digest), "%s", digest);
    return r;
}

static int start(void **state)
{
    (void)state;
    facts = (struct prune_facts){ .now_ms = NOW, .containers = containers, .images = images, .records = records };
    (void)snprintf(facts.serves_digest, sizeof(facts.serves_digest), "a");
    add_container(PRUNE_BLUE, true, -1);
    return 0;
}

static void assert_fate(const struct prune_fate *f, bool go, const char *word)
{
    if (f->go != go || !strstr(f->reason, word))
        fail_msg("it %s: '%s'; wanted that it %s: '%s'", f->go ? "goes" : "stays", f->reason, go ? "goes" : "stays",
                 word);
}

static void decide(const struct prune_limits *l)
{
    prune_decide(&facts, l);
}

/* ---- containers ---- */

static void what_has_a_part_in_the_app_stays(void **state)
{
    (void)state;
    struct prune_container *stopped_blue = add_container(PRUNE_BLUE, false, 100 * DAY_MS);
    struct prune_container *keeper = add_container(PRUNE_KEEPER, false, 100 * DAY_MS);
    struct prune_container *stranger = add_container(PRUNE_OTHERS, false, 100 * DAY_MS);
    struct prune_container *odd = add_container(PRUNE_ODD, true, -1);
    decide(&limits);
    assert_fate(&containers[0].fate, false, "it serves");
    assert_fate(&stopped_blue->fate, false, "name of what serves");
    assert_fate(&keeper->fate, false, "looks after the app");
    assert_fate(&stranger->fate, false, "not of this app");
    assert_fate(&odd->fate, false, "it runs");
}

static void green_stays_for_its_keep_time(void **state)
{
    static const struct {
        bool running;
        int64_t stopped_ago_ms;
        bool goes;
        const char *word;
    } cases[] = {
        { false, 24 * HOUR_MS - 1, false, "less than 24 hours ago" },
        { false, 24 * HOUR_MS, true, "24 hours ago" },
        { false, 30 * HOUR_MS, true, "30 hours ago; kept for 24" },
        { false, -1, false, "cannot be told" },
        { true, 30 * HOUR_MS, false, "it runs" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)start(state);
        struct prune_container *green = add_container(PRUNE_GREEN, cases[i].running, cases[i].stopped_ago_ms);
        decide(&limits);
        assert_fate(&green->fate, cases[i].goes, cases[i].word);
    }
}

static void green_that_a_run_has_just_replaced_stays_whatever_its_keep_time(void **state)
{
    (void)state;
    const struct prune_limits none = { 0 };
    struct prune_container *green = add_container(PRUNE_GREEN, false, 0);
    green->held = true;
    decide(&none);
    assert_fate(&green->fate, false, "the way back");
    green->held = false;
    decide(&none);
    assert_fate(&green->fate, true, "the previous version");
}

static void green_stays_while_nothing_serves(void **state)
{
    (void)state;
    containers[0].running = false;
    struct prune_container *green = add_container(PRUNE_GREEN, false, 100 * DAY_MS);
    decide(&limits);
    assert_fate(&green->fate, false, "nothing serves");
    (void)start(state);
    facts.container_count = 0;
    green = add_container(PRUNE_GREEN, false, 100 * DAY_MS);
    (void)add_container(PRUNE_OTHERS, true, -1);
    (void)add_container(PRUNE_KEEPER, true, -1);
    decide(&limits);
    assert_fate(&green->fate, false, "nothing serves");
}

static void what_crashes_again_and_again_or_is_a_candidate_does_not_serve(void **state)
{
    (void)state;
    containers[0].halted = true;
    (void)add_container(PRUNE_NEXT, true, -1);
    (void)add_container(PRUNE_ODD, true, -1);
    struct prune_container *green = add_container(PRUNE_GREEN, false, 100 * DAY_MS);
    decide(&limits);
    assert_fate(&green->fate, false, "nothing serves");
    containers[0].halted = false;
    decide(&limits);
    assert_fate(&green->fate, true, "");
}

static void leftovers_go_when_nobody_is_at_work(void **state)
{
    (void)state;
    struct prune_container *next = add_container(PRUNE_NEXT, false, 0);
    struct prune_container *odd = add_container(PRUNE_ODD, false, 0);
    decide(&limits);
    assert_fate(&next->fate, true, "left behind");
    assert_fate(&odd->fate, true, "does not run");
    facts.busy = true;
    decide(&limits);
    assert_fate(&next->fate, false, "at work");
    assert_fate(&odd->fate, false, "at work");
    facts.busy = false;
    facts.unfinished = true;
    decide(&limits);
    assert_fate(&next->fate, false, "cut off");
}

/* ---- images ---- */

static void an_image_goes_when_it_is_unused_and_old(void **state)
{
    static const struct {
        int64_t ago_ms, keep_hours;
        bool goes;
    } cases[] = { { 24 * HOUR_MS, 24, true },
                  { 24 * HOUR_MS - 1, 24, false },
                  { 0, 0, true },
                  { -HOUR_MS, 0, false },  /* a clock that was set back */
                  { NOW + 1, 0, false } }; /* nobody knows when */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)start(state);
        const struct prune_limits l = { .keep_hours = cases[i].keep_hours };
        struct prune_image *image = add_image("b", cases[i].ago_ms);
        decide(&l);
        assert_fate(&image->fate, cases[i].goes, cases[i].goes ? "last used" : "");
    }
}

static void an_image_that_somebody_needs_stays(void **state)
{
    (void)state;
    struct prune_image *serves = add_image("a", 100 * DAY_MS);
    struct prune_image *used = add_image("b", 100 * DAY_MS);
    struct prune_image *elsewhere = add_image("c", 100 * DAY_MS);
    struct prune_image *named = add_image("d", 100 * DAY_MS);
    struct prune_image *absent = add_image("e", 100 * DAY_MS);
    struct prune_container *stranger = add_container(PRUNE_OTHERS, false, 100 * DAY_MS);
    (void)snprintf(stranger->image_id, sizeof(stranger->image_id), "id-b");
    elsewhere->elsewhere = true;
    (void)snprintf(named->other_name, sizeof(named->other_name), "mine:1");
    absent->id[0] = '\0';
    decide(&limits);
    assert_fate(&serves->fate, false, "it serves");
    assert_fate(&used->fate, false, "container 'c2' uses it");
    assert_fate(&elsewhere->fate, false, "another app");
    assert_fate(&named->fate, false, "'mine:1'");
    assert_fate(&absent->fate, false, "not on the host");
}

static void an_image_goes_with_the_last_container_that_used_it(void **state)
{
    (void)state;
    struct prune_image *image = add_image("b", 30 * HOUR_MS);
    struct prune_container *green = add_container(PRUNE_GREEN, false, 30 * HOUR_MS);
    (void)snprintf(green->image_id, sizeof(green->image_id), "id-b");
    decide(&limits);
    assert_fate(&green->fate, true, "");
    assert_fate(&image->fate, true, "last used 30 hours ago");
    green->stopped_ms = NOW;
    decide(&limits);
    assert_fate(&image->fate, false, "container 'c2' uses it");
}

/* "a" serves; then b, a, b, c, d by age. */
static void add_versions(void)
{
    static const char *const digests[] = { "b", "a", "b", "c", "d" };
    for (size_t i = 0; i < 5; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "r%zu", i);
        (void)add_record(id, digests[i], (int64_t)(i + 30) * DAY_MS);
    }
    for (size_t i = 1; i < 5; i++)
        (void)add_image(digests[i], 30 * DAY_MS); /* a, b, c, d */
}

static void the_last_good_versions_are_pinned_and_the_next_one_is_not(void **state)
{
    for (int64_t n = 0; n <= 4; n++) {
        (void)start(state);
        const struct prune_limits l = { .keep_versions = n };
        add_versions();
        decide(&l);
        assert_false(images[0].fate.go); /* it serves */
        for (int64_t i = 1; i < 4; i++)
            assert_fate(&images[i].fate, i >= n && i > 0, i < n ? "good versions (keep-versions)" : "last used");
    }
}

static void of_a_pinned_version_the_newest_record_with_its_settings_stays(void **state)
{
    (void)state;
    const struct prune_limits l = { .keep_versions = 2 };
    add_versions();
    decide(&l);
    assert_fate(&records[0].fate, false, "settings");   /* b */
    assert_fate(&records[1].fate, false, "settings");   /* a */
    assert_fate(&records[2].fate, true, "32 days ago"); /* b, earlier */
    assert_fate(&records[3].fate, true, "");
    records[0].is_deploy = false; /* a rollback brought b back: its deployment has the settings */
    records[0].pinned = false;
    decide(&l);
    assert_fate(&records[0].fate, true, "");
    assert_fate(&records[2].fate, false, "settings");
    records[2].whole = false; /* on its way out */
    records[2].pinned = false;
    decide(&l);
    assert_fate(&records[0].fate, false, "settings");
    assert_fate(&records[2].fate, true, "");
}

static void a_failed_deployment_pins_nothing(void **state)
{
    (void)state;
    const struct prune_limits l = { .keep_versions = 2 };
    add_versions();
    records[0].good = records[2].good = false;
    decide(&l);
    assert_fate(&images[1].fate, true, "");  /* b */
    assert_fate(&images[2].fate, false, ""); /* c */
}

static void what_serves_counts_though_its_record_is_not_written_yet(void **state)
{
    (void)state;
    const struct prune_limits l = { .keep_versions = 2 };
    add_versions();
    (void)snprintf(facts.serves_digest, sizeof(facts.serves_digest), "z");
    decide(&l);
    assert_fate(&images[1].fate, false, "good versions"); /* b */
    assert_fate(&images[0].fate, true, "");               /* a */
}

/* ---- records ---- */

static void a_record_goes_after_its_days(void **state)
{
    (void)state;
    struct prune_record *old = add_record("old", "x", 7 * DAY_MS);
    struct prune_record *young = add_record("young", "x", 7 * DAY_MS - 1);
    struct prune_record *unfinished = add_record("unfinished", "x", 100 * DAY_MS);
    struct prune_record *unknown = add_record("unknown", "x", NOW + 1);
    struct prune_record *current = add_record("current", "x", 100 * DAY_MS);
    unfinished->ended = false;
    (void)snprintf(facts.current, sizeof(facts.current), "current");
    decide(&limits);
    assert_fate(&old->fate, true, "ended 7 days ago; kept for 7");
    assert_fate(&young->fate, false, "less than 7 days ago");
    assert_fate(&unfinished->fate, false, "cannot be told");
    assert_fate(&unknown->fate, false, "cannot be told");
    assert_fate(&current->fate, false, "at hand");
}

static void the_record_of_a_container_goes_with_it(void **state)
{
    (void)state;
    struct prune_record *record = add_record("made-it", "b", 9 * DAY_MS);
    struct prune_container *green = add_container(PRUNE_GREEN, false, 0);
    (void)snprintf(green->deployment, sizeof(green->deployment), "made-it");
    decide(&limits);
    assert_fate(&record->fate, false, "its container is kept");
    green->stopped_ms = NOW - 9 * DAY_MS;
    decide(&limits);
    assert_fate(&record->fate, true, "");
}

/* ---- the look ahead ---- */

static void after_a_deployment_blue_is_green_and_green_has_made_way(void **state)
{
    (void)state;
    const struct prune_limits l = { .keep_versions = 1 };
    struct prune_container *green = add_container(PRUNE_GREEN, false, 0);
    struct prune_image *blue_image = add_image("a", 100 * DAY_MS), *green_image = add_image("b", 100 * DAY_MS);
    (void)snprintf(containers[0].image_id, sizeof(containers[0].image_id), "id-a");
    (void)snprintf(green->image_id, sizeof(green->image_id), "id-b");
    prune_foresee(&facts, "new");
    decide(&l);
    assert_fate(&containers[0].fate, false, "the way back");
    assert_fate(&green->fate, true, "takes its place");
    assert_fate(&blue_image->fate, false, "uses it");
    assert_fate(&green_image->fate, true, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_has_a_part_in_the_app_stays, start),
        cmocka_unit_test_setup(green_stays_for_its_keep_time, start),
        cmocka_unit_test_setup(green_that_a_run_has_just_replaced_stays_whatever_its_keep_time, start),
        cmocka_unit_test_setup(green_stays_while_nothing_serves, start),
        cmocka_unit_test_setup(what_crashes_again_and_again_or_is_a_candidate_does_not_serve, start),
        cmocka_unit_test_setup(leftovers_go_when_nobody_is_at_work, start),
        cmocka_unit_test_setup(an_image_goes_when_it_is_unused_and_old, start),
        cmocka_unit_test_setup(an_image_that_somebody_needs_stays, start),
        cmocka_unit_test_setup(an_image_goes_with_the_last_container_that_used_it, start),
        cmocka_unit_test_setup(the_last_good_versions_are_pinned_and_the_next_one_is_not, start),
        cmocka_unit_test_setup(of_a_pinned_version_the_newest_record_with_its_settings_stays, start),
        cmocka_unit_test_setup(a_failed_deployment_pins_nothing, start),
        cmocka_unit_test_setup(what_serves_counts_though_its_record_is_not_written_yet, start),
        cmocka_unit_test_setup(a_record_goes_after_its_days, start),
        cmocka_unit_test_setup(the_record_of_a_container_goes_with_it, start),
        cmocka_unit_test_setup(after_a_deployment_blue_is_green_and_green_has_made_way, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
