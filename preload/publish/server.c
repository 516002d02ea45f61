/* SPDX-License-Identifier: MIT */
/*
 * The socket server: one row a client, one row a command. State belongs to the helper thread,
 * except the listening slot, which is set before that thread exists and read by who wakes it.
 */
#include "publish/server.h"

#include "publish/capture_server.h"
#include "publish/control.h"
#include "publish/use.h"
#include "runtime/ownfd.h"
#include "shared/storage.h"
#include "shared/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define NO_SOCKET "no socket: "

#define LINE_BYTES (SPY_PATH_BYTES + 32) /* a path, or a capture of an operation */

struct client {
    bool connected;
    bool allowed; /* the same user, or root */
    int slot;     /* own descriptor */
    uint64_t deadline_ns;
    char line[LINE_BYTES];
    uint32_t line_len;
    const struct spy_control *control; /* to be run, with the argument, once nobody is answered */
    const char *argument;
    bool answering;
    char head[64]; /* "ok N\n" */
    uint32_t head_len;
    const char *body; /* static or region memory */
    uint64_t body_len;
    uint64_t sent; /* of head and body together */
};

static _Atomic int listening = -1; /* own descriptor slot */
static struct client clients[SPY_CLIENTS];
static bool ending; /* nobody is welcome any more */
static bool deaf;   /* who waits at the door cannot be let in now: no descriptor is to be had */

/* ---- opening -------------------------------------------------------------------------------- */

static int listen_at(const struct sockaddr_un *address, unsigned len)
{
    int fd = spy_sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return fd;
    int error = spy_sys_bind(fd, address, len);
    if (error == 0)
        error = spy_sys_listen(fd, SPY_BACKLOG);
    int slot = error == 0 ? spy_own_fd_adopt(fd) : error;
    if (slot < 0)
        spy_sys_close(fd);
    return slot;
}

static int listen_in_dir(const struct spy_publication *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (p->dir[0] == '\0' ||
        !spy_paths_socket(address.sun_path, sizeof(address.sun_path), p->dir, p->id))
        return -ENAMETOOLONG;
    spy_sys_unlink(address.sun_path); /* ours from before an exec: the name is pid and start */
    return listen_at(&address, sizeof(address));
}

static int listen_abstract(const struct spy_publication *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!spy_paths_abstract(address.sun_path + 1, sizeof(address.sun_path) - 1, p->region->uid,
                            p->id))
        return -ENAMETOOLONG;
    size_t len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1);
    return listen_at(&address, (unsigned)len);
}

/* What an attempt before this one had to say. */
static void forget_problem(struct spy_region *region)
{
    char *socket = strstr(region->problem, NO_SOCKET);
    char *thread = strstr(region->problem, SPY_NO_HELPER);
    char *at = socket != NULL ? socket : thread;
    if (at != NULL)
        at[at - region->problem >= 2 ? -2 : 0] = '\0';
}

bool spy_server_open(struct spy_publication *p)
{
    forget_problem(p->region);
    listening = listen_in_dir(p);
    if (listening < 0)
        listening = listen_abstract(p);
    if (listening >= 0)
        return true;
    size_t used = strlen(p->region->problem);
    snprintf(p->region->problem + used, sizeof(p->region->problem) - used, "%s" NO_SOCKET "%s",
             used > 0 ? "; " : "", strerrordesc_np(-listening));
    return false;
}

bool spy_server_wakes(void)
{
    int slot = listening;
    return slot >= 0 && spy_own_fd_number(slot) >= 0;
}

void spy_server_wake(void)
{
    struct sockaddr_un address;
    unsigned len = sizeof(address);
    int slot = listening;
    int fd = slot >= 0 ? spy_sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
    if (fd < 0)
        return;
    if (spy_sys_getsockname(spy_own_fd_number(slot), &address, &len) == 0)
        spy_sys_connect(fd, &address, len);
    spy_sys_close(fd);
}

void spy_server_reset(void)
{
    spy_capture_server_reset();
    spy_own_fd_close_all();
    memset(clients, 0, sizeof(clients));
    listening = -1;
    ending = deaf = false;
}

/* ---- commands ------------------------------------------------------------------------------- */

static void answer(struct client *c, const char *verdict, const char *body, uint64_t body_len)
{
    c->head_len =
        (uint32_t)snprintf(c->head, sizeof(c->head), "%s %" PRIu64 "\n", verdict, body_len);
    c->body = body;
    c->body_len = body_len;
    c->answering = true;
}

static void command_dump(struct client *c, const struct spy_publication *p)
{
    const struct spy_region *region = p->region;
    uint32_t used = atomic_load_explicit(&region->arena_used, memory_order_acquire);
    uint64_t chunks = used < spy_region_chunks(region) ? used : spy_region_chunks(region);
    answer(c, "ok", (const char *)region,
           region->section[SPY_SECTION_ARENA].offset + chunks * SPY_CHUNK_BYTES);
}

static void command_help(struct client *c, const struct spy_publication *p)
{
    static char text[SPY_CONTROL_BYTES];
    (void)p;
    strcpy(text, "help  this list\ndump  an image of the region\n"
                 "capture CALLS MS SLOW_MS OPERATION  what its next calls are given\n");
    spy_control_help(text, sizeof(text));
    answer(c, "ok", text, strlen(text));
}

/* The name goes at once, so that nobody comes to wait. */
static void begin_ending(const struct spy_publication *p)
{
    char path[SPY_PATH_BYTES];
    ending = true;
    if (p->dir[0] != '\0' && spy_paths_socket(path, sizeof(path), p->dir, p->id))
        spy_sys_unlink(path);
}

/* An image is sent straight from the region: what changes it waits until nobody is sent one. */
static void run_control(struct client *c, const struct spy_publication *p, uint64_t now_ns)
{
    static char text[SPY_CONTROL_BYTES];
    if (spy_server_answering())
        return;
    strcpy(text, "it has just ended its watch");
    bool done = !ending && c->control->run(p->region, c->argument, text);
    if (done && c->control->last)
        begin_ending(p);
    strcat(text, "\n");
    answer(c, done ? "ok" : "error", text, strlen(text));
    c->control = NULL;
    c->deadline_ns = now_ns + SPY_CLIENT_DEADLINE_NS;
}

static const struct {
    const char *name;
    void (*run)(struct client *c, const struct spy_publication *p);
} commands[] = {
    {"dump", command_dump},
    {"help", command_help},
};

/* The client goes over to the capture. */
static void command_capture(struct client *c, const struct spy_publication *p, const char *request,
                            uint64_t now_ns)
{
    const char *error = spy_capture_server_begin(p->region, c->slot, request, now_ns);
    if (error != NULL)
        answer(c, "error", error, strlen(error));
    else
        memset(c, 0, sizeof(*c));
}

static void run_command(struct client *c, const struct spy_publication *p, uint64_t now_ns)
{
    static const char capture[] = "capture ";
    static const char unknown[] = "unknown command; \"help\" lists the commands\n";
    static const char refused[] = "refused: you are neither this process' user nor root\n";
    if (!c->allowed) {
        answer(c, "error", refused, sizeof(refused) - 1);
        return;
    }
    if (strncmp(c->line, capture, sizeof(capture) - 1) == 0) {
        command_capture(c, p, c->line + sizeof(capture) - 1, now_ns);
        return;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(c->line, commands[i].name) == 0) {
            commands[i].run(c, p);
            return;
        }
    c->control = spy_control_find(c->line, &c->argument);
    if (c->control != NULL)
        return;
    answer(c, "error", unknown, sizeof(unknown) - 1);
}

/* ---- clients -------------------------------------------------------------------------------- */

static void drop(struct client *c)
{
    spy_own_fd_close(c->slot);
    memset(c, 0, sizeof(*c));
}

static bool same_user_or_root(int fd, const struct spy_region *region)
{
    struct ucred peer = {0, 0, 0};
    unsigned len = sizeof(peer);
    if (spy_sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    return peer.uid == 0 || peer.uid == region->uid || peer.uid == spy_sys_geteuid();
}

static struct client *free_client(void)
{
    for (int i = 0; i < SPY_CLIENTS; i++)
        if (!clients[i].connected)
            return &clients[i];
    return NULL;
}

/* Accepts one client; false where there is none, or no room. */
static bool welcome(const struct spy_publication *p, uint64_t now_ns)
{
    int listener = spy_own_fd_number(listening);
    struct client *c = free_client();
    int fd = listener >= 0 && c != NULL ? spy_sys_accept(listener) : -EAGAIN;
    if ((fd == -EMFILE || fd == -ENFILE) && spy_use_lend())
        fd = spy_sys_accept(listener);
    if (fd < 0) {
        deaf = fd != -EAGAIN && fd != -EINTR && fd != -ECONNABORTED;
        return false;
    }
    bool allowed = same_user_or_root(fd, p->region);
    int slot = spy_own_fd_adopt(fd);
    if (slot < 0 && spy_use_lend()) /* a command may need one, too */
        slot = spy_own_fd_adopt(fd);
    if (slot < 0)
        slot = spy_own_fd_note(fd);
    if (slot < 0) {
        spy_sys_close(fd);
        return true;
    }
    *c = (struct client){.connected = true,
                         .allowed = allowed,
                         .slot = slot,
                         .deadline_ns = now_ns + SPY_CLIENT_DEADLINE_NS};
    return true;
}

/* Reads a command, up to its newline. */
static void read_line(struct client *c, int fd, const struct spy_publication *p, uint64_t now_ns)
{
    long n = spy_sys_read(fd, c->line + c->line_len, sizeof(c->line) - 1 - c->line_len);
    if (n == -EAGAIN || n == -EINTR)
        return;
    if (n <= 0) {
        drop(c);
        return;
    }
    c->line_len += (uint32_t)n;
    char *end = memchr(c->line, '\n', c->line_len);
    if (end != NULL || c->line_len == sizeof(c->line) - 1) {
        *(end != NULL ? end : c->line + c->line_len) = '\0';
        run_command(c, p, now_ns);
    }
}

/* What comes next of the answer, and how much of it lies in one piece. Parts of the region that
 * have no storage yet are not to be touched: they are zeros. */
static const char *next_piece(const struct client *c, const struct spy_region *region,
                              uint64_t *bytes)
{
    static const char zeros[4096]; /* of which a block is a multiple */
    uint64_t at = c->sent - c->head_len, left = c->body_len - at;
    *bytes = left;
    if (c->body != (const char *)region)
        return c->body + at;
    bool there = spy_storage_has(region, c->body + at, 1);
    uint64_t piece = there ? SPY_BLOCK_BYTES : sizeof(zeros);
    piece -= at % piece;
    *bytes = left < piece ? left : piece;
    return there ? c->body + at : zeros;
}

/* Sends what the socket takes now; finished or failed, the client is done. */
static void send_some(struct client *c, int fd, const struct spy_region *region)
{
    while (c->sent < c->head_len + c->body_len) {
        uint64_t left = c->head_len - c->sent;
        const char *at = c->head + c->sent;
        if (c->sent >= c->head_len)
            at = next_piece(c, region, &left);
        long n = spy_sys_send(fd, at, left);
        if (n == -EAGAIN || n == -EINTR)
            return;
        if (n <= 0)
            break;
        c->sent += (uint64_t)n;
    }
    drop(c);
}

static void attend(struct client *c, const struct spy_publication *p, uint64_t now_ns)
{
    int fd = spy_own_fd_number(c->slot);
    if (fd < 0 || now_ns > c->deadline_ns) {
        drop(c);
        return;
    }
    if (!c->answering && c->control == NULL)
        read_line(c, fd, p, now_ns);
    if (c->control != NULL)
        run_control(c, p, now_ns);
    if (c->connected && c->answering)
        send_some(c, fd, p->region);
}

/* ---- waiting -------------------------------------------------------------------------------- */

bool spy_server_ended(void)
{
    return ending && !spy_server_busy();
}

bool spy_server_busy(void)
{
    for (int i = 0; i < SPY_CLIENTS; i++)
        if (clients[i].connected)
            return true;
    return false;
}

bool spy_server_deaf(void)
{
    return deaf;
}

bool spy_server_answering(void)
{
    for (int i = 0; i < SPY_CLIENTS; i++)
        if (clients[i].answering)
            return true;
    return false;
}

unsigned spy_server_prepare(struct pollfd *fds)
{
    unsigned n = 0;
    for (int i = 0; i < SPY_CLIENTS; i++)
        if (clients[i].connected && clients[i].control == NULL)
            fds[n++] = (struct pollfd){.fd = spy_own_fd_number(clients[i].slot),
                                       .events = clients[i].answering ? POLLOUT : POLLIN};
    n += spy_capture_server_prepare(&fds[n]);
    int listener = listening >= 0 ? spy_own_fd_number(listening) : -1;
    if (listener >= 0 && !ending && !deaf && free_client() != NULL)
        fds[n++] = (struct pollfd){.fd = listener, .events = POLLIN};
    return n;
}

void spy_server_serve(const struct spy_publication *p, const struct pollfd *fds, unsigned count,
                      uint64_t now_ns)
{
    /* Twice: the last answer may have been what a command waited for. */
    for (int i = 0; i < 2 * SPY_CLIENTS; i++)
        if (clients[i % SPY_CLIENTS].connected)
            attend(&clients[i % SPY_CLIENTS], p, now_ns);
    spy_capture_server_serve(now_ns);
    bool knocked = deaf && listening >= 0;
    for (unsigned i = 0; i < count; i++)
        knocked |=
            listening >= 0 && fds[i].revents != 0 && fds[i].fd == spy_own_fd_number(listening);
    while (knocked && welcome(p, now_ns))
        ;
}
