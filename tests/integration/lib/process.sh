# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Starting, awaiting and stopping processes, for the tests and the demo. What a script starts here
# is stopped when the script ends, in reverse order.

# How many times as long as wait_for is told it waits for what should come: a busy machine can take
# long over anything, and waiting costs nothing where it comes. Everything takes longer still under a
# sanitizer.
PATIENCE=$([ -n "${SAN:-}" ] && echo 12 || echo 4)

CLEANUPS=()
SERVERS=0

# on_exit COMMAND...: runs it when the script ends, the last one given first.
on_exit() {
    local quoted
    printf -v quoted '%q ' "$@"
    CLEANUPS=("$quoted" "${CLEANUPS[@]}")
}

run_cleanups() {
    local command
    for command in "${CLEANUPS[@]}"; do
        eval "$command" || true
    done
    CLEANUPS=()
}

# wait_for SECONDS COMMAND...: repeats COMMAND until it succeeds; returns 1 after SECONDS (times
# PATIENCE).
wait_for() {
    local deadline=$((${EPOCHREALTIME/./} + $1 * PATIENCE * 1000000))
    shift
    until "$@"; do
        [ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
        sleep 0.02
    done
}

# process_field PID N: field N of /proc/PID/stat, counted from 1 (3 the state, 22 the start in clock
# ticks since boot); nothing if there is no such process.
process_field() {
    local stat=() fields
    { mapfile -d '' stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    # The command's name, field 2, is in parentheses and may hold anything, parentheses too.
    read -ra fields <<<"${stat[0]+"${stat[0]##*) }"}"
    echo "${fields[$2 - 3]:-}"
}

running() {
    kill -0 "$1" 2>/dev/null
}

listening_or_dead() {
    grep -qs 'listening on ' "$SERVER_LOG" || ! running "$SERVER_PID"
}

# start_server [NAME=VALUE...] COMMAND...: starts a server that says `listening on HOST:PORT` on
# standard error, and waits until it has. Sets SERVER_PID, SERVER_LOG and SERVER_URL; copy them
# before starting a second one.
start_server() {
    SERVERS=$((SERVERS + 1))
    SERVER_LOG=$TEST_DIR/server-$SERVERS.log
    env "$@" </dev/null >"$SERVER_LOG" 2>&1 &
    SERVER_PID=$!
    on_exit stop_process "$SERVER_PID"
    wait_for 30 listening_or_dead || true
    SERVER_URL=$(sed -n 's|.*listening on \([^ ]*:[0-9]*\).*|http://\1|p' "$SERVER_LOG" | head -n 1)
    if [ -z "$SERVER_URL" ] || ! running "$SERVER_PID"; then
        echo "the server did not come up: $*" >&2
        sed 's/^/    /' "$SERVER_LOG" >&2
        return 1
    fi
}

# start_go_server LOG COMMAND...: starts a server of Prometheus' family, told to listen at port 0, in
# the background. Sets GO_SERVER, HOST:PORT where it listens. (A port that is looked for beforehand may
# be somebody else's by the time that it is bound.)
start_go_server() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 &
    on_exit stop_process "$!"
    wait_for 30 grep -qs 'msg="Listening on" address=' "$log" || cat "$log"
    GO_SERVER=$(sed -n 's/.*msg="Listening on" address=//p' "$log")
    [ -n "$GO_SERVER" ]
}

# stop_process PID [SIGNAL]: asks a child of this script to end, after 15 seconds (times PATIENCE)
# forces it, and returns its exit status (128 + the signal's number where a signal ended it).
stop_process() {
    local status=0
    kill -s "${2:-TERM}" "$1" 2>/dev/null || true
    if ! wait_for 15 process_ended "$1"; then
        echo "process $1 ignored SIG${2:-TERM} for $((15 * PATIENCE)) seconds; killed" >&2
        kill -s KILL "$1" 2>/dev/null || true
    fi
    wait "$1" 2>/dev/null || status=$?
    return "$status"
}

# Ended, but perhaps not yet waited for.
process_ended() {
    local state
    state=$(process_field "$1" 3)
    [ -z "$state" ] || [ "$state" = Z ]
}
