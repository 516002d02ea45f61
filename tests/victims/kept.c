/* SPDX-License-Identifier: MIT */
/*
 * A program that has got libpq's functions by dlsym and keeps them, before somebody attaches to it:
 * in .bss, in .data, in a sealed page (.data.rel.ro), in a plugin's .bss and on the heap; and those
 * of a second copy of libpq in .bss, too. Does what it is told, line by line, and says "done" and
 * what it got.
 *
 *   PLACE N    N statements by the pointers kept there, on the connection that was made by them:
 *              bss, data, sealed, plugin, heap, other
 *   new PLACE  another connection by them, used once
 *   same       where what dlsym gives now is what is kept
 *   renew      what dlsym gives now is put on the heap
 *
 * usage: kept DSN LIBPQ OTHER PLUGIN
 * Built with PLUGIN it is the plugin, and has a place for pointers only.
 */
#include <dlfcn.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct functions {
    PGconn *(*connect)(const char *);
    ConnStatusType (*status)(const PGconn *);
    PGresult *(*exec)(PGconn *, const char *);
    int (*rows)(const PGresult *);
    void (*clear)(PGresult *);
    void (*finish)(PGconn *);
    long other_data;
};

#ifdef PLUGIN

volatile struct functions kept_by_plugin;

#else

static volatile struct functions in_bss, of_other, in_data = {.other_data = 1};
static volatile struct functions sealed
    __attribute__((section(".data.rel.ro"))) = {.other_data = 1};

static struct place {
    const char *name;
    volatile struct functions *functions;
    void *libpq;
    PGconn *conn;
} places[] = {
    {"bss", &in_bss, NULL, NULL}, {"data", &in_data, NULL, NULL}, {"sealed", &sealed, NULL, NULL},
    {"plugin", NULL, NULL, NULL}, {"heap", NULL, NULL, NULL},     {"other", &of_other, NULL, NULL},
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static const char *dsn;
static long rows, failures;

static void *need(void *found)
{
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

static void get(volatile struct functions *f, void *libpq)
{
    *(void *volatile *)&f->connect = need(dlsym(libpq, "PQconnectdb"));
    *(void *volatile *)&f->status = need(dlsym(libpq, "PQstatus"));
    *(void *volatile *)&f->exec = need(dlsym(libpq, "PQexec"));
    *(void *volatile *)&f->rows = need(dlsym(libpq, "PQntuples"));
    *(void *volatile *)&f->clear = need(dlsym(libpq, "PQclear"));
    *(void *volatile *)&f->finish = need(dlsym(libpq, "PQfinish"));
}

/* The page that `sealed` is in, opened or closed. */
static void protect(int protection)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)&sealed / page * page;
    uintptr_t bytes = (uintptr_t)(&sealed + 1) - at;
    if (mprotect((void *)at, bytes, protection) != 0)
        exit(3);
}

static PGconn *open_connection(const volatile struct functions *f)
{
    PGconn *conn = f->connect(dsn);
    if (f->status(conn) != CONNECTION_OK) {
        fprintf(stderr, "no connection\n");
        exit(2);
    }
    return conn;
}

static void run(const volatile struct functions *f, PGconn *conn, const char *place, long n)
{
    char statement[64];
    snprintf(statement, sizeof(statement), "SELECT 1 AS kept_in_%s", place);
    for (long i = 0; i < n; i++) {
        PGresult *result = f->exec(conn, statement);
        rows += f->rows(result);
        f->clear(result);
    }
}

static void begin(const char *libpq, const char *other, const char *plugin)
{
    void *first = need(dlopen(libpq, RTLD_NOW | RTLD_LOCAL));
    void *second = need(dlopen(other, RTLD_NOW | RTLD_LOCAL));
    places[3].functions =
        need(dlsym(need(dlopen(plugin, RTLD_NOW | RTLD_LOCAL)), "kept_by_plugin"));
    places[4].functions = need(calloc(1, sizeof(struct functions)));
    protect(PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < PLACES; i++) {
        places[i].libpq = i == PLACES - 1 ? second : first;
        get(places[i].functions, places[i].libpq);
        places[i].conn = open_connection(places[i].functions);
    }
    protect(PROT_READ);
}

static void tell_same(void)
{
    for (size_t i = 0; i < PLACES; i++) {
        bool same = dlsym(places[i].libpq, "PQexec") == (void *)places[i].functions->exec &&
                    dlsym(places[i].libpq, "PQfinish") == (void *)places[i].functions->finish;
        printf("%s=%d ", places[i].name, same);
    }
}

/* A page that can be written to after all would take the byte. */
static void look_at_seal(void)
{
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1)
        exit(1);
    if (read(ends[0], (void *)&sealed.other_data, 1) != -1 || errno != EFAULT)
        failures++;
    close(ends[0]);
    close(ends[1]);
}

static void step(const char *line)
{
    bool another = strncmp(line, "new ", 4) == 0;
    const char *name = another ? line + 4 : line;
    if (strcmp(line, "same") == 0)
        tell_same();
    if (strcmp(line, "renew") == 0)
        get(places[4].functions, places[4].libpq);
    for (size_t i = 0; i < PLACES; i++) {
        const struct place *place = &places[i];
        size_t len = strlen(place->name);
        if (strncmp(name, place->name, len) != 0)
            continue;
        PGconn *conn = another ? open_connection(place->functions) : place->conn;
        run(place->functions, conn, place->name, another ? 1 : atol(line + len));
        if (another)
            place->functions->finish(conn);
    }
    look_at_seal();
}

int main(int argc, char **argv)
{
    char line[64];
    if (argc != 5)
        return 64;
    dsn = argv[1];
    begin(argv[2], argv[3], argv[4]);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        step(line);
        printf("\ndone %s: rows=%ld failures=%ld\n", line, rows, failures);
        fflush(stdout);
    }
    for (size_t i = 0; i < PLACES; i++)
        places[i].functions->finish(places[i].conn);
    return failures == 0 ? 0 : 1;
}

#endif
