/* SPDX-License-Identifier: MIT */
/*
 * Endpoints as readers see them; see endpoint.h.
 */
#include "shared/endpoint.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(((struct spy_endpoint *)NULL)->host) +
                       sizeof(((struct spy_endpoint *)NULL)->port) + sizeof("[]:") <=
                   SPY_ENDPOINT_ADDRESS_BYTES,
               "an address may be longer than its buffer");

const struct spy_endpoint *spy_endpoint_at(const struct spy_region *region, uint32_t row)
{
    if (row == 0 || row >= SPY_ENDPOINTS)
        return NULL;
    const struct spy_endpoint *endpoint = spy_region_section(region, SPY_SECTION_ENDPOINTS);
    endpoint += row;
    uint32_t state = atomic_load_explicit(&endpoint->state, memory_order_acquire);
    return (state & SPY_ENDPOINT_STATE_MASK) == SPY_ENDPOINT_READY ? endpoint : NULL;
}

char *spy_endpoint_address(char out[SPY_ENDPOINT_ADDRESS_BYTES], const char *host, const char *port)
{
    bool bare = strchr(host, ':') == NULL || host[0] == '/';
    snprintf(out, SPY_ENDPOINT_ADDRESS_BYTES, "%s%s%s%s%s", bare ? "" : "[", host, bare ? "" : "]",
             *port != '\0' ? ":" : "", port);
    return out;
}
