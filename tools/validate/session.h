/* SPDX-License-Identifier: MIT */
/*
 * Before the scenarios: is the service there, does it let us in, and what parts does it have.
 */
#ifndef VALIDATE_SESSION_H
#define VALIDATE_SESSION_H

#include "validate/options.h"
#include "validate/scenario.h"

#define VAL_SECRET_BYTES 4096u

/* Whom to be. Read before anything is sent, so that a wrong file is told at once. */
struct val_credentials {
    char user[256];
    char secret[VAL_SECRET_BYTES]; /* password, or where USER is "" the token */
};

/* From SETTINGS and the environment. False after a sentence on standard error. */
bool val_credentials_read(const struct val_settings *settings, struct val_credentials *out);

/*
 * Asks GET /healthz and logs in; on success TOKEN holds the bearer token and WORKER's connection
 * uses it. VAL_UNAVAILABLE after a sentence on standard error.
 */
enum val_exit val_session_open(struct val_worker *worker, const struct val_settings *settings,
                               const struct val_credentials *who, char token[VAL_SECRET_BYTES]);

/* Fetches some parts from all over the catalogue. VAL_UNAVAILABLE after a sentence. Free with
 * val_sample_free(). */
enum val_exit val_sample_fetch(struct val_worker *worker, struct val_sample *out);
void val_sample_free(struct val_sample *sample);

#endif
