/* SPDX-License-Identifier: MIT */
/*
 * handlers.h: one function for each resource and method. Each fills request->reply.
 *
 * The router has checked path, method, bearer token and the names of the URL parameters.
 */
#ifndef PARTS_HANDLERS_H
#define PARTS_HANDLERS_H

#include "request.h"

/* handlers_list.c */
void parts_handle_list(struct parts_request *request);
void parts_handle_by_type(struct parts_request *request);
void parts_handle_search(struct parts_request *request);
void parts_handle_with_inventory(struct parts_request *request);
void parts_handle_search_with_inventory(struct parts_request *request);
void parts_handle_reorder(struct parts_request *request);

/* handlers_part.c */
void parts_handle_get(struct parts_request *request);
void parts_handle_usage(struct parts_request *request);
void parts_handle_create(struct parts_request *request);
void parts_handle_update(struct parts_request *request);
void parts_handle_delete(struct parts_request *request);

/* handlers_service.c */
void parts_handle_token(struct parts_request *request);
void parts_handle_health(struct parts_request *request);

#endif
