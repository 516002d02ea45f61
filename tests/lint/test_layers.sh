#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The layer check finds each kind of trespass, and lets a clean tree pass. Every case is one file
# added to a small tree of its own.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$tree"/{preload/{hooks,observe,classify,record,publish,runtime,shared},tools/ctl,parts_app}

# case_of FILE TEXT: the verdict on the tree with that file in it.
case_of() {
    echo "$2" >"$tree/$1"
    verdict check-layers.sh
    rm "$tree/$1"
}

# refuses WHAT FILE TEXT MESSAGE
refuses() {
    assert_refused "$1" "$4" "$(case_of "$2" "$3")"
}

accepts() {
    assert_eq "accepted: $1" passed "$(case_of "$2" "$3")"
}

accepts 'a clean file' preload/hooks/a.c '#include <stdio.h>
#include <libpq-fe.h>
#include "hooks/hooks.h"
#include "observe/observe.h"'
accepts 'the composition root knows all' preload/perfspy.c '#include "publish/publish.h"'
accepts 'a tool and what it shares' tools/ctl/a.c '#include "shared/region.h"
#include "ctl/table.h"
#include <jansson.h>'
accepts 'the service and its own' parts_app/a.c '#include "db.h"
#include <libpq-fe.h>'
accepts 'libyaml in the rules parser' preload/shared/rules_yaml.c '#include <yaml.h>'

refuses 'a call up' preload/record/a.c '#include "observe/conn.h"' \
    '^preload/record/a.c:1: "observe/conn.h": preload/record may include .* shared runtime$'
refuses 'a layer skipped' preload/hooks/a.c '#include "record/shard.h"' 'observe runtime$'
refuses 'shared is a leaf' preload/shared/a.c '#include "runtime/clock.h"' 'its own files only$'
refuses 'a tool that reaches into the library' tools/ctl/a.c '#include "record/shard.h"' \
    'tools/ctl may include its own files and those of shared'
refuses 'the service including the library' parts_app/a.c '#include "shared/region.h"' \
    'parts_app may include its own files only'
refuses 'a way around by dots' preload/record/a.c '#include "../observe/conn.h"' 'without ".."'
refuses 'a name without its folder' preload/record/a.c '#include "shard.h"' '"record/shard.h"'
refuses 'a library in the wrong place' preload/record/a.c '#  include <yaml.h>' \
    '<yaml.h>: only for preload/shared/rules'
refuses 'libpq below the hooks' preload/record/a.c '#include <libpq-fe.h>' 'only for'
refuses 'a library nobody knows' preload/record/a.c '#include <glib.h>' 'no header of libc'
refuses 'the service naming the library' parts_app/a.c '/* as PerfSpy sees it */' \
    'must know nothing of perfspy'
refuses 'the same in its documentation' parts_app/README.md 'LD_PRELOAD=x' 'take the lines'

mkdir "$tree/preload/extra"
refuses 'a folder without a row' preload/extra/a.c '#include <stdio.h>' 'preload/extra/ has no row'
