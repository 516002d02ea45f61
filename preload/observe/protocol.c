/* SPDX-License-Identifier: MIT */
/*
 * The list of protocols. Pure.
 */
#include "observe/protocol.h"

static const struct spy_protocol *const protocols[] = {
    &spy_protocol_http1,
};

const struct spy_protocol *spy_protocol_of(const char *data, size_t n)
{
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
        if (protocols[i]->claims(data, n))
            return protocols[i];
    return NULL;
}

bool spy_protocol_begins(const char *data, size_t n)
{
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
        if (protocols[i]->begins(data, n))
            return true;
    return false;
}
