#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The whole product at work: the parts service on a private PostgreSQL, watched by perfspy, driven
# over all its endpoints by parts-validate for some ten seconds, and what perfspy-ctl then has to say.
# Everything that is started is stopped and removed again, on Ctrl-C too. A missed benchmark is part
# of the show; anything that breaks makes the demo fail.
#
#   BUILD=build demo.sh        DEMO_REQUESTS=750 (of each scenario)
set -Eeuo pipefail

cd "$(dirname "$(readlink -f "$0")")/../.."
# shellcheck source=tests/integration/lib/run.sh
. tests/integration/lib/run.sh
# shellcheck source=tests/integration/lib/parts.sh
. tests/integration/lib/parts.sh

requests=${DEMO_REQUESTS:-750}

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

row_is_locked() {
    [ -n "$(psql -XAtc "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")" ]
}

# A part that nothing else looks at, so that what is told of the others stays true.
make_part() {
    expect 201 POST /parts/ '{"part_number": "DEMO-1", "name": "Demo part", "part_type": "tool"}'
    part=$(jq -er .id "$TEST_DIR/body")
}

# Somebody holds its row for a good second: the update that waits is what the reports find.
meet_a_lock() {
    local locker body
    psql -qX >/dev/null <<<"BEGIN; SELECT FROM parts WHERE id = $part FOR UPDATE;
        SELECT pg_sleep(1.3); ROLLBACK;" &
    locker=$!
    wait_for 5 row_is_locked || die "the row was not locked"
    expect 200 GET "/parts/$part"
    body=$(cat "$TEST_DIR/body")
    expect 200 PUT "/parts/$part" "$body"
    wait "$locker"
}

# What perfspy-ctl shows anyway is left out of its report: the tables of operations and benchmarks.
show_report() {
    awk -v RS= '!/^(OPERATION|BENCHMARK)/ { printf "%s%s\n", (NR > 1 ? "\n" : ""), $0 }' \
        "$TEST_DIR/report.txt"
}

drive() {
    local validator status=0
    make_part
    "$BUILD/parts-validate" --url "$SERVER_URL" --rules rules/parts.yml --concurrency 8 \
        --requests "$requests" --output "$TEST_DIR/report.txt" --output "$TEST_DIR/report.json" \
        >"$TEST_DIR/verdict" &
    validator=$!
    meet_a_lock
    wait "$validator" || status=$?
    [ "$status" -le 1 ] || die "parts-validate ended with status $status"
    expect 204 DELETE "/parts/$part"
    show_report
    jq -e '[.scenarios[].result == "passed"] | all' "$TEST_DIR/report.json" >/dev/null ||
        die "the service answered wrongly; see above"
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
parts_init

heading 'LD_PRELOAD=libperfspy.so PERFSPY_RULES=rules/parts.yml parts_server'
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES=rules/parts.yml
cat "$SERVER_LOG"
parts_login

heading "parts-validate --url $SERVER_URL --concurrency 8 --requests $requests; and one update that meets a lock"
drive

# By its process id: this machine may have other watched processes.
for command in ps stats health benchmarks slow; do
    show "$command" -p "$SERVER_PID"
done

running "$SERVER_PID" || die "the service did not survive: $(cat "$SERVER_LOG")"
stop_process "$SERVER_PID" || die "the service ended with status $?: $(cat "$SERVER_LOG")"
heading 'Done; nothing is left running'
