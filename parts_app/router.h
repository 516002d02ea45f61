/* SPDX-License-Identifier: MIT */
/*
 * router.h: from method and path to the handler.
 */
#ifndef PARTS_ROUTER_H
#define PARTS_ROUTER_H

#include "request.h"

/* Answers REQUEST: its reply is filled whatever happens. */
void parts_route(struct parts_request *request);

#endif
