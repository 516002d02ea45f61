/* SPDX-License-Identifier: MIT */
/*
 * server.c: the life of the serving process: start, wait for a signal, drain, stop.
 *
 * The main thread only waits for signals, which all other threads have blocked; the HTTP
 * library's threads answer the requests.
 */
#include "server.h"

#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "exchange.h"
#include "listener.h"
#include "log.h"

#define IDLE_TIMEOUT_S 60
/* After the statements have been cut their requests still have their 503 to send. */
#define ABORT_GRACE_MS 1000
#define DRAIN_STEP_MS  10

static void stop_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
}

/* Clients and database connections need descriptors; take as many as we may have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit); /* the old limit serves too, fewer clients */
    }
}

static struct MHD_Daemon *start_http(const struct parts_options *options, int fd,
                                     struct parts_front *front)
{
    unsigned clients =
        options->max_connections > options->threads ? options->max_connections : options->threads;
    /* Of one thread the library makes no pool, and it complains when told to. */
    enum MHD_OPTION pool = options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END;
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC, 0, NULL,
                            NULL, parts_exchange_handle, front, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_URI_LOG_CALLBACK, parts_exchange_begin, front,
                            MHD_OPTION_NOTIFY_COMPLETED, parts_exchange_end, front,
                            MHD_OPTION_CONNECTION_LIMIT, clients, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)IDLE_TIMEOUT_S, pool, options->threads, MHD_OPTION_END);
}

/* Waits until no request is in flight, DEADLINE_MS passes or another signal comes. */
static bool wait_idle(struct parts_front *front, const sigset_t *signals, int64_t deadline_ms)
{
    const struct timespec step = parts_clock_timespec(DRAIN_STEP_MS);
    while (atomic_load(&front->in_flight) > 0) {
        bool signalled = sigtimedwait(signals, NULL, &step) >= 0;
        if (signalled || parts_clock_ms() >= deadline_ms) {
            return false;
        }
    }
    return true;
}

static void drain(struct MHD_Daemon *daemon, struct parts_front *front, const sigset_t *signals)
{
    atomic_store(&front->draining, true);
    MHD_socket listener = MHD_quiesce_daemon(daemon);
    if (listener != MHD_INVALID_SOCKET) {
        close(listener);
    }
    unsigned begun = atomic_load(&front->in_flight);
    parts_log("stopping; requests in flight: %u", begun);
    int64_t patience = front->app->options->drain_ms;
    if (!wait_idle(front, signals, parts_clock_ms() + patience)) {
        parts_log("cutting off the requests still in flight: %u", atomic_load(&front->in_flight));
        parts_pool_abort(front->app->pool);
        wait_idle(front, signals, parts_clock_ms() + ABORT_GRACE_MS);
    }
    MHD_stop_daemon(daemon);
    parts_log("stopped");
}

static int serve(struct parts_app *app, int fd, const char *bound, const sigset_t *signals)
{
    struct parts_front front = {.app = app};
    struct MHD_Daemon *daemon = start_http(app->options, fd, &front);
    if (daemon == NULL) {
        parts_log("cannot start the HTTP threads: %s", strerror(errno));
        close(fd);
        return EXIT_FAILURE;
    }
    parts_log("listening on %s", bound);
    int number;
    sigwait(signals, &number);
    drain(daemon, &front, signals);
    return EXIT_SUCCESS;
}

int parts_server_run(const struct parts_options *options)
{
    sigset_t signals;
    stop_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread, so that all inherit it */
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();

    char bound[128];
    int fd = parts_listener_open(options->listen, bound, sizeof bound);
    if (fd < 0) {
        return fd == -2 ? EX_USAGE : EXIT_FAILURE;
    }
    struct parts_pool_settings settings = {
        .dsn = options->dsn,
        .size = options->pool,
        .wait_ms = options->pool_wait_ms,
        .query_timeout_ms = options->query_timeout_ms,
    };
    struct parts_app app = {
        .options = options,
        .pool = parts_pool_new(&settings),
        .tokens = parts_tokens_new(options->token_ttl_s),
    };
    if (app.pool == NULL || app.tokens == NULL) {
        parts_log("out of memory");
        return EXIT_FAILURE;
    }
    int code = serve(&app, fd, bound, &signals);
    parts_tokens_free(app.tokens);
    parts_pool_free(app.pool);
    return code;
}
