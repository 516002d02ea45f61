/* SPDX-License-Identifier: MIT */
/*
 * Authentication by bearer token (RFC 6750); see serve.h.
 */
#include "ctl/serve.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define REALM "Bearer realm=\"perfspy\""

/* The token in the header, or NULL where it is of another form. */
static const char *bearer_token(const char *authorization)
{
    if (strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    const char *token = authorization + 7;
    token += strspn(token, " ");
    return *token != '\0' && strlen(token) <= CTL_TOKEN_BYTES && strpbrk(token, " \t,") == NULL
               ? token
               : NULL;
}

static bool refuse(struct ctl_reply *reply, const char *challenge, const char *code,
                   const char *text)
{
    ctl_reply_error(reply, 401, code, NULL, "%s", text);
    reply->challenge = challenge;
    return false;
}

static bool hold_back(struct ctl_reply *reply, uint64_t wait_ns)
{
    unsigned wait_s = (unsigned)((wait_ns + CTL_SECOND_NS - 1) / CTL_SECOND_NS);
    ctl_reply_error(reply, 429, "too_many_failures", NULL,
                    "too many wrong tokens from this address; try again in %u s", wait_s);
    reply->retry_after_s = wait_s;
    return false;
}

/* A failure is a token that is not right; a request without any is none: it guesses nothing. */
static bool check_token(struct ctl_serve *serve, const struct ctl_request *request,
                        enum ctl_role *role, struct ctl_reply *reply)
{
    if (request->authorization == NULL)
        return refuse(reply, REALM, "unauthorised",
                      "a token is needed: Authorization: Bearer TOKEN");
    uint64_t now = ctl_clock_ns(CLOCK_MONOTONIC);
    uint64_t wait = ctl_throttle_wait_ns(&serve->throttle, request->client, now);
    if (wait > 0)
        return hold_back(reply, wait);
    const char *token = bearer_token(request->authorization);
    *role = token != NULL ? ctl_tokens_role(&serve->tokens, token, strlen(token)) : CTL_ROLE_NONE;
    if (*role != CTL_ROLE_NONE)
        return true;
    ctl_throttle_fail(&serve->throttle, request->client, now);
    return token != NULL ? refuse(reply, REALM ", error=\"invalid_token\"", "unauthorised",
                                  "the token is not known")
                         : refuse(reply, REALM ", error=\"invalid_request\"", "unauthorised",
                                  "not of the form Authorization: Bearer TOKEN");
}

bool ctl_serve_admit(struct ctl_serve *serve, const struct ctl_route *route,
                     const struct ctl_request *request, struct ctl_reply *reply)
{
    enum ctl_role role = CTL_ROLE_NONE;
    if (route->access == CTL_OPENABLE && serve->run->args->open_metrics)
        return true;
    if (!check_token(serve, request, &role, reply))
        return false;
    if (role == CTL_ROLE_SUPER_ADMIN)
        return true;
    ctl_reply_error(reply, 403, "forbidden", NULL,
                    "this is for super admins; the token is a reader's");
    reply->challenge = REALM ", error=\"insufficient_scope\"";
    return false;
}
