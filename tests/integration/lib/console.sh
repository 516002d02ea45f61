# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Drives tests/victims/console.c. Needs check.sh.

# console_start [NAME=VALUE...]: starts it, watched; sets CONSOLE, its process.
console_start() {
    mkfifo "$TEST_DIR/console.in" "$TEST_DIR/console.out"
    env LD_PRELOAD="$PERFSPY_PRELOAD" "$@" "$BUILD/victims/console" \
        <"$TEST_DIR/console.in" >"$TEST_DIR/console.out" &
    CONSOLE=$!
    exec 8>"$TEST_DIR/console.in" 7<"$TEST_DIR/console.out"
    on_exit kill "$CONSOLE"
    read -r -t 60 -u 7
}

# tell LINE: has it do that; its answer is in TOLD.
tell() {
    echo "$1" >&8
    # shellcheck disable=SC2034 # for the caller
    read -r -t 120 -u 7 TOLD
}

# shellcheck disable=SC2016
CONSOLE_CALLS='[.operations[] | select(.operation == $name or
    (.statement == $name and (.mapped | not))) | .calls] | add // 0'

# console_calls NAME: how many calls there are of the operation NAME, or of the statement NAME under
# no rule.
console_calls() {
    "$PERFSPY_CTL" stats -p "$CONSOLE" --json | jq --arg name "$1" "$CONSOLE_CALLS"
}
