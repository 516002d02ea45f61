/* SPDX-License-Identifier: MIT */
/*
 * What a process' descriptors tell: io_uring, a driver's file that is open, where it listens, and
 * connections to a PostgreSQL server, by TCP (/proc/PID/net) and by Unix sockets (the kernel's
 * sock_diag, which answers for our own network namespace). See doctor.h.
 */
#include "ctl/doctor.h"

#include <dirent.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A process' sockets. */
struct sockets {
    uint64_t *inode;
    size_t count;
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool has(const struct sockets *sockets, uint64_t inode)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->inode[i] == inode)
            return true;
    return false;
}

bool ctl_facts_is_driver(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    bool jar = strstr(name, ".jar") != NULL;
    return (jar && (begins(name, "postgresql-") || begins(name, "postgresql.") ||
                    begins(name, "pgjdbc"))) ||
           strstr(path, "/asyncpg/protocol/") != NULL;
}

static void take_link(struct ctl_facts *facts, struct sockets *sockets, const char *link)
{
    uint64_t inode;
    facts->uring += begins(link, "anon_inode:[io_uring]");
    if (sscanf(link, "socket:[%" SCNu64 "]", &inode) == 1) {
        sockets->inode = ctl_grow(sockets->inode, sockets->count + 1, sizeof(*sockets->inode));
        sockets->inode[sockets->count++] = inode;
    } else if (ctl_facts_is_driver(link)) {
        snprintf(facts->protocol, sizeof(facts->protocol), "%s", link);
    }
}

static void read_links(int32_t pid, struct ctl_facts *facts, struct sockets *sockets)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char link[256] = "";
        if (readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1) > 0)
            take_link(facts, sockets, link);
    }
    closedir(dir);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

/* The server's, pgbouncer's, and what the process itself was told. */
static bool is_port(const struct ctl_facts *facts, unsigned port)
{
    return port == 5432 || port == 6432 || (facts->pg_port != 0 && port == facts->pg_port);
}

enum { ESTABLISHED = 0x01, LISTENS = 0x0a }; /* the kernel's numbers of TCP's states */

/* LOCAL and REMOTE are ports. */
static void take_tcp(struct ctl_facts *facts, unsigned state, unsigned local, unsigned remote)
{
    if (state == LISTENS) {
        facts->listens = local;
    } else if (state == ESTABLISHED && is_port(facts, remote)) {
        facts->servers++;
        snprintf(facts->server, sizeof(facts->server), "port %u", remote);
    } else if (state == ESTABLISHED && facts->listens != 0 && local == facts->listens) {
        facts->clients++;
    }
}

/* The kernel lists what listens first. */
static void read_tcp(int32_t pid, const char *which, struct ctl_facts *facts,
                     const struct sockets *sockets)
{
    char path[64], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, which);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (getline(&line, &room, file) > 0) {
        unsigned local, remote, state;
        uint64_t inode;
        if (sscanf(line, "%*s %*[0-9A-F]:%x %*[0-9A-F]:%x %x %*s %*s %*s %*s %*s %" SCNu64, &local,
                   &remote, &state, &inode) == 4 &&
            has(sockets, inode))
            take_tcp(facts, state, local, remote);
    }
    free(line);
    fclose(file);
}

/* ---- Unix sockets ---------------------------------------------------------------------------- */

/* A server's end that one of SOCKETS is connected to: it bears the name that was connected to. */
static void take_unix(struct ctl_facts *facts, const struct sockets *sockets,
                      const struct nlmsghdr *message)
{
    const struct unix_diag_msg *unix_message = NLMSG_DATA(message);
    int left = (int)(message->nlmsg_len - NLMSG_LENGTH(sizeof(*unix_message)));
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "";
    uint32_t peer = 0;
    for (const struct rtattr *a = (const struct rtattr *)(unix_message + 1); RTA_OK(a, left);
         a = RTA_NEXT(a, left)) {
        size_t len = RTA_PAYLOAD(a);
        if (a->rta_type == UNIX_DIAG_NAME)
            memcpy(name, RTA_DATA(a), len < sizeof(name) - 1 ? len : sizeof(name) - 1);
        else if (a->rta_type == UNIX_DIAG_PEER && len >= sizeof(peer))
            memcpy(&peer, RTA_DATA(a), sizeof(peer));
    }
    if (strstr(name, ".s.PGSQL.") == NULL || peer == 0 || !has(sockets, peer))
        return;
    facts->servers++;
    snprintf(facts->server, sizeof(facts->server), "%s", name);
}

/* False behind the last message. */
static bool take_messages(struct ctl_facts *facts, const struct sockets *sockets, const void *bytes,
                          ssize_t got)
{
    for (const struct nlmsghdr *m = bytes; got > 0 && NLMSG_OK(m, got); m = NLMSG_NEXT(m, got)) {
        if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
            return false;
        if (m->nlmsg_type == SOCK_DIAG_BY_FAMILY)
            take_unix(facts, sockets, m);
    }
    return got > 0;
}

static void read_unix(struct ctl_facts *facts, const struct sockets *sockets)
{
    const struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } ask = {
        .header = {.nlmsg_len = sizeof(ask),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = ~0u,
                    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER},
    };
    _Alignas(struct nlmsghdr) char bytes[32768];
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return;
    if (send(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask))
        while (take_messages(facts, sockets, bytes, recv(fd, bytes, sizeof(bytes), 0)))
            ;
    close(fd);
}

void ctl_facts_descriptors(int32_t pid, struct ctl_facts *facts)
{
    struct sockets sockets = {0};
    read_links(pid, facts, &sockets);
    if (sockets.count > 0) {
        read_tcp(pid, "tcp", facts, &sockets);
        read_tcp(pid, "tcp6", facts, &sockets);
        read_unix(facts, &sockets);
    }
    free(sockets.inode);
}
