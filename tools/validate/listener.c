/* SPDX-License-Identifier: MIT */
/*
 * Finding listeners through /proc; see listener.h.
 */
#include "validate/listener.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENING 0x0A /* TCP_LISTEN in the column "st" */
#define INODES    64u

struct inodes {
    uint64_t exact[INODES]; /* bound to the very address */
    size_t exacts;
    uint64_t any[INODES]; /* bound to all addresses */
    size_t anys;
};

/* An address of either family as 16 bytes: IPv4 as mapped to IPv6. */
static bool parse_address(const char *text, struct in6_addr *out)
{
    char mapped[80];
    if (inet_pton(AF_INET6, text, out) == 1)
        return true;
    snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
    return inet_pton(AF_INET6, mapped, out) == 1;
}

/* The column's 8 or 32 digits: words of the address as this machine holds them. */
static bool parse_column(const char *hex, struct in6_addr *out)
{
    size_t digits = strcspn(hex, ":");
    uint32_t word[4] = {0, 0, htonl(0xFFFF), 0};
    size_t first = digits == 8 ? 3 : 0;
    if (digits != 8 && digits != 32)
        return false;
    for (size_t i = first; i < 4; i++, hex += 8) {
        char part[9] = "";
        memcpy(part, hex, 8);
        word[i] = (uint32_t)strtoul(part, NULL, 16);
    }
    memcpy(out, word, sizeof(word));
    return true;
}

static bool is_any(const struct in6_addr *address)
{
    static const struct in6_addr any4 = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}}};
    return memcmp(address, &in6addr_any, sizeof(*address)) == 0 ||
           memcmp(address, &any4, sizeof(*address)) == 0;
}

static void take_line(const char *line, const struct in6_addr *wanted, unsigned port,
                      struct inodes *out)
{
    char local[64];
    unsigned state, number;
    uint64_t inode;
    struct in6_addr address;
    if (sscanf(line, " %*u: %63s %*s %x %*s %*s %*s %*u %*d %" SCNu64, local, &state, &inode) != 3)
        return;
    const char *colon = strchr(local, ':');
    if (state != LISTENING || colon == NULL || sscanf(colon + 1, "%x", &number) != 1 ||
        number != port || !parse_column(local, &address))
        return;
    if (memcmp(&address, wanted, sizeof(address)) == 0 && out->exacts < INODES)
        out->exact[out->exacts++] = inode;
    else if (is_any(&address) && out->anys < INODES)
        out->any[out->anys++] = inode;
}

static void read_sockets(const char *path, const struct in6_addr *wanted, unsigned port,
                         struct inodes *out)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (getline(&line, &room, file) > 0)
        take_line(line, wanted, port, out);
    free(line);
    fclose(file);
}

static bool has_socket(int32_t pid, const uint64_t *inode, size_t count)
{
    char path[64], target[64];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(dir)) != NULL;) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
        uint64_t number;
        target[len > 0 ? len : 0] = '\0';
        if (sscanf(target, "socket:[%" SCNu64 "]", &number) != 1)
            continue;
        for (size_t i = 0; i < count; i++)
            found = found || inode[i] == number;
    }
    closedir(dir);
    return found;
}

static void find_owners(const uint64_t *inode, size_t count, struct val_listeners *out)
{
    DIR *dir = opendir("/proc");
    if (dir == NULL)
        return;
    for (struct dirent *entry; out->count < VAL_LISTENERS && (entry = readdir(dir)) != NULL;) {
        int32_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        if (pid > 0 && has_socket(pid, inode, count))
            out->pid[out->count++] = pid;
    }
    closedir(dir);
}

void val_listeners_find(const char *address, unsigned port, struct val_listeners *out)
{
    struct inodes inodes = {.exacts = 0};
    struct in6_addr wanted;
    *out = (struct val_listeners){0};
    if (!parse_address(address, &wanted))
        return;
    read_sockets("/proc/net/tcp", &wanted, port, &inodes);
    read_sockets("/proc/net/tcp6", &wanted, port, &inodes);
    out->bound = inodes.exacts > 0 || inodes.anys > 0;
    if (inodes.exacts > 0)
        find_owners(inodes.exact, inodes.exacts, out);
    else if (inodes.anys > 0)
        find_owners(inodes.any, inodes.anys, out);
}
