/* SPDX-License-Identifier: MIT */
/*
 * Loading a region; see image.h.
 *
 * The file's writer may be alive. Counters are monotonic and each is whole, so a plain copy of
 * them is fine; three places need more, because a copy freezes both readings of their version:
 * slow events, held slots and the rings of history. The guards of the first two are read a second
 * time from the file after the copy, and what changed in between is marked in the copy as being
 * written. Where history was rolled in between, all is copied once more: a roll moves calls from
 * one place to another. So it is where the rules were changed, which operations show.
 */
#include "ctl/image.h"

#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COPY_PAUSE_NS 10000000 /* a roll takes a few milliseconds, a reload less */
#define COPY_TRIES    10

/* A region's arena comes last, so this is the room that any image of our version needs which has
 * that header. What is no such header is found out later. */
enum spy_status ctl_image_new(const struct spy_region *header, size_t count,
                              struct spy_region **out, struct spy_error *err)
{
    bool known = count >= sizeof(*header) && header->magic == SPY_REGION_MAGIC &&
                 header->version == SPY_REGION_VERSION &&
                 header->history_bytes <= SPY_HISTORY_BYTES_MAX &&
                 header->arena_bytes <= SPY_ARENA_BYTES;
    struct spy_region_sizes sizes = {0};
    if (known)
        sizes = (struct spy_region_sizes){header->history_bytes, header->arena_bytes};
    uint64_t bytes = spy_region_bytes(sizes);
    *out = bytes >= count ? aligned_alloc(4096, bytes) : NULL;
    if (*out == NULL)
        return spy_fail(err, SPY_ERR_CORRUPT, "%zu bytes are too many for a region", count);
    memset((char *)*out + count, 0, bytes - count);
    return SPY_OK;
}

void ctl_image_free(struct spy_region *region)
{
    free(region);
}

/* Sections must lie exactly where this version puts them: then every index that the shared
 * readers bound by a section's size is inside our allocation, also where the image was cut. */
static enum spy_status check(const struct spy_region *region, size_t count, struct spy_error *err)
{
    enum spy_status status = spy_region_check(region, count, err);
    if (status != SPY_OK)
        return status;
    struct spy_region expected = {.history_bytes = region->history_bytes,
                                  .arena_bytes = region->arena_bytes};
    spy_region_layout(&expected);
    if (memcmp(expected.section, region->section, sizeof(region->section)) != 0)
        return spy_fail(err, SPY_ERR_CORRUPT, "its sections are not where this version puts them");
    return SPY_OK;
}

enum spy_status ctl_image_finish(struct spy_region *region, size_t count, struct spy_region **out,
                                 struct spy_error *err)
{
    enum spy_status status = check(region, count, err);
    *out = status == SPY_OK ? region : NULL;
    if (status != SPY_OK)
        ctl_image_free(region);
    return status;
}

/* Up to COUNT bytes from AT on. Returns how many there were, or -1. */
static ssize_t read_at(int fd, void *into, size_t count, uint64_t at)
{
    size_t used = 0;
    while (used < count) {
        ssize_t n = pread(fd, (char *)into + used, count - used, (off_t)(at + used));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

/* Compares the 64-bit guard at the head of each of COUNT elements with its second reading. */
static void mark_changed(char *first, const char *second, size_t count, size_t element)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t a, b;
        memcpy(&a, first + i * element, sizeof(a));
        memcpy(&b, second + i * element, sizeof(b));
        if (a != b) {
            a |= 1; /* odd: being written */
            memcpy(first + i * element, &a, sizeof(a));
        }
    }
}

static void recheck_section(int fd, struct spy_region *region, enum spy_section section,
                            size_t element)
{
    const struct spy_section_place *place = &region->section[section];
    char *again = ctl_alloc(place->bytes);
    if (read_at(fd, again, place->bytes, place->offset) == (ssize_t)place->bytes)
        mark_changed(spy_region_section(region, section), again, place->bytes / element, element);
    free(again);
}

/* The same for the worst calls of operations. */
static void recheck_worst(int fd, struct spy_region *region)
{
    for (uint32_t op = 0; op < spy_region_ops(region); op++) {
        struct spy_worst *worst = spy_region_worst(region, spy_region_op(region, op)), again;
        uint64_t at = worst != NULL ? (uint64_t)((char *)worst - (char *)region) : 0;
        if (worst == NULL || read_at(fd, &again, sizeof(again), at) != (ssize_t)sizeof(again))
            continue;
        for (uint32_t i = 0; i < SPY_WORST_SETS; i++)
            mark_changed((char *)worst->set[i].event, (const char *)again.set[i].event,
                         SPY_WORST_CALLS, sizeof(struct spy_slow_event));
    }
}

static void recheck(int fd, struct spy_region *region)
{
    recheck_section(fd, region, SPY_SECTION_SLOW, sizeof(struct spy_slow_event));
    recheck_section(fd, region, SPY_SECTION_FAILED, sizeof(struct spy_slow_event));
    recheck_worst(fd, region);
    recheck_section(fd, region, SPY_SECTION_HELD, sizeof(struct spy_held));
}

/* Is REGION of one moment, as far as it has to be: did the helper neither roll history while it was
 * copied nor change the rules? See history_turn and rules_change in region.h. */
static bool is_of_one_moment(int fd, const struct spy_region *region)
{
    uint64_t turn = atomic_load_explicit(&region->history_turn, memory_order_relaxed), turned;
    uint32_t change = atomic_load_explicit(&region->rules_change, memory_order_relaxed), changed;
    if (read_at(fd, &turned, sizeof(turned), offsetof(struct spy_region, history_turn)) !=
            (ssize_t)sizeof(turned) ||
        read_at(fd, &changed, sizeof(changed), offsetof(struct spy_region, rules_change)) !=
            (ssize_t)sizeof(changed))
        return true; /* nothing tells */
    return turn == turned && turn % 2 == 0 && change == changed && change % 2 == 0;
}

static enum spy_status check_file(const struct stat *st, struct ctl_image_owner owner,
                                  struct spy_error *err)
{
    if (!S_ISREG(st->st_mode))
        return spy_fail(err, SPY_ERR_REFUSED, "not a regular file");
    if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != owner.uid && !owner.any_owner)
        return spy_fail(err, SPY_ERR_REFUSED, "it belongs to user %u", st->st_uid);
    if (st->st_size < 0 || (uint64_t)st->st_size > spy_region_bytes((struct spy_region_sizes){
                                                       SPY_HISTORY_BYTES_MAX, 0}))
        return spy_fail(err, SPY_ERR_CORRUPT, "%lld bytes are too many for a region",
                        (long long)st->st_size);
    return SPY_OK;
}

static enum spy_status copy_file(int fd, size_t bytes, struct spy_region **out,
                                 struct spy_error *err)
{
    struct spy_region header;
    memset(&header, 0, sizeof(header));
    if (read_at(fd, &header, sizeof(header), 0) < 0)
        return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    struct spy_region *region;
    enum spy_status status = ctl_image_new(&header, bytes, &region, err);
    if (status != SPY_OK)
        return status;
    ssize_t count = read_at(fd, region, bytes, 0);
    if (count < 0) {
        ctl_image_free(region);
        return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    }
    memset((char *)region + count, 0, bytes - (size_t)count); /* it has been cut meanwhile */
    return ctl_image_finish(region, (size_t)count, out, err);
}

/* Of a process that was killed in the middle of a change the last copy is as good as any. */
static enum spy_status copy_whole(int fd, size_t bytes, struct spy_region **out,
                                  struct spy_error *err)
{
    const struct timespec pause = {0, COPY_PAUSE_NS};
    enum spy_status status = copy_file(fd, bytes, out, err);
    for (int i = 1; i < COPY_TRIES && status == SPY_OK && !is_of_one_moment(fd, *out); i++) {
        ctl_image_free(*out);
        *out = NULL;
        nanosleep(&pause, NULL);
        status = copy_file(fd, bytes, out, err);
    }
    return status;
}

static enum spy_status check_says(const struct stat *st, struct ctl_image_owner owner,
                                  const struct spy_region *region, struct spy_error *err)
{
    if (!owner.any_owner || st->st_uid == 0 || st->st_uid == region->uid)
        return SPY_OK;
    return spy_fail(err, SPY_ERR_REFUSED, "it belongs to user %u, but says user %u", st->st_uid,
                    region->uid);
}

/* The descriptor of a file that may be read, or -1. */
static int open_file(const char *path, struct ctl_image_owner owner, struct stat *st,
                     enum spy_status *status, struct spy_error *err)
{
    /* O_NONBLOCK: never wait for the writer of a FIFO somebody put there. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        *status = spy_fail(err,
                           errno == ENOENT                     ? SPY_ERR_ABSENT
                           : errno == EACCES || errno == ELOOP ? SPY_ERR_REFUSED
                                                               : SPY_ERR_IO,
                           "%s", errno == ELOOP ? "it is a symbolic link" : strerror(errno));
    else if (fstat(fd, st) != 0)
        *status = spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    else
        *status = check_file(st, owner, err);
    if (fd < 0 || *status == SPY_OK)
        return fd;
    close(fd);
    return -1;
}

enum spy_status ctl_image_read(const char *path, struct ctl_image_owner owner,
                               struct spy_region **out, struct spy_error *err)
{
    struct stat st;
    enum spy_status status;
    *out = NULL;
    int fd = open_file(path, owner, &st, &status, err);
    if (fd < 0)
        return status;
    status = copy_whole(fd, (size_t)st.st_size, out, err);
    if (status == SPY_OK) {
        recheck(fd, *out);
        status = check_says(&st, owner, *out, err);
        if (status != SPY_OK) {
            ctl_image_free(*out);
            *out = NULL;
        }
    }
    close(fd);
    return status;
}

enum spy_status ctl_image_head(const char *path, struct ctl_image_owner owner,
                               struct spy_region *head, struct spy_error *err)
{
    struct stat st;
    enum spy_status status;
    memset(head, 0, sizeof(*head));
    int fd = open_file(path, owner, &st, &status, err);
    if (fd < 0)
        return status;
    if (read_at(fd, head, sizeof(*head), 0) < 0)
        status = spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    else
        status = check(head, (size_t)st.st_size, err);
    if (status == SPY_OK)
        status = check_says(&st, owner, head, err);
    close(fd);
    return status;
}
