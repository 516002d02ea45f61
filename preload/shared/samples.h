/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a single call: a sample, the one form in which calls are recorded, credited and
 * held; and the slow, the failed and the worst calls as the region has them. A part of
 * shared/region.h, which says where the rows lie. Durations are nanoseconds.
 */
#ifndef SPY_SHARED_SAMPLES_H
#define SPY_SHARED_SAMPLES_H

#include <stdatomic.h>
#include <stdint.h>

#define SPY_PARAMS_BYTES 128u /* allowed URL parameters, or a statement's name; with the NUL */
#define SPY_WORST_CALLS  3u   /* longest calls in each set of an operation that was ever slow */

/* How a query was found to belong to a request. */
enum spy_way {
    SPY_WAY_NO_REQUEST, /* no request was under way */
    SPY_WAY_THREAD,     /* the only request whose head the calling thread had read */
    SPY_WAY_ONLY,       /* the only request under way in the process */
    SPY_WAY_TAG,        /* the only one of the operation that its sqlcommenter tag names */
    SPY_WAY_NONE,       /* there were requests, and nothing says which */
};

/* Of a call of a sampled operation: its time was not taken. Its times are 0, and it ended about at
 * end_ns, or, where it failed, exactly then. */
#define SPY_UNTIMED 1u

/* What happened in one call: recorded, credited and held in this one form. */
struct spy_sample {
    uint32_t op;
    uint32_t code; /* HTTP status or packed SQLSTATE; 0: none */
    uint8_t failed;
    uint8_t aborted;     /* HTTP: the peer went away before the end */
    uint8_t transaction; /* PGTransactionStatusType + 1 when the statement ended; 0: not known */
    uint8_t way;         /* SQL: enum spy_way; HTTP: not 0 where its queries were counted */
    uint16_t endpoint;   /* row of SPY_SECTION_ENDPOINTS; 0: not known */
    uint16_t params;     /* bind parameters; 65,535 stands for more, too */
    int32_t backend_pid; /* of the server process; 0: not known */
    uint32_t queries;    /* HTTP: attributed to the request */
    uint32_t request_op; /* SQL: operation of the request it belonged to, plus 1; 0: not known */
    uint16_t sampled;    /* SQL: it stands for so many calls; 0: for itself; or SPY_UNTIMED */
    uint16_t guessed;    /* HTTP: of its queries those that were not timed; or 65,535 for more */
    uint64_t end_ns;     /* CLOCK_MONOTONIC */
    uint64_t dur_ns;
    uint64_t wait_ns;
    uint64_t queue_ns;
    uint64_t blocked_ns;
    uint64_t rows;
    uint64_t affected;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t read_ns; /* HTTP: first to last byte of the request */
    uint64_t db_wait_ns;
    uint64_t db_rows_ns;
};

/* What of a call comes after its wait. Waits that were added up may overlap, and threads' clocks
 * differ by a little: never less than nothing. */
static inline uint64_t spy_sample_tail_ns(const struct spy_sample *sample)
{
    return sample->dur_ns > sample->wait_ns ? sample->dur_ns - sample->wait_ns : 0;
}

/* A slow or failed call: the newest that were slow are in one ring, the newest that failed without
 * being slow in another, so that a flood of failures leaves the slow ones alone. `seq` is 2 * n + 1
 * while event n is being written and 2 * n + 2 when it is complete; a reader copies the event
 * between two equal, even readings of it. */
struct spy_slow_event {
    _Atomic uint64_t seq;
    uint32_t tid;
    uint32_t reserved;
    struct spy_sample sample;
    /* NUL-terminated. Of a request its allowed parameters, "name=value name=value"; of a statement
     * the name it was prepared under, "" where it was not. */
    char detail[SPY_PARAMS_BYTES];
};

/* The longest calls of one operation since its statistics began, of those that were slow. A call
 * takes the place of the lowest of them by a compare-and-swap on `rank`, which therefore only grows
 * until a reset makes it 0, and which says at any moment exactly which the longest were; then it
 * writes its event, by the protocol above. An event whose rank is not that of its place is an older
 * one, whose place was taken by a call that could not be written (counted as dropped), or that is
 * being written. */
struct spy_worst_set {
    _Atomic uint64_t rank[SPY_WORST_CALLS]; /* see spy_worst_rank(); 0: free */
    struct spy_slow_event event[SPY_WORST_CALLS];
};

/* Set 0 has the longest since the start. A bad minute would fill it for good, so the other two have
 * the longest of one stretch of time each, this one and the one before: a call of a new stretch is
 * above all that are two stretches old. */
#define SPY_WORST_SETS    3u
#define SPY_WORST_SPAN_NS 3600000000000ull /* a stretch: an hour of CLOCK_MONOTONIC */

struct spy_worst {
    struct spy_worst_set set[SPY_WORST_SETS];
};

/* The set that a call which ended at END_NS belongs to, beside the first. */
static inline uint32_t spy_worst_set_of(uint64_t end_ns)
{
    return 1 + (uint32_t)(end_ns / SPY_WORST_SPAN_NS % (SPY_WORST_SETS - 1));
}

/* What orders the calls of set SET: in the first how long they took, in the others the stretch in
 * which they ended (16 bits: seven years of a machine's running) and then that (48: three days). */
static inline uint64_t spy_worst_rank(uint32_t set, const struct spy_sample *sample)
{
    const uint64_t most = (1ull << 48) - 1;
    if (set == 0)
        return sample->dur_ns;
    uint64_t ns = sample->dur_ns < most ? sample->dur_ns : most;
    return (sample->end_ns / SPY_WORST_SPAN_NS + 1) << 48 | ns;
}

#endif
