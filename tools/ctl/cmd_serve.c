/* SPDX-License-Identifier: MIT */
/*
 * `serve`: the performance API and the Prometheus metrics over HTTP. The map of its files is in
 * serve.h. This one is its life: start, a loop over sockets and signals, end.
 */
#include "ctl/command.h"
#include "ctl/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

const struct ctl_command ctl_command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "serve the performance API and Prometheus metrics over HTTP",
    .help = "Answers GET /performance/metrics/operations, .../operations/NAME, "
            "/performance/metrics/slow-operations, /performance/requests, "
            "/performance/inflight, /performance/history, /performance/benchmarks and "
            "/performance/health with the JSON of stats, slow, requests, inflight, trend, "
            "benchmarks and health, POST "
            "/performance/benchmarks/validate likewise, against limits of the request's own, "
            "and GET /metrics in Prometheus' text format. All of it is described in "
            "openapi.yaml, which is installed in share/perfspy.\n\n"
            "Clients send Authorization: Bearer TOKEN. FILE has a line of ROLE TOKEN for each, "
            "where TOKEN may be sha256: and the token's SHA-256 in hexadecimal. Only a "
            "super_admin may read; a reader is known and refused. SIGHUP reads FILE again; if "
            "it is no "
            "good then, the old tokens stay in force. After 10 wrong tokens a client address "
            "gets one attempt a second.\n\n"
            "Counters in /metrics are sums over all processes of a program (label exe), those "
            "that have ended included. Ends with status 0 on SIGTERM or SIGINT. There is no "
            "TLS: leave it on the loopback address, or put a proxy before it.",
    .options = CTL_BIT(PROCESS) | CTL_BIT(LISTEN) | CTL_BIT(TOKEN_FILE) | CTL_BIT(OPEN_METRICS),
    .run = ctl_cmd_serve,
};

#define LISTEN_DEFAULT "127.0.0.1:9187"

static void say_tokens(const struct ctl_run *run, const struct spy_error *error, const char *then)
{
    char line[32] = "";
    if (error->line > 0)
        snprintf(line, sizeof(line), ":%u", error->line);
    ctl_say(run->err, "token file %s%s: %s%s", run->args->token_file, line, error->text, then);
}

/* The old tokens stay in force where the new ones are no good. */
static void reload(struct ctl_serve *serve)
{
    struct spy_error error;
    const struct ctl_run *run = serve->run;
    if (ctl_tokens_load(run->args->token_file, &serve->tokens, &error) == SPY_OK)
        ctl_say(run->err, "token file %s: read again, %zu token%s", run->args->token_file,
                serve->tokens.count, serve->tokens.count == 1 ? "" : "s");
    else
        say_tokens(run, &error, "; the tokens read before stay in force");
}

/* False when it is time to end. */
static bool take_signal(struct ctl_serve *serve, int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo != SIGHUP)
            return false;
        reload(serve);
    }
    return true;
}

static enum ctl_exit loop(struct ctl_serve *serve, struct ctl_http *http, int signals)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
                           {.fd = ctl_http_fd(http), .events = POLLIN}};
    do {
        int patience_ms = ctl_http_run(http);
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), patience_ms) < 0 && errno != EINTR) {
            ctl_say(serve->run->err, "cannot wait for requests: %s", strerror(errno));
            return CTL_OSERR;
        }
    } while (take_signal(serve, signals));
    return CTL_OK;
}

/* Blocked and read from a descriptor: there is no moment at which one could be missed. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static enum ctl_exit serve_on(struct ctl_serve *serve, int fd, const char *bound)
{
    int signals = open_signals();
    if (signals < 0) {
        ctl_say(serve->run->err, "cannot watch for signals: %s", strerror(errno));
        close(fd);
        return CTL_OSERR;
    }
    struct ctl_http *http = ctl_http_start(serve, fd, serve->run->err);
    enum ctl_exit result = CTL_OSERR;
    if (http != NULL) {
        ctl_say(serve->run->err, "listening on %s", bound);
        result = loop(serve, http, signals);
        ctl_http_stop(http);
    }
    close(signals);
    return result;
}

static enum ctl_exit start(struct ctl_serve *serve)
{
    const struct ctl_run *run = serve->run;
    const char *address = run->args->listen != NULL ? run->args->listen : LISTEN_DEFAULT;
    char bound[CTL_BOUND_BYTES];
    bool loopback, usage;
    struct spy_error error;
    enum spy_status status = ctl_tokens_load(run->args->token_file, &serve->tokens, &error);
    if (status != SPY_OK) {
        say_tokens(run, &error, "");
        return status == SPY_ERR_REFUSED ? CTL_REFUSED : CTL_USAGE;
    }
    int fd = ctl_serve_listen(address, bound, &loopback, &usage, run->err);
    if (fd < 0)
        return usage ? CTL_USAGE : CTL_OSERR;
    if (!loopback)
        ctl_say(run->err,
                "warning: other machines can reach %s, and what it serves, tokens included, goes "
                "unencrypted; put a proxy with TLS before it",
                bound);
    return serve_on(serve, fd, bound);
}

enum ctl_exit ctl_cmd_serve(const struct ctl_run *run)
{
    if (run->args->token_file == NULL) {
        ctl_say(run->err, "serve needs --token-file FILE: lines of ROLE TOKEN, mode 0600");
        return CTL_USAGE;
    }
    struct ctl_serve *serve = ctl_alloc(sizeof(*serve));
    serve->run = run;
    enum ctl_exit result = start(serve);
    ctl_ledger_free(&serve->ledger);
    free(serve);
    return result;
}
