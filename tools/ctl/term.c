/* SPDX-License-Identifier: MIT */
/*
 * Terminal properties and colours; see term.h. https://no-color.org for NO_COLOR.
 */
#include "ctl/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FALLBACK_WIDTH 80u

static unsigned width_of(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    unsigned long given = columns != NULL ? strtoul(columns, NULL, 10) : 0;
    return given > 0 && given < 10000 ? (unsigned)given : FALLBACK_WIDTH;
}

static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (no_color != NULL && *no_color != '\0')
        return false;
    return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

struct ctl_term ctl_term_of(FILE *out)
{
    struct ctl_term term = {0};
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd))
        return term;
    term.is_terminal = true;
    term.colour = wants_colour();
    term.width = width_of(fd);
    return term;
}

void ctl_paint(FILE *out, const struct ctl_term *term, enum ctl_paint paint, const char *text)
{
    static const char *const codes[] = {
        [CTL_PLAIN] = "",  [CTL_HEADING] = "1", [CTL_QUIET] = "2",    [CTL_GOOD] = "32",
        [CTL_WARN] = "33", [CTL_BAD] = "31",    [CTL_WORST] = "1;31",
    };
    if (!term->colour || paint == CTL_PLAIN)
        fputs(text, out);
    else
        fprintf(out, "\033[%sm%s\033[0m", codes[paint], text);
}
