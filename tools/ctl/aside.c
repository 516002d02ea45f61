/* SPDX-License-Identifier: MIT */
/*
 * See aside.h.
 */
#include "ctl/aside.h"

#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

void ctl_aside_open(struct ctl_aside *aside)
{
    *aside = (struct ctl_aside){0};
    aside->file = open_memstream(&aside->text, &aside->len);
    if (aside->file == NULL)
        exit(CTL_OSERR);
}

const char *ctl_aside_close(struct ctl_aside *aside)
{
    static const char name[] = CTL_NAME ": ";
    if (fclose(aside->file) != 0)
        exit(CTL_OSERR);
    aside->text[strcspn(aside->text, "\n")] = '\0';
    return strncmp(aside->text, name, sizeof(name) - 1) == 0 ? aside->text + sizeof(name) - 1
                                                             : aside->text;
}
