#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# needs: postgresql
#
# How much more memory a process touches with the library: one of 8 threads, each with a connection,
# that run 100 operations (operations.c). What is resident is read from /proc/PID/smaps_rollup while
# the process waits; the shared file that the statistics are in is part of it.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"

ready() {
    grep -q ready "$BENCH_DIR/ready"
}

# resident VARIANT: kB.
resident() {
    local pid
    as_variant "$1"
    : >"$BENCH_DIR/ready"
    mkfifo "$BENCH_DIR/leave"
    env "${VARIANT_ENV[@]}" "$BUILD/bench/operations" 8 100 <"$BENCH_DIR/leave" >"$BENCH_DIR/ready" &
    pid=$!
    exec {leave}>"$BENCH_DIR/leave"
    wait_for 15 ready
    awk '/^Rss:/ { print $2 }' "/proc/$pid/smaps_rollup"
    exec {leave}>&-
    wait "$pid"
    rm "$BENCH_DIR/leave"
}

for ((round = 1; round <= $(at_most 5); round++)); do
    in_turn "$round" bare watched
    for variant in "${TURN[@]}"; do
        sample "memory.$variant" "$(resident "$variant")"
    done
done
