/* SPDX-License-Identifier: MIT */
/*
 * main.c: where parts_server begins. It chooses what to do and turns results into exit codes.
 */
#include <stdio.h>
#include <sysexits.h>

#include "init.h"
#include "options.h"
#include "server.h"

#define PARTS_VERSION "1.0.0"

int main(int argc, char **argv)
{
    struct parts_options options;
    if (!parts_options_parse(argc, argv, &options)) {
        return EX_USAGE;
    }
    switch (options.mode) {
    case PARTS_MODE_HELP:
        parts_options_help();
        return 0;
    case PARTS_MODE_VERSION:
        puts("parts_server " PARTS_VERSION);
        return 0;
    case PARTS_MODE_INIT:
        return parts_init_run(&options);
    case PARTS_MODE_SERVE:
        break;
    }
    return parts_server_run(&options);
}
