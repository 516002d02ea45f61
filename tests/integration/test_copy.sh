#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# COPY: rows, bytes, errors and times, by both of libpq's interfaces to it.
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/wants.sh
. "$(dirname "$0")/lib/wants.sh"

watch_wants copy "$BUILD/victims/copy" "dbname=$PGDATABASE"

# ---- a libpq that calls its own functions unseen ---------------------------------------------

watch_wants symbolic env LD_LIBRARY_PATH="$BUILD/victims/symbolic" "$BUILD/victims/copy" \
    "dbname=$PGDATABASE" unseen
