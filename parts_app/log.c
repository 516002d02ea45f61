/* SPDX-License-Identifier: MIT */
/*
 * log.c: lines for the operator, on standard error. See log.h for the contract.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void parts_log(const char *format, ...)
{
    char line[1024] = "parts_server: ";
    size_t prefix = strlen(line);
    size_t room = sizeof line - prefix - 1; /* one byte stays free for the newline */

    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line + prefix, room, format, args);
    va_end(args);
    if (wanted < 0) {
        return;
    }
    size_t length = prefix + ((size_t)wanted < room ? (size_t)wanted : room - 1);
    /* libpq ends its messages with a newline of its own. */
    while (length > prefix && line[length - 1] == '\n') {
        length--;
    }
    /* Its longer messages have several lines; here a message is one line. */
    for (size_t i = prefix; i < length; i++) {
        if (line[i] == '\n') {
            line[i] = ' ';
        }
    }
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* with standard error gone there is nobody left to tell */
}
