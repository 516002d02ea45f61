/* SPDX-License-Identifier: MIT */
/*
 * The token file of `serve`: who may read. Lines of `ROLE TOKEN`; ROLE is super_admin or reader,
 * TOKEN is the token itself or `sha256:` and the 64 hexadecimal digits of its SHA-256. Empty lines
 * and lines that begin with `#` are passed over.
 *
 * Only digests are kept, and a token is compared with all of them in constant time: how long an
 * answer takes says nothing about any token.
 */
#ifndef CTL_TOKENS_H
#define CTL_TOKENS_H

#include "shared/status.h"

#include <stddef.h>
#include <stdint.h>

#define CTL_TOKENS_MAX        256u           /* each is compared with every token presented */
#define CTL_TOKEN_BYTES       512u           /* longest token, without the NUL */
#define CTL_TOKENS_FILE_BYTES (256u * 1024u) /* room for all of them, and comments */
#define CTL_DIGEST_BYTES      32u

/* In order of what they may do. */
enum ctl_role { CTL_ROLE_NONE, CTL_ROLE_READER, CTL_ROLE_SUPER_ADMIN };

struct ctl_token {
    uint8_t digest[CTL_DIGEST_BYTES];
    enum ctl_role role;
    uint32_t line;
};

struct ctl_tokens {
    struct ctl_token token[CTL_TOKENS_MAX];
    size_t count;
};

/*
 * Reads the file PATH into OUT. It must be a regular file and no symbolic link, belong to us or to
 * root, be closed to group and others (mode 0600 or less), and hold at least one token. On failure
 * OUT is untouched and ERR says what is wrong, with the line where there is one.
 */
SPY_MUST_CHECK enum spy_status ctl_tokens_load(const char *path, struct ctl_tokens *out,
                                               struct spy_error *err);

/* The same from LEN bytes of text. */
SPY_MUST_CHECK enum spy_status ctl_tokens_parse(const char *text, size_t len,
                                                struct ctl_tokens *out, struct spy_error *err);

/* Role of TOKEN; CTL_ROLE_NONE where it is none of TOKENS. */
enum ctl_role ctl_tokens_role(const struct ctl_tokens *tokens, const char *token, size_t len);

#endif
