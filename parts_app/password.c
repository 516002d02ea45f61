/* SPDX-License-Identifier: MIT */
/*
 * password.c: password hashes by libcrypt.
 */
#include "password.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* crypt_r with its 32 KiB of scratch space on the heap, wiped afterwards. */
static bool run_crypt(const char *password, const char *setting, char hash[PARTS_HASH_SIZE])
{
    struct crypt_data *data = calloc(1, sizeof *data);
    if (data == NULL) {
        return false;
    }
    const char *made = crypt_r(password, setting, data);
    /* A failure gives a string that begins with '*', which no hash does. */
    bool done = made != NULL && made[0] != '*' && strlen(made) < PARTS_HASH_SIZE;
    if (done) {
        snprintf(hash, PARTS_HASH_SIZE, "%s", made);
    }
    explicit_bzero(data, sizeof *data);
    free(data);
    return done;
}

bool parts_password_hash(const char *password, char hash[PARTS_HASH_SIZE])
{
    char salt[CRYPT_GENSALT_OUTPUT_SIZE];
    if (crypt_gensalt_rn(NULL, 0, NULL, 0, salt, (int)sizeof salt) == NULL) {
        return false;
    }
    return run_crypt(password, salt, hash);
}

static bool equal_constant_time(const char *a, const char *b, size_t length)
{
    unsigned char difference = 0;
    for (size_t i = 0; i < length; i++) {
        difference |= (unsigned char)(a[i] ^ b[i]);
    }
    return difference == 0;
}

bool parts_password_verify(const char *password, const char *hash)
{
    char made[PARTS_HASH_SIZE];
    if (hash == NULL) {
        bool worked = parts_password_hash(password, made);
        (void)worked; /* only the time it takes matters */
        return false;
    }
    if (!run_crypt(password, hash, made)) {
        return false;
    }
    size_t length = strlen(hash);
    return strlen(made) == length && equal_constant_time(made, hash, length);
}
