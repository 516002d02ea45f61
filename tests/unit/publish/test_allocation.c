/* SPDX-License-Identifier: MIT */
/*
 * Storage of a region in memory: what is there at the start, what comes when it is asked for, and
 * what happens where there is none. On a memory file, which is a file of tmpfs without a name.
 */
#include "publish/allocation.h"
#include "record/held.h"
#include "record/record.h"
#include "record/shard.h"
#include "runtime/process.h"
#include "shared/storage.h"
#include "shared/totals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int file;

static uint64_t allocated(void)
{
    struct stat st;
    assert_int_equal(fstat(file, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static struct spy_region *new_region(void)
{
    static uint64_t epoch = 1000;
    file = memfd_create("region", MFD_CLOEXEC);
    assert_true(file >= 0);
    struct spy_region *region = spy_allocation_map(file, (struct spy_region_sizes){0});
    assert_true((intptr_t)region > 0);
    spy_region_layout(region);
    region->epoch_mono_ns = ++epoch;
    for (uint32_t i = 0; i < SPY_OPS_MAX; i++) {
        struct spy_op *op = spy_region_op(region, i);
        op->kind = i == SPY_OP_OTHER_HTTP ? SPY_KIND_HTTP : SPY_KIND_SQL;
        op->watch_ns = UINT64_MAX;
        atomic_store(&op->state, SPY_OP_READY);
    }
    atomic_store(&region->ops_used, SPY_OPS_MAX);
    atomic_store(&region->arena_used, 1);
    atomic_store(&region->text_used, 1);
    return region;
}

static void drop(struct spy_region *region)
{
    munmap(region, region->total_bytes);
    close(file);
}

static void record(struct spy_region *region, uint32_t op)
{
    spy_record(region, &(struct spy_sample){.op = op, .dur_ns = 5000, .code = 1});
}

static uint64_t calls(const struct spy_region *region)
{
    static struct spy_totals totals;
    uint64_t sum = 0;
    for (uint32_t op = 0; op < SPY_OPS_MAX; op++) {
        spy_totals_of_op(&totals, region, op);
        sum += totals.calls;
    }
    return sum;
}

static const char *section(const struct spy_region *region, enum spy_section which)
{
    return spy_region_section(region, which);
}

/* Every section but four is there at once, whole; and nothing is missing where all is full. */
static void it_grows_as_it_is_used(void **state)
{
    (void)state;
    struct spy_region *region = new_region();
    uint64_t begun = allocated();
    assert_int_equal(region->sparse, 1);
    assert_true(begun < region->total_bytes / 2);
    for (int i = 0; i < SPY_SECTION_COUNT; i++) {
        bool on_demand = i == SPY_SECTION_ARENA || i == SPY_SECTION_TEXT || i == SPY_SECTION_HELD ||
                         i == SPY_SECTION_HISTORY;
        assert_int_equal(
            spy_storage_has(region, section(region, (enum spy_section)i), region->section[i].bytes),
            !on_demand);
    }
    spy_shards_reserve(region);
    for (uint32_t op = 2; op < 302; op++)
        record(region, op);
    char text[1000];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 100; i++)
        assert_int_not_equal(spy_region_text_add(region, text, sizeof(text)), 0);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(spy_held_take(region), i);
    assert_int_equal(calls(region), 300); /* reads the held slots, too: those that are there */
    /* So much was used, and a block more of each at most was allocated, and one at its begin. */
    uint64_t used = atomic_load(&region->arena_used) * SPY_CHUNK_BYTES +
                    atomic_load(&region->text_used) + 200 * sizeof(struct spy_held);
    assert_true(allocated() >= begun + used - 6 * SPY_BLOCK_BYTES);
    assert_true(allocated() <= begun + used + 6 * SPY_BLOCK_BYTES);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_STORAGE_DENIED]), 0);
    drop(region);
}

/* What was recorded is in the file, whoever reads that. */
static void the_file_has_it(void **state)
{
    (void)state;
    struct spy_region *region = new_region();
    record(region, 7);
    struct spy_region *copy = aligned_alloc(4096, region->total_bytes);
    assert_int_equal(pread(file, copy, region->total_bytes, 0), region->total_bytes);
    assert_int_equal(calls(copy), 1);
    free(copy);
    drop(region);
}

/* A part of the arena that cannot be had: here since nothing is mapped there. */
static void no_room_counts_under_other(void **state)
{
    (void)state;
    struct spy_region *region = new_region();
    spy_shards_reserve(region);
    const char *arena = section(region, SPY_SECTION_ARENA);
    uint64_t offset = (uint64_t)(arena - (const char *)region);
    uint64_t hole = (offset + 2 * SPY_BLOCK_BYTES) / SPY_BLOCK_BYTES * SPY_BLOCK_BYTES;
    assert_int_equal(munmap((char *)region + hole, region->total_bytes - hole), 0);
    for (uint32_t op = 2; op < 1002; op++)
        record(region, op);
    assert_true(atomic_load(&region->arena_used) * SPY_CHUNK_BYTES <= hole - offset + 4096);
    assert_int_equal(atomic_load(&region->storage_state), SPY_STORAGE_DENIED);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_STORAGE_DENIED]), 1); /* asked once */
    uint64_t other = atomic_load(&region->self[SPY_SELF_ARENA_FULL]);
    assert_in_range(other, 1, 999);
    assert_int_equal(calls(region), 1000);
    /* Another chance, when there is room again. */
    uint64_t bytes = region->total_bytes;
    assert_ptr_equal(mmap((char *)region + hole, bytes - hole, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_FIXED, file, (off_t)hole),
                     (char *)region + hole);
    record(region, 1100);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_ARENA_FULL]), other + 1);
    spy_storage_retry(region);
    record(region, 1100);
    assert_int_equal(atomic_load(&region->self[SPY_SELF_ARENA_FULL]), other + 1);
    assert_int_equal(calls(region), 1002);
    drop(region);
}

static void settled_it_is_whole(void **state)
{
    (void)state;
    struct spy_region *region = new_region();
    spy_storage_settle(region);
    assert_true(spy_storage_has(region, region, region->total_bytes));
    assert_true(allocated() >= region->total_bytes);
    spy_storage_retry(region);
    assert_int_equal(atomic_load(&region->storage_state), SPY_STORAGE_CLOSED);
    drop(region);
    /* Settled, nothing is asked for any more, even where something is missing. */
    region = new_region();
    atomic_store(&region->storage_state, SPY_STORAGE_CLOSED);
    assert_false(spy_storage_reach(region, section(region, SPY_SECTION_ARENA) + (1u << 20), 1));
    drop(region);
}

int main(void)
{
    spy_process->pid = getpid();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_as_it_is_used),
        cmocka_unit_test(the_file_has_it),
        cmocka_unit_test(no_room_counts_under_other),
        cmocka_unit_test(settled_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
