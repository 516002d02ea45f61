#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# 100,000 connections open at one time in one process, each with a request now and one later: all of
# them are followed, at any descriptor number.
. "$(dirname "$0")/lib/check.sh"

want=100000
high=201000 # the victim uses some numbers from 200,000 on
stats=$TEST_DIR/stats.json
many=$BUILD/victims/many

# Both processes need as many descriptors, and some to live.
ulimit -Hn "$high" 2>/dev/null || true
limit=$(ulimit -Hn)
count=$want
if [ "$limit" != unlimited ] && [ "$limit" -lt $((want + 100)) ]; then
    skip "$want connections" "a process may have $limit descriptors here, and the limit cannot be raised"
    count=$((limit - 100))
fi

exchanged() {
    [ "$(grep -c exchanged "$TEST_DIR/client.out")" = "$1" ]
}

# counted TIMES: all that were made so far are counted, and nothing was given up.
counted() {
    "$PERFSPY_CTL" stats -p "$server" --json >"$stats"
    assert_eq "$count connections: $1 requests on each are counted" "$((count * $1)) 0" \
        "$(json "$stats" '.operations[] | select(.operation == "GET /many") | "\(.calls) \(.aborted)"')"
}

LD_PRELOAD=$PERFSPY_PRELOAD "$many" server "$TEST_DIR/s" >"$TEST_DIR/server.out" 2>&1 &
server=$!
on_exit stop_process "$server"
wait_for 15 grep -q ready "$TEST_DIR/server.out"
mkfifo "$TEST_DIR/tell"
"$many" client "$TEST_DIR/s" "$count" <"$TEST_DIR/tell" >"$TEST_DIR/client.out" 2>&1 &
client=$!
on_exit stop_process "$client"
exec 8>"$TEST_DIR/tell"
wait_for 60 exchanged 1
counted 1
echo >&8
wait_for 60 exchanged 2
counted 2
"$PERFSPY_CTL" ps -p "$server" --json >"$TEST_DIR/ps.json"
assert_eq "and none was left out" "0 0 0" "$(json "$TEST_DIR/ps.json" '.processes[0].self |
    "\(.streams_full) \(.fd_too_high) \(.streams_lost)"')"
exec 8>&-
status=0
wait "$client" || status=$?
assert_eq "the client got every response" 0 "$status"
