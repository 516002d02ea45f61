/* SPDX-License-Identifier: MIT */
/*
 * Client of the region socket; see client.h. Everything is non-blocking under one deadline: a
 * stopped process must not stop its reader.
 */
#include "ctl/client.h"

#include "ctl/ctl.h"
#include "ctl/image.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REPLY_LINE 64u /* "ok N" is far shorter; so is any sane "error N" */

struct client {
    int fd;
    unsigned deadline_ms;
    uint64_t deadline_ns;
};

static enum spy_status too_late(const struct client *c, struct spy_error *err)
{
    return spy_fail(err, SPY_ERR_IO, "no answer within %u ms", c->deadline_ms);
}

static enum spy_status wait_for(const struct client *c, short events, struct spy_error *err)
{
    for (;;) {
        uint64_t now = ctl_clock_ns(CLOCK_MONOTONIC);
        if (now >= c->deadline_ns)
            return too_late(c, err);
        struct pollfd poll_fd = {.fd = c->fd, .events = events};
        int left_ms = (int)((c->deadline_ns - now) / 1000000u) + 1;
        int n = poll(&poll_fd, 1, left_ms);
        if (n > 0)
            return SPY_OK;
        if (n < 0 && errno != EINTR)
            return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    }
}

/* Connects through a descriptor of the socket's folder where the path is too long for an
 * address, as it may be below /proc/PID/root. */
static bool fill_path(struct sockaddr_un *address, const char *path, int *dir)
{
    const char *base = strrchr(path, '/');
    if (strlen(path) < sizeof(address->sun_path)) {
        strcpy(address->sun_path, path);
        return true;
    }
    char *folder = ctl_copy(path);
    folder[base - path] = '\0';
    *dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    int n =
        snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s", *dir, base);
    return *dir >= 0 && n > 0 && (size_t)n < sizeof(address->sun_path);
}

static enum spy_status start_connect(struct client *c, const struct sockaddr_un *address,
                                     socklen_t len, struct spy_error *err)
{
    while (connect(c->fd, (const struct sockaddr *)address, len) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN) /* EAGAIN: the backlog is full; the server may be about to accept */
            return spy_fail(err, errno == EACCES ? SPY_ERR_REFUSED : SPY_ERR_IO, "%s",
                            strerror(errno));
        if (ctl_clock_ns(CLOCK_MONOTONIC) >= c->deadline_ns)
            return too_late(c, err);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return SPY_OK;
}

static enum spy_status connect_to(struct client *c, const char *path, uint32_t uid,
                                  struct spy_process_id id, struct spy_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(address);
    int dir = -1;
    bool named;
    if (path != NULL) {
        named = fill_path(&address, path, &dir);
    } else {
        named = spy_paths_abstract(address.sun_path + 1, sizeof(address.sun_path) - 1, uid, id);
        len =
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1));
    }
    enum spy_status status =
        named ? start_connect(c, &address, len, err) : spy_fail(err, SPY_ERR_IO, "no such socket");
    if (dir >= 0)
        close(dir);
    return status;
}

static enum spy_status check_peer(const struct client *c, uint32_t uid, struct spy_error *err)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    uid_t self = geteuid();
    if (peer.uid == 0 || peer.uid == self || (self == 0 && peer.uid == uid))
        return SPY_OK;
    return spy_fail(err, SPY_ERR_REFUSED, "its server runs as user %u", peer.uid);
}

static enum spy_status send_all(const struct client *c, const char *text, struct spy_error *err)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = send(c->fd, text, left, MSG_NOSIGNAL);
        if (n > 0) {
            text += n;
            left -= (size_t)n;
            continue;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
        enum spy_status status = wait_for(c, POLLOUT, err);
        if (status != SPY_OK)
            return status;
    }
    return SPY_OK;
}

static enum spy_status receive(const struct client *c, char *into, size_t count,
                               struct spy_error *err)
{
    for (size_t used = 0; used < count;) {
        ssize_t n = recv(c->fd, into + used, count - used, 0);
        if (n > 0) {
            used += (size_t)n;
            continue;
        }
        if (n == 0)
            return spy_fail(err, SPY_ERR_IO, "it closed the connection after %zu of %zu bytes",
                            used, count);
        if (errno != EAGAIN && errno != EINTR)
            return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
        enum spy_status status = wait_for(c, POLLIN, err);
        if (status != SPY_OK)
            return status;
    }
    return SPY_OK;
}

/* Reads "ok N" or "error N" and gives N. */
static enum spy_status receive_line(const struct client *c, bool *ok, size_t *count,
                                    struct spy_error *err)
{
    char line[REPLY_LINE];
    size_t used = 0;
    do {
        enum spy_status status = receive(c, line + used, 1, err);
        if (status != SPY_OK)
            return status;
    } while (line[used++] != '\n' && used < sizeof(line));
    line[used - 1] = '\0';
    *ok = strncmp(line, "ok ", 3) == 0;
    const char *digits = *ok ? line + 3 : strncmp(line, "error ", 6) == 0 ? line + 6 : "";
    char *end;
    unsigned long long n = strtoull(digits, &end, 10);
    if (*digits < '0' || *digits > '9' || *end != '\0' ||
        n > spy_region_bytes((struct spy_region_sizes){SPY_HISTORY_BYTES_MAX, 0}))
        return spy_fail(err, SPY_ERR_CORRUPT, "an answer that is not of the protocol");
    *count = (size_t)n;
    return SPY_OK;
}

/* What a server says instead of "ok". */
static enum spy_status receive_refusal(const struct client *c, size_t count, struct spy_error *err)
{
    char text[256] = "";
    enum spy_status status = receive(c, text, count < sizeof(text) ? count : sizeof(text) - 1, err);
    if (status != SPY_OK)
        return status;
    text[strcspn(text, "\n")] = '\0';
    return spy_fail(err, SPY_ERR_REFUSED, "%.200s", text);
}

/* Straight to where it will be read: its beginning, which tells how large it is, then the rest. */
static enum spy_status receive_image(const struct client *c, struct spy_region **out,
                                     struct spy_error *err)
{
    struct spy_region header = {0}, *region = NULL;
    bool ok = false;
    size_t count = 0;
    enum spy_status status = receive_line(c, &ok, &count, err);
    if (status == SPY_OK && !ok)
        status = receive_refusal(c, count, err);
    size_t first = count < sizeof(header) ? count : sizeof(header);
    if (status == SPY_OK)
        status = receive(c, (char *)&header, first, err);
    if (status == SPY_OK)
        status = ctl_image_new(&header, count, &region, err);
    if (status != SPY_OK)
        return status;
    memcpy(region, &header, first);
    status = receive(c, (char *)region + first, count - first, err);
    if (status == SPY_OK)
        return ctl_image_finish(region, count, out, err);
    ctl_image_free(region);
    return status;
}

/* Connects to the server of a process and sends it LINE; closes C's descriptor if it fails. */
static enum spy_status ask(struct client *c, const struct ctl_server_name *server,
                           unsigned deadline_ms, const char *line, struct spy_error *err)
{
    *c = (struct client){
        .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        .deadline_ms = deadline_ms,
        .deadline_ns = ctl_clock_ns(CLOCK_MONOTONIC) + deadline_ms * 1000000ull,
    };
    if (c->fd < 0)
        return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    enum spy_status status = connect_to(c, server->path, server->uid, server->id, err);
    if (status == SPY_OK)
        status = check_peer(c, server->uid, err);
    if (status == SPY_OK)
        status = send_all(c, line, err);
    if (status != SPY_OK)
        close(c->fd);
    return status;
}

enum spy_status ctl_client_dump(const char *path, uint32_t uid, struct spy_process_id id,
                                struct spy_region **out, struct spy_error *err)
{
    struct client c;
    *out = NULL;
    enum spy_status status =
        ask(&c, &(struct ctl_server_name){path, uid, id}, CTL_CLIENT_DEADLINE_MS, "dump\n", err);
    if (status != SPY_OK)
        return status;
    status = receive_image(&c, out, err);
    close(c.fd);
    return status;
}

static enum spy_status receive_text(const struct client *c, char text[CTL_CLIENT_TEXT],
                                    struct spy_error *err)
{
    bool ok = false;
    size_t count = 0;
    enum spy_status status = receive_line(c, &ok, &count, err);
    if (status == SPY_OK && count >= CTL_CLIENT_TEXT)
        status = spy_fail(err, SPY_ERR_CORRUPT, "an answer that is too long");
    if (status != SPY_OK)
        return status;
    status = receive(c, text, count, err);
    text[status == SPY_OK ? count : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return status == SPY_OK && !ok ? spy_fail(err, SPY_ERR_REFUSED, "%.200s", text) : status;
}

enum spy_status ctl_client_command(const struct ctl_server_name *server, const char *line,
                                   char text[CTL_CLIENT_TEXT], struct spy_error *err)
{
    struct client c;
    text[0] = '\0';
    enum spy_status status = ask(&c, server, CTL_CLIENT_COMMAND_MS, line, err);
    if (status != SPY_OK)
        return status;
    status = receive_text(&c, text, err);
    close(c.fd);
    return status;
}

enum spy_status ctl_client_stream(const struct ctl_server_name *server, const char *line, int *fd,
                                  struct spy_error *err)
{
    struct client c;
    bool ok = false;
    size_t count = 0;
    enum spy_status status = ask(&c, server, CTL_CLIENT_DEADLINE_MS, line, err);
    if (status != SPY_OK)
        return status;
    status = receive_line(&c, &ok, &count, err);
    if (status == SPY_OK && !ok)
        status = receive_refusal(&c, count, err);
    else if (status == SPY_OK && count > 0)
        status = spy_fail(err, SPY_ERR_CORRUPT, "an answer that is not of the protocol");
    if (status == SPY_OK)
        *fd = c.fd;
    else
        close(c.fd);
    return status;
}
