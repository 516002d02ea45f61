/* SPDX-License-Identifier: MIT */
/*
 * What is read of loaded objects, against what the loader says of them.
 */
#include "runtime/object.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Functions that libc has in one version. */
static const char *const names[] = {"listen",  "accept4", "dladdr1", "getauxval",
                                    "strtoul", "qsort",   "readv",   "dl_iterate_phdr"};
#define NAMES (sizeof(names) / sizeof(names[0]))

struct search {
    const void *address;
    struct spy_object found;
    unsigned count;
};

static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    struct spy_object o;
    (void)size;
    if (!spy_object_open(&o, info) || !spy_object_has(&o, (uintptr_t)search->address, PT_LOAD))
        return 0;
    search->found = o;
    search->count++;
    return 0;
}

/* The object that has ADDRESS. */
static struct spy_object object_with(const void *address)
{
    struct search search = {.address = address};
    dl_iterate_phdr(visit, &search);
    assert_int_equal(search.count, 1);
    return search.found;
}

static struct spy_object libc_object(void)
{
    return object_with(dlsym(RTLD_DEFAULT, "dladdr1"));
}

/* Asked of libc itself: in front of it there may be a sanitizer. */
static void check_names(const struct spy_object *libc)
{
    void *handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(handle);
    for (size_t i = 0; i < NAMES; i++)
        assert_ptr_equal(spy_object_function(libc, names[i]), dlsym(handle, names[i]));
    dlclose(handle);
    assert_null(spy_object_function(libc, "PQexec"));
    assert_null(spy_object_function(libc, "liste"));
    assert_null(spy_object_function(libc, ""));
    assert_null(spy_object_function(libc, "environ")); /* no function */
}

static void functions_are_where_the_loader_finds_them(void **state)
{
    (void)state;
    struct spy_object libc = libc_object();
    assert_non_null(libc.gnu_hash);
    check_names(&libc);
}

static void and_by_the_older_hash(void **state)
{
    (void)state;
    struct spy_object libc = libc_object();
    if (libc.hash == NULL)
        skip(); /* libc has it for old programs' sake; not everybody's */
    libc.gnu_hash = NULL;
    check_names(&libc);
}

static void what_is_only_used_is_not_had(void **state)
{
    (void)state;
    struct spy_object self = object_with((const void *)object_with);
    assert_null(spy_object_function(&self, "dladdr1"));
    assert_null(spy_object_function(&self, "dl_iterate_phdr"));
}

static void the_loader_is_known(void **state)
{
    (void)state;
    void *loader = dlopen("ld-linux-x86-64.so.2", RTLD_LAZY | RTLD_NOLOAD);
    loader = loader != NULL ? loader : dlopen("ld-linux-aarch64.so.1", RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(loader);
    struct spy_object libc = libc_object();
    struct spy_object other = object_with(((struct link_map *)loader)->l_ld);
    assert_false(spy_object_is_loader(&libc));
    assert_true(spy_object_is_loader(&other));
    dlclose(loader);
}

static void sealed_data_are_told_from_the_rest(void **state)
{
    static int open = 1;
    (void)state;
    struct spy_object self = object_with((const void *)object_with);
    assert_true(spy_object_has(&self, (uintptr_t)&open, PT_LOAD));
    assert_false(spy_object_has(&self, (uintptr_t)&open, PT_GNU_RELRO));
    assert_true(spy_object_has(&self, (uintptr_t)&_DYNAMIC, PT_GNU_RELRO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_where_the_loader_finds_them),
        cmocka_unit_test(and_by_the_older_hash),
        cmocka_unit_test(what_is_only_used_is_not_had),
        cmocka_unit_test(the_loader_is_known),
        cmocka_unit_test(sealed_data_are_told_from_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
