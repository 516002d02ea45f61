/* SPDX-License-Identifier: MIT */
/* What `run` finds out about a program, and what the program is then given. */
#include "ctl/program.h"

#include "ctl/command.h"
#include "unit/ctl/fixture.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>

static char dir[SPY_PATH_BYTES];

static void write_file(char *path, const char *name, const void *bytes, size_t count, mode_t mode)
{
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void kinds(void **state)
{
    char path[PATH_MAX], script[PATH_MAX + 8], twice[PATH_MAX + 8];
    char elf[4096];
    (void)state;
    FILE *self = fopen("/proc/self/exe", "r");
    assert_int_equal(fread(elf, 1, sizeof(elf), self), sizeof(elf));
    fclose(self);
    write_file(path, "dynamic", elf, sizeof(elf), 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_DYNAMIC);
    int n = snprintf(script, sizeof(script), "#! %s -x\n", path);
    write_file(path, "script", script, (size_t)n, 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_DYNAMIC);
    n = snprintf(twice, sizeof(twice), "#!%s\n", path);
    write_file(path, "twice", twice, (size_t)n, 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_DYNAMIC);
    n = snprintf(twice, sizeof(twice), "#!%s/loop\n", dir);
    write_file(path, "loop", twice, (size_t)n, 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_UNKNOWN);
    char *loader = memmem(elf, sizeof(elf), "/ld-linux", 9);
    assert_non_null(loader);
    memcpy(loader, "/ld-musl-", 9);
    write_file(path, "dynamic", elf, sizeof(elf), 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_MUSL);
    elf[4] = 1; /* ELFCLASS32 */
    write_file(path, "dynamic", elf, sizeof(elf), 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_OTHER_ABI);
    elf[4] = 2;
    elf[56] = elf[57] = 0; /* no program headers, so no interpreter */
    write_file(path, "dynamic", elf, sizeof(elf), 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_STATIC);
    elf[56] = (char)200; /* more headers than the file has room for */
    write_file(path, "dynamic", elf, 64, 0755);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_UNKNOWN);
    assert_int_equal(ctl_program_of(dir), CTL_PROGRAM_UNKNOWN);
}

static void setuid_program(void **state)
{
    char path[PATH_MAX];
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    write_file(path, "dynamic",
               "\x7f"
               "ELF",
               4, 0755);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(chmod(path, 04755), 0);
    assert_int_equal(ctl_program_of(path), CTL_PROGRAM_SETUID);
}

static void search(void **state)
{
    char path[PATH_MAX], found[PATH_MAX], search_path[PATH_MAX + 32];
    (void)state;
    write_file(path, "loop", "x", 1, 0644);
    char *old = strdup(getenv("PATH"));
    snprintf(search_path, sizeof(search_path), "/nonexistent:%s:/bin", dir);
    setenv("PATH", search_path, 1);
    assert_int_equal(ctl_program_find("sh", found, sizeof(found)), 0);
    assert_string_equal(found, "/bin/sh");
    assert_int_equal(ctl_program_find("loop", found, sizeof(found)), EACCES);
    assert_int_equal(ctl_program_find("no-such-program", found, sizeof(found)), ENOENT);
    assert_int_equal(ctl_program_find("", found, sizeof(found)), ENOENT);
    assert_int_equal(ctl_program_find(path, found, sizeof(found)), EACCES);
    assert_int_equal(ctl_program_find("/bin", found, sizeof(found)), EACCES);
    setenv("PATH", old, 1);
    free(old);
}

/* Output of a shell that `run` becomes. */
static void run_shell(struct ctl_args args, const char *script, char *out, size_t cap)
{
    int pipes[2], status;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *operand[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
        struct ctl_run run = {.args = &args, .out = stdout, .err = stderr};
        args.operand = operand;
        args.operands = 3;
        dup2(pipes[1], STDOUT_FILENO);
        /* The library is not what is tested: the loader only says that it is not there. */
        dup2(pipes[1], STDERR_FILENO);
        setenv("LD_PRELOAD", "libm.so.6", 1);
        _exit((int)ctl_cmd_run(&run));
    }
    close(pipes[1]);
    size_t used = 0;
    for (ssize_t n; used < cap - 1 && (n = read(pipes[0], out + used, cap - 1 - used)) > 0;)
        used += (size_t)n;
    out[used] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 42);
}

static void environment(void **state)
{
    char out[8192], wanted[2 * PATH_MAX], cwd[PATH_MAX];
    struct ctl_args args = {.rules = "no/rules.yml", .dir = "/some/dir"};
    (void)state;
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    run_shell(args, "echo \"[$LD_PRELOAD] [$PERFSPY_RULES] [$PERFSPY_DIR]\"; exit 42", out,
              sizeof(out));
    snprintf(wanted, sizeof(wanted), "libperfspy.so:libm.so.6] [%s/no/rules.yml] [/some/dir]\n",
             cwd);
    assert_non_null(strstr(out, wanted));
    assert_non_null(
        strstr(out, "warning: the program will be watched without rules: no/rules.yml"));
}

static int set_up(void **state)
{
    (void)state;
    fixture_dir(dir);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"dynamic", "script", "twice", "loop"};
    char path[PATH_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(setuid_program),
        cmocka_unit_test(search),
        cmocka_unit_test(environment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
