/* SPDX-License-Identifier: MIT */
/*
 * exchange.h: the HTTP library's view of a request: gathers its body, hands it to the router
 * and the reply back to the library.
 *
 * An exchange lives on one thread. The counter of requests in flight is shared.
 */
#ifndef PARTS_EXCHANGE_H
#define PARTS_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "request.h"

struct parts_front {
    struct parts_app *app;
    atomic_uint in_flight; /* requests begun and not yet answered to the last byte */
    atomic_bool draining;  /* answers ask clients to close their connections */
};

/* Callbacks for MHD; each takes a struct parts_front as its closure. */
void *parts_exchange_begin(void *front, const char *uri, struct MHD_Connection *connection);
enum MHD_Result parts_exchange_handle(void *front, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **context);
void parts_exchange_end(void *front, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode why);

#endif
