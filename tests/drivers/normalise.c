/* SPDX-License-Identifier: MIT */
/*
 * Statements as perfspy-ctl shows them: NUL-terminated texts from standard input, normalised by the
 * library's own code, to standard output. A text as long as the library cuts is cut alike.
 */
#include "classify/optable.h"
#include "shared/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *text = NULL, normal[SPY_STATEMENT_BYTES];
    size_t room = 0;
    while (getdelim(&text, &room, '\0', stdin) >= 0) {
        struct spy_sql_normal n = spy_sql_normalise(text, strlen(text), normal, sizeof(normal));
        fwrite(normal, 1, n.len, stdout);
        putchar('\0');
    }
    free(text);
    return ferror(stdin) || fflush(stdout) == EOF;
}
