/* SPDX-License-Identifier: MIT */
/*
 * Words that are changed and put back, in objects that are as the loader leaves them, and in those
 * that it is still at work on.
 */
#include "runtime/places.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static char first, second, ours;
static void *word; /* in static data of this program */

struct change {
    struct spy_object object; /* to be changed instead of the one that was visited */
    void **slot;
    void *before;
    bool done, visited;
};

static void change(struct spy_walk *w, const struct dl_phdr_info *info, void *data)
{
    struct change *c = data;
    struct spy_object o;
    if (!spy_object_open(&o, info) || c->visited)
        return;
    if (c->object.parts != 0)
        o = c->object;
    if (!spy_object_has(&o, (uintptr_t)c->slot, PT_LOAD))
        return;
    c->visited = true;
    c->done = spy_place_change(w, &o, c->slot, c->before, &ours);
}

static bool changed(struct change *c)
{
    struct spy_walk walk;
    assert_true(spy_walk(&walk, change, c));
    assert_true(c->visited);
    assert_int_equal(c->done, !walk.incomplete);
    return c->done;
}

/* What stands in BEFORE is to become ours. */
static bool word_changed(void *before)
{
    return changed(&(struct change){.slot = &word, .before = before});
}

static void a_word_gets_back_what_it_had(void **state)
{
    unsigned count;
    (void)state;
    word = &first;
    assert_false(word_changed(&second));
    assert_ptr_equal(word, &first);
    assert_true(word_changed(&first));
    assert_ptr_equal(word, &ours);
    assert_true(spy_places_restore(&count));
    assert_int_equal(count, 1);
    assert_ptr_equal(word, &first);
    assert_int_equal(spy_places_count(), 0);
}

/* As where a plugin was replaced by another one, which the loader has put where that was. */
static void a_word_that_came_anew_gets_back_what_it_had_last(void **state)
{
    unsigned count;
    (void)state;
    word = &first;
    assert_true(word_changed(&first));
    word = &second;
    assert_true(word_changed(&second));
    assert_true(spy_places_restore(&count));
    assert_int_equal(count, 1);
    assert_ptr_equal(word, &second);
}

static void words_that_come_time_and_again_take_no_more_room(void **state)
{
    unsigned count;
    (void)state;
    word = &first;
    assert_true(word_changed(&first));
    void *object = dlopen("libpq.so.5", RTLD_LAZY); /* one that goes when it is closed */
    assert_non_null(object);
    assert_int_equal(dlclose(object), 0);
    assert_null(dlopen("libpq.so.5", RTLD_LAZY | RTLD_NOLOAD));
    for (unsigned i = 0; i < 100; i++) {
        word = &second;
        assert_true(word_changed(&second));
    }
    assert_int_equal(spy_places_count(), 1);
    assert_true(spy_places_restore(&count));
    assert_int_equal(count, 1);
    assert_ptr_equal(word, &second);
}

/* ---- what the loader seals --------------------------------------------------------------------
 */

static uintptr_t page;
static ElfW(Phdr) part[2];

/* An object of two pages, of which it says that the first BYTES are to be sealed. */
static struct spy_object sealed(void **at, size_t bytes)
{
    part[0] = (ElfW(Phdr)){.p_type = PT_LOAD, .p_vaddr = (uintptr_t)at, .p_memsz = 2 * page};
    part[1] = (ElfW(Phdr)){.p_type = PT_GNU_RELRO, .p_vaddr = (uintptr_t)at, .p_memsz = bytes};
    return (struct spy_object){.part = part, .parts = 2};
}

static void **two_pages(void)
{
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    void **at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    return at;
}

static void what_is_to_be_sealed_waits_for_that(void **state)
{
    void **at = two_pages(), **last = at + page / sizeof(*at) - 1;
    struct change c = {.object = sealed(at, page), .slot = last};
    struct spy_mappings mappings;
    (void)state;
    assert_false(changed(&c));
    assert_null(*last);
    assert_int_equal(mprotect(at, page, PROT_READ), 0);
    c.visited = false;
    assert_true(changed(&c));
    assert_ptr_equal(*last, &ours);
    assert_true(spy_mappings_read(&mappings));
    assert_int_equal(spy_mappings_find(&mappings, last)->protection, PROT_READ);
    spy_mappings_free(&mappings);
    munmap(at, 2 * page);
}

static void a_page_that_is_to_be_sealed_in_part_stays_open(void **state)
{
    void **at = two_pages(), **slot = at + page / sizeof(*at);
    struct change c = {.object = sealed(at, page + 64), .slot = slot};
    (void)state;
    assert_int_equal(mprotect(at, page, PROT_READ), 0);
    assert_true(changed(&c));
    assert_ptr_equal(*slot, &ours);
    munmap(at, 2 * page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_gets_back_what_it_had),
        cmocka_unit_test(a_word_that_came_anew_gets_back_what_it_had_last),
        cmocka_unit_test(words_that_come_time_and_again_take_no_more_room),
        cmocka_unit_test(what_is_to_be_sealed_waits_for_that),
        cmocka_unit_test(a_page_that_is_to_be_sealed_in_part_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
