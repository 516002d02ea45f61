/* SPDX-License-Identifier: MIT */
/* Regions that are not what they say: refused, or read without harm. Meant for SAN=address. */
#include "ctl/image.h"

#include "ctl/detail.h"
#include "ctl/health.h"
#include "ctl/json.h"
#include "ctl/slow.h"
#include "unit/ctl/fixture.h"

#include <fcntl.h>

static struct spy_region head;
static const struct ctl_image_owner nobody = {.uid = UINT32_MAX - 1};
static const struct ctl_run now = {.now_mono_ns = 200 * SEC, .now_real_ns = REAL + 100 * SEC};

static void expect_refused(const char *path, const char *reason)
{
    struct spy_region *region;
    struct spy_error err;
    assert_int_not_equal(ctl_image_read(path, nobody, &region, &err), SPY_OK);
    assert_null(region);
    assert_string_equal(err.text, reason);
    assert_int_not_equal(ctl_image_head(path, nobody, &head, &err), SPY_OK);
}

static void files(void **state)
{
    char dir[SPY_PATH_BYTES], path[SPY_PATH_BYTES], link[SPY_PATH_BYTES + 8];
    struct spy_region *region;
    struct spy_error err;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    fixture_dir(dir);
    fixture_save(r, dir);
    assert_true(spy_paths_region(path, sizeof(path), dir, (struct spy_process_id){10, 1000}));
    assert_int_equal(ctl_image_read(path, nobody, &region, &err), SPY_OK);
    assert_memory_equal(region, r, r->total_bytes);
    ctl_image_free(region);
    assert_int_equal(ctl_image_head(path, nobody, &head, &err), SPY_OK);
    assert_memory_equal(&head, r, sizeof(head));

    snprintf(link, sizeof(link), "%s.link", path);
    assert_int_equal(symlink(path, link), 0);
    expect_refused(link, "it is a symbolic link");
    unlink(link);
    assert_int_equal(mkfifo(link, 0600), 0);
    expect_refused(link, "not a regular file");
    unlink(link);
    expect_refused(dir, "not a regular file");
    expect_refused(link, "No such file or directory");

    assert_int_equal(truncate(path, 100), 0);
    expect_refused(path, "100 bytes are too few for a region");
    assert_int_equal(truncate(path, (off_t)r->total_bytes * 2), 0);
    char reason[80];
    snprintf(reason, sizeof(reason), "%llu bytes are too many for a region",
             (unsigned long long)r->total_bytes * 2);
    expect_refused(path, reason);
    fixture_remove(dir, r);
    free(r);
}

static void foreign_owner(void **state)
{
    char dir[SPY_PATH_BYTES], path[SPY_PATH_BYTES];
    struct spy_region *region;
    struct spy_error err;
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    struct spy_region *r = fixture_parts(10, 1000);
    fixture_dir(dir);
    fixture_save(r, dir);
    assert_true(spy_paths_region(path, sizeof(path), dir, (struct spy_process_id){10, 1000}));
    assert_int_equal(chown(path, 12345, 12345), 0);
    expect_refused(path, "it belongs to user 12345");
    const struct ctl_image_owner any = {.uid = 0, .any_owner = true};
    assert_int_equal(ctl_image_read(path, any, &region, &err), SPY_ERR_REFUSED);
    assert_string_equal(err.text, "it belongs to user 12345, but says user 0");
    assert_int_equal(ctl_image_head(path, any, &head, &err), SPY_ERR_REFUSED);
    const struct ctl_image_owner theirs = {.uid = 12345};
    assert_int_equal(ctl_image_read(path, theirs, &region, &err), SPY_OK);
    ctl_image_free(region);
    fixture_remove(dir, r);
    free(r);
}

/* As it comes over the socket. */
static enum spy_status take(const void *bytes, size_t count, struct spy_region **out,
                            struct spy_error *err)
{
    enum spy_status status = ctl_image_new(bytes, count, out, err);
    if (status != SPY_OK)
        return status;
    memcpy(*out, bytes, count);
    return ctl_image_finish(*out, count, out, err);
}

/* The other arena sections must not move: the shared readers bound an index by its section. */
static void moved_sections(void **state)
{
    struct spy_region *region;
    struct spy_error err;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    r->section[SPY_SECTION_SLOW].offset = r->section[SPY_SECTION_OPS].offset;
    assert_int_equal(take(r, r->total_bytes, &region, &err), SPY_ERR_CORRUPT);
    assert_string_equal(err.text, "its sections are not where this version puts them");
    free(r);
}

/* A region of the version before, whose sections lay elsewhere: said, not misread. */
static void former_version(void **state)
{
    char dir[SPY_PATH_BYTES], path[SPY_PATH_BYTES], reason[120];
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    r->version = SPY_REGION_VERSION - 1;
    r->header_bytes -= sizeof(struct spy_section_place);
    memset(r->section, 0xA5, sizeof(r->section));
    fixture_dir(dir);
    fixture_save(r, dir);
    assert_true(spy_paths_region(path, sizeof(path), dir, (struct spy_process_id){10, 1000}));
    snprintf(reason, sizeof(reason), "region version %u, this tool reads version %u",
             SPY_REGION_VERSION - 1, SPY_REGION_VERSION);
    expect_refused(path, reason);
    r->version = SPY_REGION_VERSION; /* the number alone tells nothing then */
    fixture_save(r, dir);
    snprintf(reason, sizeof(reason),
             "region version %u of another build: its header has %u bytes, not %zu",
             SPY_REGION_VERSION, r->header_bytes, sizeof(*r));
    expect_refused(path, reason);
    fixture_remove(dir, r);
    free(r);
}

/* An event may name a row of endpoints that is not there, or one without end. */
static void endpoints(void **state)
{
    struct ctl_slow slow = {0};
    struct ctl_process process = {.state = CTL_LIVE};
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    fixture_facts(r, 1, 1);
    struct spy_endpoint *row = spy_region_section(r, SPY_SECTION_ENDPOINTS);
    memset(row[5].host, 'x', sizeof(row[5]) - offsetof(struct spy_endpoint, host));
    ctl_slow_add(&slow, &process, r, 0, false);
    assert_int_equal(strlen(slow.call[1].server.host), sizeof(row[5].host));
    assert_int_equal(strlen(slow.call[1].server.user), sizeof(row[5].user));
    static const uint16_t nowhere[] = {0, 4, 6, SPY_ENDPOINTS, UINT16_MAX};
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        fixture_event(r, 1)->sample.endpoint = nowhere[i];
        slow.count = 0;
        ctl_slow_add(&slow, &process, r, 0, false);
        assert_string_equal(slow.call[1].server.host, "");
    }
    ctl_slow_free(&slow);
    free(r);
}

static void print_details(const struct ctl_model *model)
{
    struct ctl_args args = {0};
    struct capture c;
    capture_begin(&c, &args);
    if (model->members > 0)
        for (size_t i = 0; i < model->count; i++)
            ctl_detail_print(model, model->operation[i], &c.run);
    capture_end(&c);
    capture_free(&c);
}

static void print_slow(const struct ctl_slow *slow)
{
    struct ctl_args args = {0};
    struct capture c;
    capture_begin(&c, &args);
    for (size_t i = 0; i < slow->count; i++)
        ctl_slow_detail(&slow->call[i], &c.run);
    capture_end(&c);
    capture_free(&c);
    json_t *json = ctl_json_slow(slow, slow->count, 0);
    char *text = json_dumps(json, 0); /* NULL where a text is not UTF-8 */
    assert_non_null(text);
    free(text);
    json_decref(json);
}

/* Everything that any command does with a region. */
static void use(const struct spy_region *region)
{
    static const uint64_t windows[] = {0, 300 * SEC};
    for (size_t i = 0; i < 2; i++) {
        struct ctl_model model;
        struct ctl_process process = {.state = i == 0 ? CTL_LIVE : CTL_DEAD};
        ctl_model_init(&model, windows[i]);
        ctl_model_add(&model, &process, region, &now);
        json_decref(ctl_json_stats(&model, NULL));
        print_details(&model);
        struct ctl_health health = ctl_health_of(&model);
        ctl_health_free(&health);
        struct ctl_slow slow = {0};
        ctl_slow_add(&slow, &process, region, 0, false);
        ctl_slow_sort(&slow, CTL_SORT_DURATION);
        print_slow(&slow);
        ctl_slow_free(&slow);
        ctl_model_free(&model);
    }
}

/* An image that ends after the used part of its arena, as the socket sends it, may still have
 * indices that point behind its end. */
static void cut_arena(void **state)
{
    struct spy_region *region;
    struct spy_error err;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    spy_region_shard(r, 3)->cell[0] = SPY_ARENA_CHUNKS - SPY_CELL_CHUNKS;
    spy_region_shard(r, 4)->cell[0] = UINT32_MAX;
    size_t count = r->section[SPY_SECTION_ARENA].offset + r->arena_used * SPY_CHUNK_BYTES;
    assert_int_equal(take(r, count, &region, &err), SPY_OK);
    use(region);
    ctl_image_free(region);
    free(r);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return *seed >> 33;
}

/* Where the bits are flipped: the header, and the beginning of each section, where the fixture's
 * data are. */
static size_t place(const struct spy_region *r, uint64_t *seed)
{
    uint64_t which = next_random(seed) % (SPY_SECTION_COUNT + 1);
    if (which == SPY_SECTION_COUNT)
        return next_random(seed) % sizeof(*r);
    return r->section[which].offset + next_random(seed) % 4096;
}

static void bit_flips(void **state)
{
    uint64_t seed = 20260101;
    unsigned accepted = 0;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    strcpy(r->boot_id, "x");
    fixture_facts(r, 1, 1);
    char *bytes = malloc(r->total_bytes);
    assert_non_null(bytes);
    for (int round = 0; round < 300; round++) {
        struct spy_region *region;
        struct spy_error err;
        memcpy(bytes, r, r->total_bytes);
        for (int flip = 0; flip < 40; flip++)
            bytes[place(r, &seed)] ^= (char)(1u << next_random(&seed) % 8);
        /* Most flips in the section table would be refused: keep it, so that the rest is read. */
        if (round % 4 != 0)
            memcpy(bytes, r, offsetof(struct spy_region, pid));
        if (take(bytes, r->total_bytes, &region, &err) != SPY_OK)
            continue;
        accepted++;
        use(region);
        ctl_image_free(region);
    }
    assert_true(accepted > 50);
    free(bytes);
    free(r);
}

static void random_history(void **state)
{
    uint64_t seed = 7;
    (void)state;
    struct spy_region *r = fixture_parts(10, 1000);
    unsigned char *ring = spy_region_section(r, SPY_SECTION_HISTORY);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < 2000; i++)
            ring[i] = (unsigned char)(next_random(&seed) % 3 ? 0 : next_random(&seed));
        struct spy_history_step step = {
            .bytes = (uint32_t)(next_random(&seed) % 2000),
            .records = (uint32_t)next_random(&seed),
            .end_ns = 199 * SEC,
        };
        if (round % 2 == 0 && step.bytes >= sizeof(step)) /* its records are read then */
            step.check = spy_history_seal(
                spy_history_sum(SPY_HISTORY_SEED, ring + sizeof(step), step.bytes - sizeof(step)),
                &step);
        memcpy(ring, &step, sizeof(step));
        r->history[0].head = 2000 + next_random(&seed) % 100;
        use(r);
    }
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),          cmocka_unit_test(foreign_owner),
        cmocka_unit_test(moved_sections), cmocka_unit_test(cut_arena),
        cmocka_unit_test(bit_flips),      cmocka_unit_test(random_history),
        cmocka_unit_test(former_version), cmocka_unit_test(endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
