#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Benchmarks of one's own: limits from the rules and from --set on every statistic, of a real
# service; what is missed, what is met, and what has too few calls to tell.
#
# The limit is far above what a call takes that does not sleep, also on a busy machine.
. "$(dirname "$0")/lib/check.sh"

parts_init --parts 500 >"$TEST_DIR/init.log" 2>&1
# The usage of a part takes as long as the one row of `nap` says; a negative time is an error.
psql -qXv ON_ERROR_STOP=1 <<'SQL'
CREATE TABLE nap AS SELECT 0.0 AS seconds;
ALTER TABLE usage_history RENAME TO quick_history;
CREATE VIEW usage_history AS
SELECT h.*
FROM (SELECT pg_sleep(seconds * sign(sqrt(seconds))) FROM nap OFFSET 0) AS slept, quick_history AS h;
SQL
cat >"$TEST_DIR/rules.yml" <<'YAML'
version: 1
operations:
  - name: api.usage
    http: GET /parts/{part_id}/usage
    benchmark: {p95: 4s, errors: 1%}
  - name: api.get_part
    http: GET /parts/{part_id}
  - name: db.get_part
    sql: SELECT ... FROM parts AS p WHERE p.id = ?
YAML
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$TEST_DIR/rules.yml"
parts_login

# usage N SECONDS: N requests that take that long, one after the other; until they are counted.
requests=1 # the log-in
usage() {
    psql -qXc "UPDATE nap SET seconds = $2"
    for _ in $(seq "$1"); do
        parts_call GET /parts/2/usage >>"$TEST_DIR/codes"
    done
    requests=$((requests + $1))
    parts_await_requests "$SERVER_PID" "$requests"
}

# judge OPTION...: JSON of benchmarks in $TEST_DIR/b.json; its exit status in STATUS.
judge() {
    STATUS=0
    "$PERFSPY_CTL" benchmarks -p "$SERVER_PID" --json "$@" >"$TEST_DIR/b.json" 2>"$TEST_DIR/err" ||
        STATUS=$?
}

# verdict WHAT OPERATION STAT MET CALLS REASON: of the last judgement. MET is true, false or null.
verdict() {
    assert_eq "$1" "$4 $5 $6" "$(json "$TEST_DIR/b.json" \
        '.benchmarks[] | select(.operation == $o and .stat == $s) | "\(.met) \(.calls) \(.reason)"' \
        --arg o "$2" --arg s "$3")"
}

# ---- nothing, too little, enough -----------------------------------------------------------------

judge
assert_eq "no call is no miss" 0 "$STATUS"
verdict "and no data" api.usage p95 null 0 "no calls"

usage 18 0
judge
assert_eq "fast calls are no miss" 0 "$STATUS"
verdict "18 of them do not tell a p95" api.usage p95 null 18 "18 calls are too few for p95: it needs 20"
verdict "but the share of errors" api.usage errors true 18 null
assert_json "what was measured is told all the same" "$TEST_DIR/b.json" \
    '.benchmarks[] | select(.stat == "p95") | .value_ms > 0 and .calls_needed == 20'

judge --min-calls 10
verdict "unless 10 are enough" api.usage p95 true 18 null

usage 1 4.2
judge
assert_eq "one slow call of 19 says nothing of p95" 0 "$STATUS"
verdict "nor does its verdict" api.usage p95 null 19 "19 calls are too few for p95: it needs 20"

usage 1 0
judge
assert_eq "one slow call of 20 is within p95" 0 "$STATUS"
verdict "by 20 calls" api.usage p95 true 20 null

usage 1 4.2
judge
assert_eq "two of 21 are not" 1 "$STATUS"
assert_match "the miss has value, limit and calls" \
    '^p95 is [0-9.]+ s, limit 4 s, of 21 calls$' \
    "$(json "$TEST_DIR/b.json" '.benchmarks[0].reason')"
assert_json "the value is that of the slow ones" "$TEST_DIR/b.json" \
    '.benchmarks[0].value_ms >= 4200 / 1.011'
assert_json "the miss comes first and is counted" "$TEST_DIR/b.json" \
    '.benchmarks[0].met == false and .missed == 1 and .met == 1 and .no_data == 0'
"$PERFSPY_CTL" benchmarks -p "$SERVER_PID" >"$TEST_DIR/b.txt" || true
assert_match "the table names it" 'missed +api\.usage +p95 +[0-9.]+ s +4 s +21' \
    "$(cat "$TEST_DIR/b.txt")"

# ---- limits of one's own -------------------------------------------------------------------------

limits=()
for stat in mean p50 p90 p95 max; do
    limits+=(--set "api.usage=$stat:10m")
done
judge "${limits[@]}" --set usage=p99:1ms --set api.usage=p99.9:10us --set api.usage=errors:0%
assert_eq "a miss by --set is a miss" 1 "$STATUS"
assert_eq "every statistic can be limited" "errors max mean p50 p90 p95 p99 p99.9" \
    "$(json "$TEST_DIR/b.json" '.benchmarks[] | .stat' | sort | xargs)"
assert_json "--set replaces the limit of the rules" "$TEST_DIR/b.json" \
    '[.benchmarks[] | select(.stat == "p95" and .limit_ms == 600000 and .met)] | length == 1'
assert_match "a limit that every call exceeds is missed by few calls" \
    '^p99\.9 is [0-9.]+ s, limit 10 µs, of 21 calls, each of which took longer$' \
    "$(json "$TEST_DIR/b.json" '.benchmarks[] | select(.stat == "p99.9") | .reason')"

usage 1 -1
judge --set api.usage=errors:1% --set api.usage=10m
assert_match "the share of errors can be missed" '^error share is 4\.5 %, limit 1 %, of 22 calls$' \
    "$(json "$TEST_DIR/b.json" '.benchmarks[] | select(.stat == "errors") | .reason')"

parts_call GET /parts/7 >/dev/null
parts_await_requests "$SERVER_PID" $((requests + 1))
judge --set db.get_part=max:1us --set api.get_part=mean:10m --set api.usage=errors:50% --set usage=10m
assert_eq "statements have limits as well" 1 "$STATUS"
verdict "and requests that the rules gave none" api.get_part mean true 1 null

"$PERFSPY_CTL" stats api.usage -p "$SERVER_PID" --json >"$TEST_DIR/s.json"
assert_json "stats judges as benchmarks does" "$TEST_DIR/s.json" \
    '.operations[0].benchmark | .stat == "p95" and .met == false and .calls_needed == 20 and
     (.reason | startswith("p95 is "))'

# ---- mistakes ------------------------------------------------------------------------------------

judge --set api.usgae=p99:50ms
assert_eq "an operation that is not there is named" \
    '69 perfspy-ctl: --set: no operation is called "api.usgae"; did you mean api.usage?' \
    "$STATUS $(cat "$TEST_DIR/err")"
judge --set get_part=p99:50ms
assert_eq "a short name that may be two is refused" 64 "$STATUS"
for bad in api.usage api.usage=p98:1s api.usage=p99:1 api.usage=errors:5ms =p99:1s; do
    judge --set "$bad"
    assert_eq "--set $bad is a usage error" 64 "$STATUS"
done
judge --min-calls 0
assert_eq "--min-calls 0 is a usage error" 64 "$STATUS"
assert_eq "every request was answered, one by an error" "21 200 1 500" \
    "$(sort "$TEST_DIR/codes" | uniq -c | xargs)"
