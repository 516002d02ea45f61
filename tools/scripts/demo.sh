#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The whole product at work: the parts service on a private PostgreSQL, watched by perfspy, driven
# over all its endpoints for ten seconds, and what perfspy-ctl then has to say. Everything that is
# started is stopped and removed again, on Ctrl-C too. A missed benchmark is part of the show;
# anything that breaks makes the demo fail.
#
#   BUILD=build demo.sh        DEMO_SECONDS=10
set -Eeuo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
# shellcheck source=tests/integration/lib/run.sh
. tests/integration/lib/run.sh
# shellcheck source=tests/integration/lib/parts.sh
. tests/integration/lib/parts.sh

seconds=${DEMO_SECONDS:-10}

if [ -t 1 ]; then
    bold=$'\e[1m' plain=$'\e[0m'
else
    bold='' plain=''
fi

heading() {
    printf '\n%s== %s%s\n' "$bold" "$1" "$plain"
}

die() {
    echo "demo: $*" >&2
    exit 1
}

# expect STATUS METHOD PATH [JSON]
expect() {
    local got
    got=$(parts_call "${@:2}")
    [ "$got" = "$1" ] || die "$2 $3 gave $got, not $1: $(cat "$TEST_DIR/body")"
}

# A part's whole life, with the mistakes that clients make.
write_once() {
    local number=DEMO-$1 id
    local part='{"part_number": "'$number'", "name": "Demo part", "part_type": "tool"}'
    expect 201 POST /parts/ "$part"
    id=$(jq -er .id "$TEST_DIR/body")
    expect 409 POST /parts/ "$part"
    expect 422 POST /parts/ '{"part_number": "'"$number"'"}'
    expect 200 PUT "/parts/$id" "${part/Demo part/Changed part}"
    expect 200 GET "/parts/$id"
    expect 204 DELETE "/parts/$id"
    expect 404 GET "/parts/$id"
    expect 422 GET "/parts/?limit=0"
}

row_is_locked() {
    [ -n "$(psql -XAtc "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")" ]
}

# Somebody holds a row for a good second: the update that waits for it is what the reports find.
meet_a_lock() {
    local locker part
    psql -qX >/dev/null <<<'BEGIN; SELECT FROM parts WHERE id = 2 FOR UPDATE;
        SELECT pg_sleep(1.3); ROLLBACK;' &
    locker=$!
    wait_for 5 row_is_locked || die "the row was not locked"
    expect 200 GET /parts/2
    part=$(cat "$TEST_DIR/body")
    expect 200 PUT /parts/2 "$part"
    wait "$locker"
}

# The readers are wrk, as fast as eight of them can; the writer is curl, one request at a time.
drive() {
    local readers round=0 served
    wrk --threads 1 --connections 8 --duration "$seconds" --script tools/scripts/demo.lua \
        "$SERVER_URL" -- "$PARTS_TOKEN" >"$TEST_DIR/wrk" 2>&1 &
    readers=$!
    meet_a_lock
    while running "$readers"; do
        round=$((round + 1))
        write_once "$round"
    done
    wait "$readers" || die "wrk failed: $(cat "$TEST_DIR/wrk")"
    ! grep -E 'Socket errors|Non-2xx' "$TEST_DIR/wrk" || die "requests failed under load"
    served=$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' "$TEST_DIR/wrk")
    [ "${served:-0}" -gt 0 ] || die "wrk got no answer: $(cat "$TEST_DIR/wrk")"
    echo "$served reads by wrk, $((round * 8)) writes and mistakes by curl, and one update that met a lock"
}

# Some commands say by their exit status what they found (health: up to 3, benchmarks: 1 on a
# miss); from 64 on they could not do their work.
show() {
    local status=0
    heading "perfspy-ctl $*"
    "$PERFSPY_CTL" "$@" || status=$?
    [ "$status" -lt 64 ] || die "perfspy-ctl $* ended with status $status"
}

run_begin
# shellcheck disable=SC2034 # process.sh puts logs there
TEST_DIR=$RUN_DIR
export PERFSPY_DIR=$RUN_DIR/perfspy

heading 'A private PostgreSQL, and a catalogue of 10,000 parts'
pg_start "$RUN_DIR/pg"
psql -qXc 'CREATE DATABASE parts'
export PGDATABASE=parts
# shellcheck disable=SC2119 # no options: the default catalogue
parts_init

heading 'LD_PRELOAD=libperfspy.so PERFSPY_RULES=rules/parts.yml parts_server'
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES=rules/parts.yml
cat "$SERVER_LOG"
parts_login

heading "All endpoints, for $seconds seconds"
drive

# By its process id: this machine may have other watched processes.
for command in ps stats health benchmarks slow; do
    show "$command" -p "$SERVER_PID"
done

running "$SERVER_PID" || die "the service did not survive: $(cat "$SERVER_LOG")"
stop_process "$SERVER_PID" || die "the service ended with status $?: $(cat "$SERVER_LOG")"
heading 'Done; nothing is left running'
