/* SPDX-License-Identifier: MIT */
/*
 * token.c: the table of bearer tokens.
 *
 * A token is 4 bytes that say which row of the table holds it and 32 secret random bytes, in
 * hexadecimal. The row number makes the look-up direct, so the only comparison with a secret is
 * one that takes the same time wherever the bytes differ.
 */
#include "token.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"

/* Enough for every person and machine of a company at once; 200 KiB. */
#define TOKEN_ROWS   4096
#define SECRET_BYTES 32

struct token_row {
    unsigned char secret[SECRET_BYTES];
    int64_t expires_ms; /* 0 = never used */
    enum parts_role role;
};

struct parts_tokens {
    pthread_rwlock_t lock;
    int64_t ttl_ms;
    struct token_row rows[TOKEN_ROWS];
};

struct parts_tokens *parts_tokens_new(unsigned ttl_s)
{
    struct parts_tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens != NULL) {
        tokens->ttl_ms = (int64_t)ttl_s * 1000;
        pthread_rwlock_init(&tokens->lock, NULL);
    }
    return tokens;
}

void parts_tokens_free(struct parts_tokens *tokens)
{
    pthread_rwlock_destroy(&tokens->lock);
    explicit_bzero(tokens->rows, sizeof tokens->rows);
    free(tokens);
}

static bool fill_random(unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        }
    }
    return true;
}

/* All tokens live equally long, so the row that expires first is the oldest. */
static uint32_t oldest_row(const struct parts_tokens *tokens)
{
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < TOKEN_ROWS; i++) {
        if (tokens->rows[i].expires_ms < tokens->rows[oldest].expires_ms) {
            oldest = i;
        }
    }
    return oldest;
}

bool parts_tokens_issue(struct parts_tokens *tokens, enum parts_role role,
                        char token[PARTS_TOKEN_SIZE])
{
    struct token_row fresh = {.role = role, .expires_ms = parts_clock_ms() + tokens->ttl_ms};
    if (!fill_random(fresh.secret, sizeof fresh.secret)) {
        return false;
    }
    pthread_rwlock_wrlock(&tokens->lock);
    uint32_t row = oldest_row(tokens);
    tokens->rows[row] = fresh;
    pthread_rwlock_unlock(&tokens->lock);

    int length = snprintf(token, PARTS_TOKEN_SIZE, "%08x", row);
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        length +=
            snprintf(token + length, PARTS_TOKEN_SIZE - (size_t)length, "%02x", fresh.secret[i]);
    }
    explicit_bzero(&fresh, sizeof fresh);
    return true;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool decode(const char *token, uint32_t *row, unsigned char secret[SECRET_BYTES])
{
    unsigned char bytes[4 + SECRET_BYTES];
    if (strlen(token) != 2 * sizeof bytes) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        int high = hex_value(token[2 * i]);
        int low = hex_value(token[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    *row = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    memcpy(secret, bytes + 4, SECRET_BYTES);
    return *row < TOKEN_ROWS;
}

bool parts_tokens_check(struct parts_tokens *tokens, const char *token, enum parts_role *role)
{
    uint32_t row;
    unsigned char secret[SECRET_BYTES];
    if (!decode(token, &row, secret)) {
        return false;
    }
    pthread_rwlock_rdlock(&tokens->lock);
    const struct token_row *held = &tokens->rows[row];
    unsigned char difference = 0;
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        difference |= held->secret[i] ^ secret[i];
    }
    bool valid = difference == 0 && held->expires_ms > parts_clock_ms();
    *role = held->role;
    pthread_rwlock_unlock(&tokens->lock);
    return valid;
}
