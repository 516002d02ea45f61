/* SPDX-License-Identifier: MIT */
/*
 * How much of everything the region has room for. Each is a memory bound: the sum of the sections
 * is fixed when the region is made.
 */
#ifndef SPY_SHARED_CAPACITY_H
#define SPY_SHARED_CAPACITY_H

#define SPY_OPS_MAX       2048u      /* operations; beyond, calls are counted under "other" */
#define SPY_SHARDS        64u        /* threads that record at one time without sharing a shard */
#define SPY_SHARD_SHARED  SPY_SHARDS /* overflow: any thread, atomic adds */
#define SPY_SHARD_ROLLED  (SPY_SHARDS + 1u) /* what history has already taken */
#define SPY_SHARD_RESET   (SPY_SHARDS + 2u) /* two: what was counted before a reset */
#define SPY_SHARDS_ALL    (SPY_SHARDS + 4u)
#define SPY_CHUNK_BYTES   256u
#define SPY_ARENA_CHUNKS  16384u /* 4 MiB, unless PERFSPY_REGION_SIZE leaves less */
#define SPY_TEXT_BYTES    (512u * 1024u)
#define SPY_SLOW_EVENTS   512u
#define SPY_FAILED_EVENTS 256u
#define SPY_HISTORY_BYTES (2048u * 1024u) /* unless PERFSPY_HISTORY says otherwise */
#define SPY_BLOCK_BYTES   (64u * 1024u)   /* storage is asked for in such steps: shared/storage.h */
#define SPY_BLOCK_WORDS   20u             /* of 64 blocks each: a region of 80 MiB at most */
#define SPY_HELD_SLOTS    1024u           /* connections that may have an unfinished sequence */
#define SPY_HELD_CREDITS  8u              /* statements in the longest sequence */
#define SPY_CODES         16u /* distinct status codes or SQLSTATEs kept per operation */
#define SPY_BUDGETS       4u  /* benchmarks per operation */
#define SPY_NAME_BYTES    128u
#define SPY_OPEN_REQUESTS 1024u /* requests under way that are followed to their queries */
#define SPY_OPEN_CONNS    1024u /* libpq connections whose state is published */
#define SPY_REPEATS       64u   /* distinct repeated statements (N+1) kept */
#define SPY_ENDPOINTS     64u   /* distinct (host, port, database, user) of libpq connections */

/* What history may be given, whole pages; and the resolutions that it is kept in. */
#define SPY_HISTORY_BYTES_MIN (64u * 1024u)
#define SPY_HISTORY_BYTES_MAX (64u * 1024u * 1024u)
#define SPY_HISTORY_LEVELS    3u

/* What the arena may have, whole pages. The least holds what must have room (spy_shards_reserve())
 * and the cells of a few operations. */
#define SPY_ARENA_BYTES     (SPY_ARENA_CHUNKS * SPY_CHUNK_BYTES)
#define SPY_ARENA_BYTES_MIN (256u * 1024u)

/* Operations that always exist: where calls go whose operation finds no room. */
#define SPY_OP_OTHER_SQL  0u
#define SPY_OP_OTHER_HTTP 1u
#define SPY_OP_FIRST_FREE 2u

#endif
