/* SPDX-License-Identifier: MIT */
/*
 * log.h: lines for the operator, on standard error.
 *
 * Any thread may call it. Each line is one write, so that lines of different threads do not mix.
 * Never pass passwords, tokens or bodies.
 */
#ifndef PARTS_LOG_H
#define PARTS_LOG_H

/* Writes "parts_server: MESSAGE\n"; a message longer than about 1000 bytes is cut. */
void parts_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
