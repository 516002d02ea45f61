/* SPDX-License-Identifier: MIT */
/*
 * What libpq offers beside statements: connects of all kinds, pings, cancels, notifications, large
 * objects, function calls, descriptions; a known number of times each, with what can go wrong.
 * Prints what it got, so that runs can be compared.
 *
 * usage: calls connect|hosts|ping|large|other|newer|cancel DSN
 */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <libpq/libpq-fs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static const char *dsn;

static void show(const char *what, PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    printf("%s: %s, %d rows, sqlstate %s\n", what, PQresStatus(PQresultStatus(result)),
           PQntuples(result), state != NULL ? state : "-");
    PQclear(result);
}

static PGconn *connected(void)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(1);
    }
    return conn;
}

/* The test's own DSN with more said. */
static const char *with(const char *more)
{
    static char text[1000];
    snprintf(text, sizeof(text), "%s %s", dsn, more);
    return text;
}

/* ---- connects ------------------------------------------------------------------------------- */

static void end(const char *what, PGconn *conn)
{
    printf("%s: %d\n", what, PQstatus(conn));
    PQfinish(conn);
}

/* As an event loop does: waits for what libpq says, then polls. */
static PostgresPollingStatusType drive(PGconn *conn,
                                       PostgresPollingStatusType (*poll_it)(PGconn *conn))
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        struct pollfd fd = {.fd = PQsocket(conn),
                            .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        poll(&fd, 1, -1);
        status = poll_it(conn);
    }
    return status;
}

static void connect_by_polling(const char *what, const char *conninfo)
{
    PGconn *conn = PQconnectStart(conninfo);
    if (PQstatus(conn) != CONNECTION_BAD)
        printf("%s: polled to %d\n", what, drive(conn, PQconnectPoll));
    end(what, conn);
}

static void resets(void)
{
    PGconn *conn = connected();
    PQreset(conn);
    printf("reset: %d\n", PQstatus(conn));
    printf("reset started: %d", PQresetStart(conn));
    printf(", polled to %d\n", drive(conn, PQresetPoll));
    show("after a reset", PQexec(conn, "SELECT 'reset'"));
    PQfinish(conn);
}

static void run_connect(void)
{
    static const char *const keys[] = {"dbname", "application_name", NULL};
    const char *values[] = {dsn, "calls", NULL};
    end("connectdb", PQconnectdb(dsn));
    end("params", PQconnectdbParams(keys, values, 1));
    end("setdbLogin", PQsetdbLogin(NULL, NULL, NULL, NULL, dsn, NULL, NULL));
    end("no such database", PQconnectdb(with("dbname=nowhere")));
    end("wrong password", PQconnectdb(with("user=locked password=wrong")));
    end("nobody listens", PQconnectdb("host=127.0.0.1 port=1 dbname=d user=u"));
    end("malformed", PQconnectdb("=\"'"));
    connect_by_polling("polled", dsn);
    connect_by_polling("polled, wrong database", with("dbname=nowhere"));
    connect_by_polling("polled, wrong password", with("user=locked password=wrong"));
    connect_by_polling("polled, nobody listens", "host=127.0.0.1 port=1 dbname=d user=u");
    connect_by_polling("polled, malformed", "=\"'");
    resets();
    PGconn *conn = PQconnectStartParams(keys, values, 1);
    end("not polled to the end", conn);
}

/* The DSN names a dead host first, and libpq asks the other whether it can be written to. */
static void run_hosts(void)
{
    connect_by_polling("polled over two hosts", dsn);
    end("over two hosts", PQconnectdb(dsn));
}

static void run_ping(void)
{
    static const char *const keys[] = {"dbname", NULL};
    const char *values[] = {dsn, NULL};
    printf("live %d\n", PQping(dsn));
    printf("live %d\n", PQpingParams(keys, values, 1));
    printf("dead %d\n", PQping("host=127.0.0.1 port=1"));
    printf("malformed %d\n", PQping("=\"'"));
}

/* ---- large objects -------------------------------------------------------------------------- */

static void transfer(PGconn *conn, const char *path)
{
    Oid made = lo_import(conn, path);
    Oid given = lo_import_with_oid(conn, path, made + 1);
    printf("imported %d %d\n", made != InvalidOid, given == made + 1);
    printf("exported %d\n", lo_export(conn, made, path));
    printf("unlinked %d\n", lo_unlink(conn, made));
    printf("unlinked %d\n", lo_unlink(conn, given));
    printf("import of nothing: %u\n", lo_import(conn, "/nonexistent/file"));
}

static void run_large(void)
{
    char buffer[3000] = "", path[] = "/tmp/perfspy-large.XXXXXX";
    PGconn *conn = connected();
    int file = mkstemp(path);
    if (write(file, buffer, sizeof(buffer)) != sizeof(buffer))
        exit(1);
    close(file);
    show("begin", PQexec(conn, "BEGIN"));
    transfer(conn, path);
    Oid made = lo_creat(conn, INV_READ | INV_WRITE);
    Oid given = lo_create(conn, made + 1);
    int fd = lo_open(conn, given, INV_READ | INV_WRITE);
    for (int i = 0; i < 3; i++)
        printf("written %d\n", lo_write(conn, fd, buffer, 1000));
    printf("at %d\n", lo_tell(conn, fd));
    printf("seek %d\n", lo_lseek(conn, fd, 0, SEEK_SET));
    printf("seek %lld\n", (long long)lo_lseek64(conn, fd, 500, SEEK_SET));
    printf("at %lld\n", (long long)lo_tell64(conn, fd));
    for (int got = 1; got > 0;)
        printf("read %d\n", got = lo_read(conn, fd, buffer, 2000));
    printf("truncated %d\n", lo_truncate(conn, fd, 100));
    printf("truncated %d\n", lo_truncate64(conn, fd, 50));
    printf("closed %d\n", lo_close(conn, fd));
    printf("unlinked %d\n", lo_unlink(conn, made));
    printf("unlinked %d\n", lo_unlink(conn, given));
    show("commit", PQexec(conn, "COMMIT"));
    show("begin", PQexec(conn, "BEGIN"));
    printf("no such object: %d\n", lo_open(conn, given, INV_READ));
    show("rollback", PQexec(conn, "ROLLBACK"));
    unlink(path);
    PQfinish(conn);
}

/* ---- notifications, functions, descriptions, and what is a statement of libpq's own -----------
 */

static void notifications(PGconn *conn)
{
    int seen = 0;
    show("listen", PQexec(conn, "LISTEN bell"));
    for (int i = 0; i < 5; i++)
        show("notify", PQexec(conn, "NOTIFY bell, 'rings'"));
    for (PGnotify *notify; (notify = PQnotifies(conn)) != NULL; PQfreemem(notify))
        seen += strcmp(notify->extra, "rings") == 0;
    printf("notifications: %d\n", seen);
}

static void functions(PGconn *conn)
{
    int value = -7, answer = 0, length;
    PQArgBlock argument = {.len = 4, .isint = 1, .u = {.integer = value}};
    PGresult *abs = PQexec(conn, "SELECT 'int4abs'::regproc::oid");
    int oid = atoi(PQgetvalue(abs, 0, 0));
    PQclear(abs);
    for (int i = 0; i < 2; i++) {
        show("function", PQfn(conn, oid, &answer, &length, 1, &argument, 1));
        printf("answer %d\n", answer);
    }
    show("no function", PQfn(conn, 1, &answer, &length, 1, &argument, 1));
}

static void descriptions(PGconn *conn)
{
    show("prepare", PQprepare(conn, "p", "SELECT 1", 0, NULL));
    for (int i = 0; i < 4; i++)
        show("describe", PQdescribePrepared(conn, "p"));
    show("describe", PQdescribePrepared(conn, "unknown"));
    show("describe", PQdescribePortal(conn, "unknown"));
    PQsendDescribePrepared(conn, "p");
    for (PGresult *result; (result = PQgetResult(conn)) != NULL;)
        show("describe", result);
}

static void run_other(void)
{
    PGconn *conn = connected();
    notifications(conn);
    functions(conn);
    descriptions(conn);
    printf("encoding: %d\n", PQsetClientEncoding(conn, "LATIN1"));
    char *secret = PQencryptPasswordConn(conn, "correct-horse-battery", "joe", NULL);
    printf("encrypted: %d\n", secret != NULL);
    PQfreemem(secret);
    PQfinish(conn);
}

/* ---- what this libpq does not have ------------------------------------------------------------
 */

/* A program that asks by weak references may find the watching library's wrappers, and nothing
 * behind them: they then fail as the functions do. */
typedef struct pg_cancel_conn PGcancelConn;
#pragma weak PQclosePrepared
#pragma weak PQclosePortal
#pragma weak PQchangePassword
#pragma weak PQsendClosePrepared
#pragma weak PQsendClosePortal
#pragma weak PQsendPipelineSync
#pragma weak PQcancelCreate
#pragma weak PQcancelBlocking
#pragma weak PQcancelStart
#pragma weak PQcancelPoll
#pragma weak PQcancelFinish
extern PGresult *PQclosePrepared(PGconn *, const char *), *PQclosePortal(PGconn *, const char *);
extern PGresult *PQchangePassword(PGconn *, const char *, const char *);
extern int PQsendClosePrepared(PGconn *, const char *), PQsendClosePortal(PGconn *, const char *);
extern int PQsendPipelineSync(PGconn *), PQcancelBlocking(PGcancelConn *);
extern int PQcancelStart(PGcancelConn *), PQcancelPoll(PGcancelConn *);
extern PGcancelConn *PQcancelCreate(PGconn *);
extern void PQcancelFinish(PGcancelConn *);

#define CALL(name, ...) (name != NULL && name(__VA_ARGS__))

static void run_newer(void)
{
    PGconn *conn = connected();
    show("before", PQexec(conn, "SELECT 1"));
    int done = CALL(PQclosePrepared, conn, "p") + CALL(PQclosePortal, conn, "p") +
               CALL(PQchangePassword, conn, "joe", "correct-horse-battery") +
               CALL(PQsendClosePrepared, conn, "p") + CALL(PQsendClosePortal, conn, "p") +
               CALL(PQsendPipelineSync, conn) + CALL(PQcancelCreate, conn) +
               CALL(PQcancelBlocking, NULL) + CALL(PQcancelStart, NULL) + CALL(PQcancelPoll, NULL);
    if (PQcancelFinish != NULL)
        PQcancelFinish(NULL);
    printf("done: %d\n", done);
    show("after", PQexec(conn, "SELECT 1"));
    PQfinish(conn);
}

/* ---- cancelling what libpq waits for --------------------------------------------------------- */

static PGcancel *handle;    /* cancels what is run, */
static PGconn *requested;   /* or the connection itself does */
static volatile int done;   /* cancels that were sent */
static volatile bool waits; /* until the signal comes in poll(), not while a notice is handled */

static void on_signal(int number)
{
    char error[256];
    int saved_errno = errno;
    (void)number;
    done += PQcancel(handle, error, sizeof(error));
    errno = saved_errno;
}

/* The server is at it now: interrupt it. */
static void on_notice(void *unused, const char *message)
{
    (void)unused, (void)message;
    if (requested != NULL)
        done += PQrequestCancel(requested); /* not for signal handlers: it allocates */
    else if (waits)
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 50000}}, NULL);
    else
        raise(SIGALRM);
}

static void cancel_own(PGconn *conn, const char *what)
{
    show(what, PQexec(conn, "DO $$ BEGIN RAISE NOTICE 'go'; PERFORM pg_sleep(60); END $$"));
}

/* A cancel of another connection, which has nothing to do, leaves this one's statements as they
 * are: each of them is told apart, as libpq's own calls are, before the signal and after. */
static void cancel_other(PGconn *conn)
{
    show("not cancelled", PQexec(conn, "DO $$ BEGIN RAISE NOTICE 'go'; PERFORM pg_sleep(0.2); END "
                                       "$$; SELECT 'second'; SELECT 'third'"));
}

/* A thread whose signals are handled on a stack that lies above its own. */
static void *cancel_all(void *above)
{
    stack_t other = {.ss_sp = above, .ss_size = 1 << 20};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    if (above != NULL)
        sigaltstack(&other, NULL);
    sigaction(SIGALRM, &action, NULL);
    PGconn *conn = connected(), *idle = connected();
    PQsetNoticeProcessor(conn, on_notice, NULL);
    handle = PQgetCancel(conn);
    waits = true;
    cancel_own(conn, "cancelled in poll");
    waits = false;
    cancel_own(conn, "cancelled in a notice");
    PQfreeCancel(handle);
    requested = conn;
    cancel_own(conn, "requested in a notice");
    requested = NULL;
    handle = PQgetCancel(idle);
    waits = true;
    cancel_other(conn);
    PQfreeCancel(handle);
    PQfinish(conn);
    PQfinish(idle);
    return NULL;
}

static void run_cancel(void)
{
    size_t half = 1 << 20;
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t alarm_only;
    cancel_all(NULL);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    char *stacks = mmap(NULL, 2 * half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stacks, half);
    pthread_create(&thread, &attributes, cancel_all, stacks + half);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL); /* the other thread's */
    pthread_join(thread, NULL);
    printf("cancels: %d\n", done);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"connect", run_connect}, {"hosts", run_hosts}, {"ping", run_ping},
                 {"large", run_large},     {"other", run_other}, {"cancel", run_cancel},
                 {"newer", run_newer}};
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; argc == 3 && i < sizeof(cases) / sizeof(cases[0]); i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            dsn = argv[2];
            cases[i].run();
            return 0;
        }
    fprintf(stderr, "usage: calls connect|hosts|ping|large|other|newer|cancel DSN\n");
    return 64;
}
