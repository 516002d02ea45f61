#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Several attach to one process at once: one of them does, the others are told that somebody has, or
# who is at it; and the process is watched once.
# time limit: 300
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
gate=$TEST_DIR/gate
dsn="dbname=$PGDATABASE"
one='select ?, generate_series(?, ?)'
LOSES="is being traced by process [0-9]+|is watched already"
printf 'version: 1\noperations:\n  - name: second\n    sql: "SELECT ?, generate_series(?, ?)"\n' >"$TEST_DIR/second.yml"

declare -A TOOLS # process ids

# in_background NAME COMMAND...: until ended().
in_background() {
    "${@:2}" >"$TEST_DIR/said.$1" 2>&1 &
    TOOLS[$1]=$!
}

# ended NAME: waits for it. SAID is its status, a colon, and what it said.
ended() {
    local status=0
    wait "${TOOLS[$1]}" || status=$?
    SAID="$status: $(<"$TEST_DIR/said.$1")"
}

threads_of_ours() {
    grep -lsx perfspy "/proc/$VICTIM"/task/*/comm | wc -l
}

one_thread_of_ours() {
    [ "$(threads_of_ours)" = 1 ]
}

# Its preparations over, there is one helper, one record, and each statement is counted once.
watched_once() {
    check "$1: one thread of ours" wait_for 30 one_thread_of_ours
    assert_eq "$1: one record" 1 "$("$PERFSPY_CTL" ps --json | jq --argjson pid "$VICTIM" \
        '[.processes[] | select(.pid == $pid)] | length')"
}

counted_once() {
    local before
    before=$(calls_of "$one")
    tell 'exec 5'
    assert_eq "$1: each statement is counted once" $((before + 5)) "$(calls_of "$one")"
}

begin "$victims/joined-now" "$dsn"
attach_first
detach >/dev/null

# ---- three at the same time -------------------------------------------------------------------

won=0 lost=0 wrong=''
for ((round = 0; round < 8; round++)); do
    for tool in a b c; do
        in_background "$tool" attach
    done
    for tool in a b c; do
        ended "$tool"
        if [[ $SAID = 0:* ]]; then
            won=$((won + 1))
        elif [[ $SAID = 77:* && $SAID =~ $LOSES ]]; then
            lost=$((lost + 1))
        else
            wrong+=$SAID$'\n'
        fi
    done
    [ $round -lt 7 ] || break
    detach >/dev/null
done
assert_eq "at once: one attaches each time, the others are told why not" "8 16 " "$won $lost $wrong"
watched_once "at once"
counted_once "at once"
check "at once: detach" detach
check "at once: attach again" attach
counted_once "at once, again"
ends_well "at once"

if ! "$victims/gate" openat perfspy "$gate" true 2>/dev/null; then
    skip "one after the other" "seccomp asks nobody here"
    exit 0
fi

# ---- one comes first, after the other has looked whether anybody has -----------------------------

begin "$victims/joined-now" "$dsn"
touch "$gate"
in_background b "$victims/gate" setitimer perfspy-ctl "$gate" "$PERFSPY_CTL" attach "$VICTIM" --timeout 60s \
    --rules "$TEST_DIR/second.yml"
wait_for 30 test -e "$gate.held"
check "first and second: the first attaches" attach
rm "$gate" "$gate.held"
ended b
assert_match "first and second: the second does not" '^77: .*somebody else has attached .* is watched already' "$SAID"
watched_once "first and second"
counted_once "first and second"
assert_eq "first and second: by no rules of the second's" 0 "$(calls_of second)"
check "first and second: detach" detach
ends_well "first and second"

# ---- while the library is being loaded ---------------------------------------------------------

# begin_held COMMAND...: attached to by `a`, whose thread loads the library, as far as to a call of that.
begin_held() {
    local name
    name=$(basename "$1")
    begin "$victims/gate" openat "${name:0:15}" "$gate" "$@"
    touch "$gate"
    in_background a attach --force --timeout 60s
    wait_for 30 test -e "$gate.held"
}

begin_held "$victims/joined-now" "$dsn"
says "loading: the second does not attach" 77 "is being traced by process $(pgrep -P "${TOOLS[a]}")" attach --force
rm "$gate" "$gate.held"
ended a
assert_match "loading: the first does" '^0: ' "$SAID"
watched_once "loading"
counted_once "loading"
check "loading: detach" detach
ends_well "loading"

# Each has a thread to itself, unless the first has taken the main one: then the second does not try.
begin_held "$victims/attached" wait sleep sleep
in_background b attach --force --timeout 60s
both_at_it() {
    [ "$(grep -hs '^TracerPid:' "/proc/$VICTIM"/task/*/status | grep -vc '[^0-9]0$')" = 2 ] || ! running "${TOOLS[b]}"
}
wait_for 30 both_at_it
rm "$gate" "$gate.held"
ended a
first=$SAID
ended b
assert_match "two threads: one attaches" '^(0 77|77 0)$' "${first%%:*} ${SAID%%:*}"
assert_match "two threads: the other is told" "$LOSES" "$first $SAID"
watched_once "two threads"
check "two threads: detach" detach
kill "$VICTIM"
ends_well "two threads"
