/* SPDX-License-Identifier: MIT */
/*
 * db_pool.c: the pool of database connections.
 *
 * One mutex guards the slots' flags; it is never held across a network wait. A slot marked busy
 * belongs to one thread, which alone may connect, use or finish its connection; only
 * parts_pool_abort touches the sockets of others, and therefore a connection that is being
 * replaced is taken out of its slot under the mutex first.
 */
#include "db_pool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"
#include "db_connect.h"
#include "log.h"

/* After a failed connection attempt others are answered at once for so long. */
#define RETRY_PAUSE_MS 500
/* While one thread tries again the others do not: an attempt may hang until libpq's
 * connect_timeout, and then only one thread should hang with it. */
#define ATTEMPT_MAX_MS 10000

struct pool_slot {
    struct parts_db db; /* first, so that a lent parts_db leads back to its slot */
    bool busy;
};

struct parts_pool {
    struct parts_pool_settings settings;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int64_t retry_at_ms; /* no connection attempt before; 0 = none failed */
    bool aborted;
    struct pool_slot slots[];
};

/*
 * An idle connection has nothing to say. If its socket is readable the server has closed it (or
 * sent the notice that it will): found here, no request pays for it with a 503.
 */
static bool is_stale(PGconn *conn)
{
    struct pollfd probe = {.fd = PQsocket(conn), .events = POLLIN};
    return PQstatus(conn) != CONNECTION_OK || poll(&probe, 1, 0) != 0;
}

static void slot_set_connection(struct parts_pool *pool, struct pool_slot *slot, PGconn *conn)
{
    pthread_mutex_lock(&pool->lock);
    PGconn *old = slot->db.conn;
    slot->db.conn = pool->aborted ? NULL : conn;
    slot->db.broken = false;
    bool refused = pool->aborted;
    pthread_mutex_unlock(&pool->lock);
    PQfinish(old);
    if (refused) {
        PQfinish(conn);
    }
}

/* Connects a slot that the caller owns. */
static bool slot_connect(struct parts_pool *pool, struct pool_slot *slot)
{
    PGconn *conn = parts_db_connect(pool->settings.dsn, pool->settings.query_timeout_ms);
    if (conn != NULL && !parts_db_prepare_all(conn)) {
        PQfinish(conn);
        conn = NULL;
    }
    slot_set_connection(pool, slot, conn);
    pthread_mutex_lock(&pool->lock);
    pool->retry_at_ms = conn == NULL ? parts_clock_ms() + RETRY_PAUSE_MS : 0;
    pthread_mutex_unlock(&pool->lock);
    return slot->db.conn != NULL;
}

struct parts_pool *parts_pool_new(const struct parts_pool_settings *settings)
{
    struct parts_pool *pool =
        calloc(1, sizeof *pool + (size_t)settings->size * sizeof pool->slots[0]);
    if (pool == NULL) {
        return NULL;
    }
    pool->settings = *settings;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->freed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (unsigned i = 0; i < settings->size; i++) {
        if (!slot_connect(pool, &pool->slots[i])) {
            parts_log("starting without a database; requests get 503 until there is one");
            break;
        }
    }
    return pool;
}

/* A free slot, one that is connected if there is such; NULL when all are busy. Lock held. */
static struct pool_slot *find_free(struct parts_pool *pool)
{
    struct pool_slot *unconnected = NULL;
    for (unsigned i = 0; i < pool->settings.size; i++) {
        struct pool_slot *slot = &pool->slots[i];
        if (!slot->busy && slot->db.conn != NULL) {
            return slot;
        }
        if (!slot->busy && unconnected == NULL) {
            unconnected = slot;
        }
    }
    return unconnected;
}

/* Marks a free slot busy, waiting for one if need be; NULL when the wait has run out. Lock held. */
static struct pool_slot *take_slot(struct parts_pool *pool)
{
    struct timespec deadline =
        parts_clock_timespec(parts_clock_ms() + (int64_t)pool->settings.wait_ms);
    struct pool_slot *slot = find_free(pool);
    while (slot == NULL && !pool->aborted) {
        int error = pthread_cond_timedwait(&pool->freed, &pool->lock, &deadline);
        slot = find_free(pool);
        if (error == ETIMEDOUT) {
            break;
        }
    }
    if (slot != NULL) {
        slot->busy = true;
    }
    return slot;
}

/* Whether the caller, who owns an unconnected slot, may try to connect it now. */
static bool claim_attempt(struct parts_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int64_t now = parts_clock_ms();
    bool allowed = !pool->aborted && now >= pool->retry_at_ms;
    if (allowed && pool->retry_at_ms != 0) {
        pool->retry_at_ms = now + ATTEMPT_MAX_MS;
    }
    pthread_mutex_unlock(&pool->lock);
    return allowed;
}

static void give_slot_back(struct parts_pool *pool, struct pool_slot *slot)
{
    pthread_mutex_lock(&pool->lock);
    slot->busy = false;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

enum parts_pool_outcome parts_pool_acquire(struct parts_pool *pool, struct parts_db **db)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_slot *slot = pool->aborted ? NULL : take_slot(pool);
    bool aborted = pool->aborted;
    pthread_mutex_unlock(&pool->lock);
    if (slot == NULL) {
        return aborted ? PARTS_POOL_DOWN : PARTS_POOL_EXHAUSTED;
    }
    bool ready = slot->db.conn != NULL && !is_stale(slot->db.conn);
    if (!ready && slot->db.conn != NULL) {
        slot_set_connection(pool, slot, NULL);
    }
    if (!ready && !(claim_attempt(pool) && slot_connect(pool, slot))) {
        give_slot_back(pool, slot);
        return PARTS_POOL_DOWN;
    }
    *db = &slot->db;
    return PARTS_POOL_OK;
}

void parts_pool_release(struct parts_pool *pool, struct parts_db *db)
{
    struct pool_slot *slot = (struct pool_slot *)db;
    if (db->broken || PQtransactionStatus(db->conn) != PQTRANS_IDLE) {
        slot_set_connection(pool, slot, NULL);
    }
    give_slot_back(pool, slot);
}

void parts_pool_abort(struct parts_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->aborted = true;
    for (unsigned i = 0; i < pool->settings.size; i++) {
        PGconn *conn = pool->slots[i].db.conn;
        if (conn != NULL && PQsocket(conn) >= 0) {
            shutdown(PQsocket(conn), SHUT_RDWR);
        }
    }
    pthread_cond_broadcast(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

void parts_pool_free(struct parts_pool *pool)
{
    for (unsigned i = 0; i < pool->settings.size; i++) {
        PQfinish(pool->slots[i].db.conn);
    }
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
