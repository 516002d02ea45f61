#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Statements sent asynchronously: counted as what they were, and timed from the moment when they
# were sent to the ones at which the program had their first result and the last.
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/wants.sh
. "$(dirname "$0")/lib/wants.sh"

watch_wants async "$BUILD/victims/async" "dbname=$PGDATABASE"

# ---- a libpq that calls its own functions unseen ---------------------------------------------

watch_wants symbolic env LD_LIBRARY_PATH="$BUILD/victims/symbolic" "$BUILD/victims/async" \
    "dbname=$PGDATABASE" unseen
