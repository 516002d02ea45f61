#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Pipelines: each statement is a call of its own, and its time in the queue, at the server and in
# the program's hands are told apart; those that were never executed are counted as such.
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/wants.sh
. "$(dirname "$0")/lib/wants.sh"

watch_wants pipeline "$BUILD/victims/pipeline" "dbname=$PGDATABASE"
watch_wants ends "$BUILD/victims/pipeline_ends" "dbname=$PGDATABASE" 0 0

# ---- a libpq that calls its own functions unseen ---------------------------------------------

watch_wants symbolic env LD_LIBRARY_PATH="$BUILD/victims/symbolic" "$BUILD/victims/pipeline" \
    "dbname=$PGDATABASE"
watch_wants symbolic_ends env LD_LIBRARY_PATH="$BUILD/victims/symbolic" \
    "$BUILD/victims/pipeline_ends" "dbname=$PGDATABASE" 0 0

# ---- more than can be kept account of --------------------------------------------------------

room=$(sed -n 's/^#define SPY_FLIGHTS_MAX \([0-9]*\)u$/\1/p' preload/observe/flight.h)
known=$((room + 1)) # and the one that each connection has room for
watch_wants flood "$BUILD/victims/pipeline_ends" "dbname=$PGDATABASE" 50000 "$known"
assert_match "what was not timed is counted" "$((50000 - known)) statements not timed" \
    "$("$PERFSPY_CTL" ps 2>&1 | tr -d ,)"
