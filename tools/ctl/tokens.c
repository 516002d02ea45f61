/* SPDX-License-Identifier: MIT */
/*
 * The token file; see tokens.h.
 */
#include "ctl/tokens.h"

#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASHED "sha256:"

_Static_assert(CTL_DIGEST_BYTES == SHA256_DIGEST_SIZE, "a digest is a SHA-256");

/* A part of the text. */
struct span {
    const char *at;
    size_t len;
};

static void digest(const char *token, size_t len, uint8_t out[CTL_DIGEST_BYTES])
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, len, (const uint8_t *)token);
    sha256_digest(&ctx, CTL_DIGEST_BYTES, out);
}

enum ctl_role ctl_tokens_role(const struct ctl_tokens *tokens, const char *token, size_t len)
{
    uint8_t presented[CTL_DIGEST_BYTES];
    unsigned role = CTL_ROLE_NONE;
    digest(token, len, presented);
    /* No early end: a match must take as long as none. */
    for (size_t i = 0; i < tokens->count; i++) {
        unsigned same =
            (unsigned)memeql_sec(presented, tokens->token[i].digest, CTL_DIGEST_BYTES) & 1u;
        role |= (0u - same) & (unsigned)tokens->token[i].role;
    }
    return (enum ctl_role)role;
}

/* ---- parsing -------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of LINE, which is moved behind it; empty where there is none. */
static struct span next_word(struct span *line)
{
    while (line->len > 0 && is_blank(*line->at)) {
        line->at++;
        line->len--;
    }
    struct span word = {line->at, 0};
    while (word.len < line->len && !is_blank(line->at[word.len]))
        word.len++;
    line->at += word.len;
    line->len -= word.len;
    return word;
}

static bool is_word(struct span word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(struct span hex, uint8_t out[CTL_DIGEST_BYTES])
{
    if (hex.len != 2 * (size_t)CTL_DIGEST_BYTES)
        return false;
    for (size_t i = 0; i < CTL_DIGEST_BYTES; i++) {
        int high = hex_value(hex.at[2 * i]), low = hex_value(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* What can be sent in a header: visible ASCII. */
static bool is_visible(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] < '!' || word.at[i] > '~')
            return false;
    return true;
}

/* Messages never show a token, nor what may be one. */
static enum spy_status parse_token(struct span word, uint32_t line, struct ctl_token *token,
                                   struct spy_error *err)
{
    const size_t prefix = sizeof(HASHED) - 1;
    token->line = line;
    if (word.len == 0)
        return spy_fail_at(err, SPY_ERR_SYNTAX, line, 0, "the token is missing; write ROLE TOKEN");
    if (word.len >= prefix && memcmp(word.at, HASHED, prefix) == 0) {
        if (parse_hex((struct span){word.at + prefix, word.len - prefix}, token->digest))
            return SPY_OK;
        return spy_fail_at(err, SPY_ERR_SYNTAX, line, 0,
                           HASHED " must be followed by the 64 hexadecimal digits of a SHA-256");
    }
    if (word.len > CTL_TOKEN_BYTES || !is_visible(word))
        return spy_fail_at(err, SPY_ERR_VALUE, line, 0,
                           "a token is at most %u visible ASCII characters", CTL_TOKEN_BYTES);
    digest(word.at, word.len, token->digest);
    return SPY_OK;
}

static enum spy_status add_token(struct ctl_tokens *tokens, const struct ctl_token *new,
                                 struct spy_error *err)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (memcmp(tokens->token[i].digest, new->digest, CTL_DIGEST_BYTES) == 0)
            return spy_fail_at(err, SPY_ERR_VALUE, new->line, 0,
                               "this token was given before, in line %u", tokens->token[i].line);
    if (tokens->count == CTL_TOKENS_MAX)
        return spy_fail_at(err, SPY_ERR_FULL, new->line, 0,
                           "too many tokens: at most %u are allowed", CTL_TOKENS_MAX);
    tokens->token[tokens->count++] = *new;
    return SPY_OK;
}

static enum spy_status parse_line(struct span line, uint32_t number, struct ctl_tokens *tokens,
                                  struct spy_error *err)
{
    struct ctl_token token = {.role = CTL_ROLE_NONE};
    struct span role = next_word(&line);
    if (role.len == 0 || *role.at == '#')
        return SPY_OK;
    if (is_word(role, "super_admin"))
        token.role = CTL_ROLE_SUPER_ADMIN;
    else if (is_word(role, "reader"))
        token.role = CTL_ROLE_READER;
    else
        return spy_fail_at(err, SPY_ERR_SYNTAX, number, 0,
                           "a line begins with a role: super_admin or reader");
    enum spy_status status = parse_token(next_word(&line), number, &token, err);
    if (status != SPY_OK)
        return status;
    if (next_word(&line).len > 0)
        return spy_fail_at(err, SPY_ERR_SYNTAX, number, 0,
                           "there is something after the token; write ROLE TOKEN");
    return add_token(tokens, &token, err);
}

static enum spy_status parse_all(const char *text, size_t len, struct ctl_tokens *tokens,
                                 struct spy_error *err)
{
    uint32_t number = 0;
    for (size_t at = 0; at < len;) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t line_len = newline != NULL ? (size_t)(newline - text) - at : len - at;
        enum spy_status status =
            parse_line((struct span){text + at, line_len}, ++number, tokens, err);
        if (status != SPY_OK)
            return status;
        at += line_len + 1;
    }
    if (tokens->count == 0)
        return spy_fail(err, SPY_ERR_VALUE, "there is no token in it; write lines of ROLE TOKEN");
    return SPY_OK;
}

enum spy_status ctl_tokens_parse(const char *text, size_t len, struct ctl_tokens *out,
                                 struct spy_error *err)
{
    struct ctl_tokens *tokens = ctl_alloc(sizeof(*tokens));
    enum spy_status status = parse_all(text, len, tokens, err);
    if (status == SPY_OK)
        *out = *tokens;
    free(tokens);
    return status;
}

/* ---- the file ------------------------------------------------------------------------------- */

static enum spy_status check_file(int fd, struct spy_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return spy_fail(err, SPY_ERR_REFUSED, "not a regular file");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return spy_fail(err, SPY_ERR_REFUSED,
                        "it belongs to user %u; it must belong to user %u or to root", st.st_uid,
                        geteuid());
    if ((st.st_mode & 077) != 0)
        return spy_fail(err, SPY_ERR_REFUSED,
                        "its mode is %04o: group and others must have no rights on it; chmod 600",
                        st.st_mode & 07777);
    return SPY_OK;
}

/* TEXT has room for one byte more than a file may have. */
static enum spy_status read_file(int fd, char *text, size_t *len, struct spy_error *err)
{
    for (*len = 0; *len <= CTL_TOKENS_FILE_BYTES;) {
        ssize_t n = read(fd, text + *len, CTL_TOKENS_FILE_BYTES + 1 - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return spy_fail(err, SPY_ERR_IO, "%s", strerror(errno));
        if (n == 0)
            return SPY_OK;
        *len += (size_t)n;
    }
    return spy_fail(err, SPY_ERR_FULL, "it is longer than %u bytes", CTL_TOKENS_FILE_BYTES);
}

static enum spy_status load(int fd, struct ctl_tokens *out, struct spy_error *err)
{
    size_t len;
    enum spy_status status = check_file(fd, err);
    if (status != SPY_OK)
        return status;
    char *text = ctl_alloc(CTL_TOKENS_FILE_BYTES + 1);
    status = read_file(fd, text, &len, err);
    if (status == SPY_OK)
        status = ctl_tokens_parse(text, len, out, err);
    explicit_bzero(text, CTL_TOKENS_FILE_BYTES + 1);
    free(text);
    return status;
}

enum spy_status ctl_tokens_load(const char *path, struct ctl_tokens *out, struct spy_error *err)
{
    /* O_NONBLOCK: never wait for the writer of a FIFO somebody put there. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return spy_fail(err, errno == ENOENT ? SPY_ERR_ABSENT : SPY_ERR_IO, "%s",
                        errno == ELOOP ? "it is a symbolic link" : strerror(errno));
    enum spy_status status = load(fd, out, err);
    close(fd);
    return status;
}
