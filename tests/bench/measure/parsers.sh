#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The two parts of the library that read what the program sends, by themselves: see bench_http1.c and
# bench_sql.c.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"

"${PIN[@]}" "$BUILD/bench/bench_http1"
"${PIN[@]}" "$BUILD/bench/bench_sql"
