/* SPDX-License-Identifier: MIT */
/*
 * One kind of call of libpq, in a loop: against the stand-in, or against whatever libpq the loader
 * finds and the server that its environment names (prepared, exec and params only). Prints the
 * least and the median over rounds of nanoseconds a call.
 *
 * usage: hook_calls KIND CALLS ROUNDS
 *
 * BENCH_CORE: the core to run on. (A tracer that is started on a core with taskset would be there,
 * too.)
 *
 * measured() is what callgrind collects (--toggle-collect): what runs before it is not counted.
 */
#include "bench.h"

#include <libpq-fe.h>
#include <sched.h>
#include <string.h>

#define WARM_UP    300
#define CLOCK_NS   50e6 /* at least 20 ms */
#define ROUNDS_MAX 1000

static const char *const values[] = {"7"};

/* 200 bytes; the literals of `literals` are new in each call. */
static char text[] = "SELECT id, name, description, part_type, quantity, unit FROM parts "
                     "WHERE organisation_id = 100000 AND name = 'Bolt 100000' AND id IN (1, 2, 3) "
                     "ORDER BY name, id LIMIT 20 OFFSET 40 -- of a firm's parts";
static const char by_id[] = "SELECT id, name, quantity FROM parts WHERE id = $1";
static const char row[] = "1\tBolt M6x20\tconsumable\n";
static char *first_literal, *second_literal;

static void stay_on_core(void)
{
    cpu_set_t core;
    const char *number = getenv("BENCH_CORE");
    if (number == NULL)
        return;
    CPU_ZERO(&core);
    CPU_SET((size_t)atoi(number), &core);
    if (sched_setaffinity(0, sizeof(core), &core) != 0) {
        perror("hook_calls: BENCH_CORE");
        exit(1);
    }
}

static PGconn *connect_or_die(void)
{
    PGconn *conn = PQconnectdb("");
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "hook_calls: no connection: %s", PQerrorMessage(conn));
        exit(1);
    }
    return conn;
}

static void call_connect(PGconn *conn)
{
    (void)conn;
    PQfinish(PQconnectdb(""));
}

static void call_exec(PGconn *conn)
{
    PQclear(PQexec(conn, text));
}

/* Counts on in the six digits of both literals. */
static void call_literals(PGconn *conn)
{
    int i = 5;
    while (i > 0 && first_literal[i] == '9')
        first_literal[i--] = '0';
    first_literal[i] = first_literal[i] == '9' ? '1' : (char)(first_literal[i] + 1);
    memcpy(second_literal, first_literal, 6);
    PQclear(PQexec(conn, text));
}

static void call_params(PGconn *conn)
{
    PQclear(PQexecParams(conn, by_id, 1, NULL, values, NULL, NULL, 0));
}

static void call_prepare(PGconn *conn)
{
    PQclear(PQprepare(conn, "again", by_id, 1, NULL));
}

static void call_prepared(PGconn *conn)
{
    PQclear(PQexecPrepared(conn, "get_part", 1, values, NULL, NULL, 0));
}

static void fetch_all(PGconn *conn)
{
    PGresult *result;
    while ((result = PQgetResult(conn)) != NULL)
        PQclear(result);
}

static void call_send_prepared(PGconn *conn)
{
    PQsendQueryPrepared(conn, "get_part", 1, values, NULL, NULL, 0);
    fetch_all(conn);
}

static void call_send_params(PGconn *conn)
{
    PQsendQueryParams(conn, by_id, 1, NULL, values, NULL, NULL, 0);
    fetch_all(conn);
}

static void call_consume(PGconn *conn)
{
    PQconsumeInput(conn);
}

static void call_flush(PGconn *conn)
{
    PQflush(conn);
}

static void begin_copy_in(PGconn *conn)
{
    PQclear(PQexecParams(conn, "<", 0, NULL, NULL, NULL, NULL, 0));
}

static void begin_copy_out(PGconn *conn)
{
    PQclear(PQexecParams(conn, ">", 0, NULL, NULL, NULL, NULL, 0));
}

static void call_copy_in(PGconn *conn)
{
    PQputCopyData(conn, row, sizeof(row) - 1);
}

static void call_copy_out(PGconn *conn)
{
    char *buffer;
    if (PQgetCopyData(conn, &buffer, 0) > 0)
        PQfreemem(buffer);
}

static const struct kind {
    const char *name;
    void (*call)(PGconn *conn);
    void (*begin)(PGconn *conn);
} kinds[] = {
    {"connect", call_connect, NULL},
    {"exec", call_exec, NULL},
    {"literals", call_literals, NULL},
    {"params", call_params, NULL},
    {"prepare", call_prepare, NULL},
    {"prepared", call_prepared, NULL},
    {"send_prepared", call_send_prepared, NULL},
    {"send_params", call_send_params, NULL},
    {"consume", call_consume, NULL},
    {"flush", call_flush, NULL},
    {"copy_in", call_copy_in, begin_copy_in},
    {"copy_out", call_copy_out, begin_copy_out},
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    fprintf(stderr, "hook_calls: no kind of call is named '%s'\n", name);
    exit(64);
}

static void repeat(void (*call)(PGconn *), PGconn *conn, int calls)
{
    for (int i = 0; i < calls; i++)
        call(conn);
}

__attribute__((noinline)) void measured(void (*call)(PGconn *), PGconn *conn, int calls);

void measured(void (*call)(PGconn *), PGconn *conn, int calls)
{
    repeat(call, conn, calls);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static double ns[ROUNDS_MAX];
    int calls = argc == 4 ? atoi(argv[2]) : 0;
    int rounds = argc == 4 ? atoi(argv[3]) : 0;
    if (calls < 1 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: hook_calls KIND CALLS ROUNDS  (1 to %d rounds)\n", ROUNDS_MAX);
        return 64;
    }
    const struct kind *kind = find_kind(argv[1]);
    stay_on_core();
    PGconn *conn = connect_or_die();
    first_literal = strstr(text, "100000");
    second_literal = strstr(first_literal + 6, "100000");
    PQclear(PQprepare(conn, "get_part", by_id, 1, NULL));
    if (kind->begin != NULL)
        kind->begin(conn);
    repeat(kind->call, conn, WARM_UP);
    /* The library measures its clock first (runtime/clock.h). A single round is for counting
     * instructions, which should not depend on time. */
    for (double begin = bench_now_ns(); rounds > 1 && bench_now_ns() - begin < CLOCK_NS;)
        repeat(kind->call, conn, WARM_UP);
    for (int round = 0; round < rounds; round++) {
        double begin = bench_now_ns();
        measured(kind->call, conn, calls);
        ns[round] = (bench_now_ns() - begin) / calls;
    }
    PQfinish(conn);
    qsort(ns, (size_t)rounds, sizeof(ns[0]), ascending);
    printf("%.2f %.2f\n", ns[0], ns[rounds / 2]);
    return 0;
}
