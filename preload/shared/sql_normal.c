/* SPDX-License-Identifier: MIT */
/*
 * Prints what the walk yields as one canonical text, hashes it, and keeps as much as fits.
 *
 * Any thread, any signal handler; allocates nothing; some 2 KiB of stack.
 */
#include "shared/sql_internal.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Most statements fit, and are hashed in one go, without the streaming state. */
#define CHUNK 1024u

/* So many bytes may be written for a shorter piece. */
#define BLOCK 16u

struct sink {
    char *buffer;
    size_t cap;
    const char *text_end; /* of the input, behind which nothing may be read */
    size_t flushed;       /* bytes of normalised text that have left the chunk */
    size_t used;          /* bytes in the chunk */
    size_t kept;          /* bytes of normalised text that belong into the buffer */
    bool truncated;
    char chunk[CHUNK];
    XXH3_state_t state; /* in use once something was flushed */
};

static void to_buffer(struct sink *sink)
{
    if (sink->kept <= sink->flushed)
        return;
    size_t len = sink->kept - sink->flushed;
    memcpy(sink->buffer + sink->flushed, sink->chunk, len < sink->used ? len : sink->used);
}

static void flush(struct sink *sink)
{
    if (sink->flushed == 0) {
        XXH3_INITSTATE(&sink->state);
        XXH3_64bits_reset(&sink->state);
    }
    XXH3_64bits_update(&sink->state, sink->chunk, sink->used);
    to_buffer(sink);
    sink->flushed += sink->used;
    sink->used = 0;
}

/* Copies BLOCK bytes, those in A..Z folded. Written so that compilers make it a few vector
 * instructions. */
static inline void copy_folded_block(char *to, const char *from)
{
    unsigned char block[BLOCK];

    memcpy(block, from, BLOCK);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] |= (unsigned char)((unsigned char)(block[i] - 'A') < 26) << 5;
    memcpy(to, block, BLOCK);
}

static inline void copy_bytes(char *to, const char *from, size_t len, bool fold)
{
    for (size_t i = 0; i < len; i++)
        to[i] = fold ? (char)spy_sql_fold(from[i]) : from[i];
}

/* Keeps LEN more bytes for the buffer, if they fit and everything before them did. */
static void keep(struct sink *sink, size_t len)
{
    size_t after = sink->flushed + sink->used + len;

    if (sink->truncated)
        return;
    if (after < sink->cap)
        sink->kept = after;
    else
        sink->truncated = true;
}

/* Puts a piece however long it is. */
static __attribute__((noinline)) char *put_slowly(struct sink *sink, char *to, bool space,
                                                  struct spy_sql_piece next)
{
    const char *text = next.text, *end = next.text + next.len;
    bool word = next.sort == SPY_SORT_WORD, quoted = next.sort == SPY_SORT_QUOTED;

    sink->used = (size_t)(to - sink->chunk);
    keep(sink, space + next.len);
    while (space || text < end) {
        if (sink->used == CHUNK)
            flush(sink);
        char *at = sink->chunk + sink->used++;
        if (space)
            *at = ' ';
        else
            copy_bytes(at, text, 1, word || (quoted && text == next.text)), text++;
        space = false;
    }
    return sink->chunk + sink->used;
}

/* Puts a piece at TO, in the sink's chunk; returns where the next one goes. */
static inline char *put(struct sink *sink, char *to, bool space, struct spy_sql_piece next)
{
    bool word = next.sort == SPY_SORT_WORD;

    if (to >= sink->chunk + CHUNK - BLOCK || next.len > BLOCK)
        return put_slowly(sink, to, space, next);
    if (!sink->truncated) {
        sink->used = (size_t)(to - sink->chunk);
        keep(sink, space + next.len);
    }
    *to = ' ';
    to += space;
    if (word && sink->text_end - next.text >= (ptrdiff_t)BLOCK)
        copy_folded_block(to, next.text);
    else
        copy_bytes(to, next.text, next.len, word);
    if (next.sort == SPY_SORT_QUOTED)
        *to = (char)spy_sql_fold(*to); /* U&"" is u&"" */
    return to + next.len;
}

#define BIT(sort)  (1u << SPY_SORT_##sort)
#define ALL        (BIT(COUNT) - 1u)
#define VALUES     (BIT(STRING) | BIT(NUMBER) | BIT(PLACE))
#define TIGHT      (BIT(DOT) | BIT(CAST))
#define CLOSE_UP   (BIT(COMMA) | BIT(SEMICOLON) | BIT(CLOSE) | BIT(UNBRACKET))
#define SPACED     (ALL & ~CLOSE_UP & ~TIGHT)
#define SUBSCRIBED (SPACED & ~BIT(BRACKET))

/*
 * Before what is there a space, after each sort? Where there is none, lexing the two again must
 * give the same two: hence .. and : keep their distance from . and :: though these stand close
 * otherwise. The parenthesis behind a key word is special, see spaced().
 */
static const uint32_t spaces[SPY_SORT_COUNT] = {
    [SPY_SORT_WORD] = SUBSCRIBED & ~BIT(OPEN),
    [SPY_SORT_QUOTED] = SUBSCRIBED & ~BIT(OPEN),
    [SPY_SORT_STRING] = SUBSCRIBED,
    [SPY_SORT_NUMBER] = SUBSCRIBED,
    [SPY_SORT_PLACE] = SUBSCRIBED,
    [SPY_SORT_SIGN] = SPACED,
    [SPY_SORT_OPERATOR] = SPACED,
    [SPY_SORT_CLOSE] = SUBSCRIBED,
    [SPY_SORT_UNBRACKET] = SUBSCRIBED,
    [SPY_SORT_COMMA] = SPACED | TIGHT,
    [SPY_SORT_SEMICOLON] = SPACED | TIGHT,
    [SPY_SORT_DOT] = BIT(OTHER) | TIGHT,
    [SPY_SORT_CAST] = BIT(OTHER) | TIGHT,
    [SPY_SORT_OTHER] = SPACED | TIGHT,
};

static inline bool spaced(unsigned before, unsigned next, unsigned word)
{
    if (next == SPY_SORT_OPEN && word & SPY_WORD_SPACED)
        return true;
    return spaces[before] >> next & 1u;
}

static struct spy_sql_normal finish(struct sink *sink)
{
    uint64_t fingerprint;

    if (sink->flushed > 0) {
        flush(sink);
        fingerprint = XXH3_64bits_digest(&sink->state);
    } else {
        fingerprint = XXH3_64bits(sink->chunk, sink->used);
        to_buffer(sink);
    }
    if (sink->cap > 0)
        sink->buffer[sink->kept] = '\0';
    return (struct spy_sql_normal){
        .fingerprint = fingerprint,
        .len = (uint32_t)sink->kept,
        .truncated = sink->truncated && sink->cap > 0,
    };
}

struct spy_sql_normal spy_sql_normalise_as(const char *text, size_t len, unsigned how, char *buffer,
                                           size_t cap)
{
    const struct spy_sql_piece value = {.text = "?", .len = 1, .sort = SPY_SORT_PLACE};
    struct spy_sql_walk walk;
    struct sink sink; /* the chunk stays uninitialised */
    char *to = sink.chunk;
    unsigned before = SPY_SORT_START;

    spy_sql_walk_start(&walk, text, len, how);
    sink.buffer = buffer;
    sink.cap = cap < UINT32_MAX ? cap : UINT32_MAX;
    sink.text_end = walk.lexer.end;
    sink.flushed = sink.used = sink.kept = 0;
    sink.truncated = cap == 0;
    for (;;) {
        struct spy_sql_piece next = spy_sql_walk_next(&walk);
        if (next.sort == SPY_SORT_END)
            break;
        bool space = spaced(before, next.sort, walk.word);
        before = next.sort;
        to = put(&sink, to, space, spy_sql_is_value(next.sort) ? value : next);
    }
    sink.used = (size_t)(to - sink.chunk);
    struct spy_sql_normal normal = finish(&sink);
    normal.rest = walk.rest ? (size_t)(walk.rest - text) : 0;
    return normal;
}
