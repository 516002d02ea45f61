#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Several statements in one text: each is counted as what it was, whether the program saw its result
# or not.
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/wants.sh
. "$(dirname "$0")/lib/wants.sh"

watch_wants batch "$BUILD/victims/batch" "dbname=$PGDATABASE"

# ---- a libpq that calls its own functions unseen ---------------------------------------------

watch_wants symbolic env LD_LIBRARY_PATH="$BUILD/victims/symbolic" "$BUILD/victims/batch" \
    "dbname=$PGDATABASE" unseen
