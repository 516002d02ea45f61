/* SPDX-License-Identifier: MIT */
/* Finding and choosing processes: real ones, that live and die. */
#include "ctl/source.h"

#include "ctl/image.h"
#include "unit/ctl/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char dir[SPY_PATH_BYTES];

/* A child that does nothing, and its region. */
struct victim {
    pid_t pid;
    char spec[16];
    const char *specs[1];
    struct spy_region *region;
    struct ctl_args args;
};

static void victim_start(struct victim *v)
{
    struct ctl_proc proc;
    v->pid = fork();
    assert_true(v->pid >= 0);
    if (v->pid == 0) {
        pause();
        _exit(0);
    }
    assert_true(ctl_proc_read(v->pid, &proc));
    v->region = fixture_parts(v->pid, proc.start_ticks);
    ctl_proc_boot_id(v->region->boot_id);
    fixture_save(v->region, dir);
    snprintf(v->spec, sizeof(v->spec), "%d", v->pid);
    v->specs[0] = v->spec;
    v->args = (struct ctl_args){.process = v->specs, .processes = 1};
}

static void victim_kill(const struct victim *v)
{
    kill(v->pid, SIGKILL);
    waitpid(v->pid, NULL, 0);
}

static void victim_remove(struct victim *v)
{
    char path[SPY_PATH_BYTES];
    assert_true(spy_paths_region(path, sizeof(path), dir,
                                 (struct spy_process_id){v->pid, v->region->start_ticks}));
    unlink(path);
    free(v->region);
}

static enum ctl_exit open_source(struct ctl_source *source, const struct ctl_args *args,
                                 enum ctl_want want, const char *err)
{
    struct capture c;
    capture_begin(&c, args);
    enum ctl_exit result = ctl_source_open(source, &c.run, want);
    capture_end(&c);
    if (err != NULL)
        assert_string_equal(c.err, err);
    capture_free(&c);
    return result;
}

static void lives_and_dies(void **state)
{
    struct victim v;
    struct ctl_source source;
    (void)state;
    victim_start(&v);
    assert_int_equal(open_source(&source, &v.args, CTL_WANT_TOTALS, ""), CTL_OK);
    assert_int_equal(source.count, 1);
    assert_int_equal(source.process[0].state, CTL_LIVE);
    struct spy_region *r = ctl_source_load(&source.process[0], stderr);
    assert_non_null(r); /* no socket answers: from the file */
    assert_memory_equal(r, v.region, r->total_bytes);
    ctl_image_free(r);
    ctl_source_free(&source);

    victim_kill(&v);
    assert_int_equal(open_source(&source, &v.args, CTL_WANT_TOTALS, ""), CTL_OK);
    assert_int_equal(source.process[0].state, CTL_DEAD);
    assert_string_equal(source.process[0].proc.exe, "/usr/bin/parts_server");
    ctl_source_free(&source);
    victim_remove(&v);
    assert_int_equal(open_source(&source, &v.args, CTL_WANT_ALL, NULL), CTL_NOTHING);
}

/* A region of another boot is a dead process', whoever has the id now. */
static void other_boot(void **state)
{
    struct victim v;
    struct ctl_source source;
    (void)state;
    victim_start(&v);
    strcpy(v.region->boot_id, "another");
    fixture_save(v.region, dir);
    assert_int_equal(open_source(&source, &v.args, CTL_WANT_TOTALS, ""), CTL_OK);
    assert_int_equal(source.process[0].state, CTL_DEAD);
    ctl_source_free(&source);
    victim_kill(&v);
    victim_remove(&v);
}

static void live_before_dead(void **state)
{
    struct victim live, dead;
    struct ctl_source source;
    (void)state;
    victim_start(&dead);
    victim_kill(&dead);
    victim_start(&live);
    const char *both[] = {live.spec, dead.spec};
    struct ctl_args args = {.process = both, .processes = 2};
    assert_int_equal(open_source(&source, &args, CTL_WANT_TOTALS, ""), CTL_OK);
    assert_int_equal(source.count, 2); /* both were asked for by their ids */
    ctl_source_free(&source);

    /* By name, only the live one; in a window, both. A live one is called what it really runs. */
    struct ctl_proc self;
    assert_true(ctl_proc_read(getpid(), &self));
    strcpy(dead.region->exe, self.exe);
    fixture_save(dead.region, dir);
    const char *name[] = {strrchr(self.exe, '/') + 1};
    args = (struct ctl_args){.process = name, .processes = 1};
    assert_int_equal(open_source(&source, &args, CTL_WANT_TOTALS, ""), CTL_OK);
    assert_int_equal(source.count, 1);
    assert_int_equal(source.process[0].proc.pid, live.pid);
    ctl_source_free(&source);
    assert_int_equal(open_source(&source, &args, CTL_WANT_WINDOW, ""), CTL_OK);
    assert_int_equal(source.count, 2);
    ctl_source_free(&source);
    victim_kill(&live);
    victim_remove(&live);
    victim_remove(&dead);
}

static void another_process_region(void **state)
{
    struct victim v;
    struct ctl_source source;
    char *text = NULL;
    size_t len = 0;
    (void)state;
    victim_start(&v);
    assert_int_equal(open_source(&source, &v.args, CTL_WANT_TOTALS, ""), CTL_OK);
    char path[SPY_PATH_BYTES];
    assert_true(spy_paths_region(path, sizeof(path), dir,
                                 (struct spy_process_id){v.pid, v.region->start_ticks}));
    struct spy_region *other = fixture_parts(1, 1);
    FILE *file = fopen(path, "w");
    assert_int_equal(fwrite(other, 1, other->total_bytes, file), other->total_bytes);
    fclose(file);
    FILE *err = open_memstream(&text, &len);
    assert_null(ctl_source_load(&source.process[0], err));
    fclose(err);
    assert_non_null(strstr(text, "the region is another process'"));
    free(text);
    free(other);
    ctl_source_free(&source);
    victim_kill(&v);
    victim_remove(&v);
}

static void corrupt_files_are_named(void **state)
{
    struct ctl_source source;
    struct ctl_args args = {0};
    struct capture c;
    char path[SPY_PATH_BYTES + 32], wanted[SPY_PATH_BYTES + 128];
    (void)state;
    snprintf(path, sizeof(path), "%s/7-8.region", dir);
    FILE *file = fopen(path, "w");
    fputs("nonsense", file);
    fclose(file);
    capture_begin(&c, &args);
    ctl_source_scan(&source, c.run.err);
    capture_end(&c);
    snprintf(wanted, sizeof(wanted),
             "perfspy-ctl: warning: skipped %s: 8 bytes are too few for a region\n", path);
    assert_string_equal(c.err, wanted);
    capture_free(&c);
    ctl_source_free(&source);
    unlink(path);
}

/* Who runs, and is asked for by id, is found without a look at any other: of the file that is no
 * good nothing is said. */
static void asked_for(void **state)
{
    struct ctl_source source;
    struct ctl_proc self;
    char bad[SPY_PATH_BYTES + 32], path[SPY_PATH_BYTES], spec[16];
    (void)state;
    assert_true(ctl_proc_read(getpid(), &self));
    struct spy_region *r = fixture_parts(self.pid, self.start_ticks);
    fixture_save(r, dir);
    assert_true(spy_paths_region(path, sizeof(path), dir,
                                 (struct spy_process_id){self.pid, self.start_ticks}));
    int fd = open(path, O_RDONLY);
    void *mapped = mmap(NULL, r->total_bytes, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    close(fd);
    snprintf(bad, sizeof(bad), "%s/7-8.region", dir);
    FILE *file = fopen(bad, "w");
    fputs("nonsense", file);
    fclose(file);

    snprintf(spec, sizeof(spec), "%d", self.pid);
    const char *specs[] = {spec, spec}; /* once is enough */
    struct ctl_args args = {.process = specs, .processes = 2};
    assert_int_equal(open_source(&source, &args, CTL_WANT_ALL, ""), CTL_OK);
    assert_int_equal(source.count, 1);
    assert_int_equal(source.process[0].state, CTL_LIVE);
    assert_string_equal(source.process[0].region, path);
    ctl_source_free(&source);

    munmap(mapped, r->total_bytes);
    unlink(bad);
    unlink(path);
    free(r);
}

static void not_watched(void **state)
{
    struct ctl_source source;
    char spec[16], wanted[600];
    struct ctl_proc self;
    (void)state;
    snprintf(spec, sizeof(spec), "%d", getpid());
    const char *specs[] = {spec};
    struct ctl_args args = {.process = specs, .processes = 1};
    assert_true(ctl_proc_read(getpid(), &self));
    snprintf(wanted, sizeof(wanted),
             "perfspy-ctl: process %s (%s) is not watched: libperfspy.so is not loaded in it\n",
             spec, self.exe);
    assert_int_equal(open_source(&source, &args, CTL_WANT_ALL, wanted), CTL_NOTHING);
}

/* Process 1 may not be looked into by an ordinary user. */
static void refused(void **state)
{
    static const char *specs[] = {"1"};
    struct ctl_args args = {.process = specs, .processes = 1};
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ctl_source source;
        struct capture c;
        if (geteuid() == 0 &&
            (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
            _exit(1);
        capture_begin(&c, &args);
        _exit((int)ctl_source_open(&source, &c.run, CTL_WANT_TOTALS));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), CTL_REFUSED);
}

static int set_up(void **state)
{
    (void)state;
    fixture_dir(dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives_and_dies),
        cmocka_unit_test(other_boot),
        cmocka_unit_test(live_before_dead),
        cmocka_unit_test(another_process_region),
        cmocka_unit_test(corrupt_files_are_named),
        cmocka_unit_test(asked_for),
        cmocka_unit_test(not_watched),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
