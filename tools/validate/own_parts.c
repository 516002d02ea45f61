/* SPDX-License-Identifier: MIT */
/*
 * Removing what this run has made; see own_parts.h.
 */
#include "validate/own_parts.h"

#include "ctl/ctl.h"
#include "validate/scenario.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AWAIT_NS 5000000000ull /* for a part whose making was not answered to appear */
#define NAP_NS   200000000

void val_own_init(struct val_own_parts *own, uint32_t run)
{
    *own = (struct val_own_parts){.lock = PTHREAD_MUTEX_INITIALIZER};
    snprintf(own->prefix, sizeof(own->prefix), "VALIDATE-%08" PRIX32 "-", run);
}

void val_own_free(struct val_own_parts *own)
{
    free(own->id);
    pthread_mutex_destroy(&own->lock);
}

void val_own_number(struct val_own_parts *own, char out[64])
{
    pthread_mutex_lock(&own->lock);
    uint64_t number = ++own->made;
    pthread_mutex_unlock(&own->lock);
    snprintf(out, 64, "%s%" PRIu64, own->prefix, number);
}

void val_own_add(struct val_own_parts *own, int64_t id)
{
    pthread_mutex_lock(&own->lock);
    own->id = ctl_grow(own->id, own->count + 1, sizeof(*own->id));
    own->id[own->count++] = id;
    pthread_mutex_unlock(&own->lock);
}

void val_own_remove(struct val_own_parts *own, int64_t id)
{
    pthread_mutex_lock(&own->lock);
    for (size_t i = 0; i < own->count; i++)
        if (own->id[i] == id) {
            own->id[i] = own->id[--own->count];
            break;
        }
    pthread_mutex_unlock(&own->lock);
}

void val_own_unsure(struct val_own_parts *own)
{
    pthread_mutex_lock(&own->lock);
    own->unsure++;
    pthread_mutex_unlock(&own->lock);
}

/* The status of a DELETE; 0 where it was not answered. */
static long delete_part(struct val_worker *worker, int64_t id)
{
    char path[64];
    struct val_response response = {0};
    snprintf(path, sizeof(path), "/parts/%" PRId64, id);
    val_ask(worker, &(struct val_request){.method = "DELETE", .path = path}, &response, NULL);
    return response.status;
}

/* Deletes what the service finds under our prefix. Returns how many parts it found; -1 where it
 * could not be asked. */
static int64_t delete_found(struct val_worker *worker, size_t *removed)
{
    int64_t found = 0;
    size_t i, len = strlen(worker->own->prefix);
    const json_t *item;
    json_t *page = val_get_page(worker, (struct val_page){0, 1000, false}, "/parts/search?q=%s",
                                worker->own->prefix);
    if (page == NULL)
        return -1;
    json_array_foreach(json_object_get(page, "items"), i, item)
    {
        if (strncmp(val_text(item, "part_number"), worker->own->prefix, len) != 0)
            continue;
        found++;
        *removed += delete_part(worker, val_int(item, "id")) == 204;
    }
    json_decref(page);
    return found;
}

/* Until nothing is found any more; where parts may still be on their way, for some seconds. False
 * where the service could not be asked, or keeps what it was told to delete. */
static bool delete_all_found(struct val_worker *worker, size_t *removed)
{
    uint64_t begin = ctl_clock_ns(CLOCK_MONOTONIC);
    uint64_t unsure = worker->own->unsure;
    for (;;) {
        size_t before = *removed;
        int64_t found = delete_found(worker, removed);
        if (found < 0 || (found > 0 && *removed == before))
            return false;
        unsure -= (uint64_t)found < unsure ? (uint64_t)found : unsure;
        if (found == 0 && (unsure == 0 || ctl_clock_ns(CLOCK_MONOTONIC) - begin > AWAIT_NS))
            return true;
        if (found == 0)
            nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
}

size_t val_own_clean(struct val_worker *worker)
{
    struct val_own_parts *own = worker->own;
    size_t removed = 0;
    if (own->made == 0)
        return 0;
    while (own->count > 0)
        removed += delete_part(worker, own->id[--own->count]) == 204;
    VAL_CHECK(worker, "nothing that was made remains", delete_all_found(worker, &removed),
              "parts whose numbers begin with %s may be left", own->prefix);
    return removed;
}
