#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `sample: 1/N` in the rules: every call is counted, one of each N is timed, and whoever tells of
# them says so; asynchronous calls, failures, a call that hangs, reloads.
. "$(dirname "$0")/lib/check.sh"

rules=$TEST_DIR/rules.yml
stats=$TEST_DIR/stats.json

cat >"$rules" <<'YAML'
version: 1
operations:
  - name: hot
    sql: SELECT 1 AS hot
    sample: 1/16
    benchmark: {p99: 10s, errors: 1%}
  - name: whole
    sql: SELECT pg_sleep(0.0002)
  - name: broken
    sql: SELECT 1 / 0
    sample: 1/8
  - name: hangs
    sql: SELECT pg_sleep(1000) AS hangs
    sample: 1/1024
YAML

# asks COMMAND PID ARGUMENT...: its JSON into $stats.
asks() {
    "$PERFSPY_CTL" "$1" -p "$2" --json "${@:3}" >"$stats" 2>/dev/null
}

# tells WHAT OPERATION FILTER: the filter is true of the operation in $stats.
tells() {
    assert_json "$1" "$stats" ".operations[] | select(.operation == \"$2\") | $3"
}

# tell WORDS...: a line for the program, and its answer.
tell() {
    echo "$*" >&8
    read -r -t 60 answer <&9
    [ "$answer" = "done $*" ]
}

start_hot() {
    mkfifo "$TEST_DIR/to" "$TEST_DIR/from"
    PERFSPY_RULES=$rules LD_PRELOAD=$PERFSPY_PRELOAD "$BUILD/victims/hot" '' \
        <"$TEST_DIR/to" >"$TEST_DIR/from" &
    hot=$!
    exec 8>"$TEST_DIR/to" 9<"$TEST_DIR/from"
    read -r -t 60 answer <&9
}

# ---- synchronous ------------------------------------------------------------------------------

start_hot
tell query 16007
tell sleep 50
asks stats "$hot"
tells 'every call is counted' hot '.calls == 16007 and .errors == 0 and .rows == 16007'
tells 'one of each sixteen is timed' hot '.timed == 1000 or .timed == 1001'
tells 'and by which rule' hot '.sampled == 16'
tells 'levels are of all calls' hot '([.levels[]] | add) == .calls'
tells 'as are times' hot '.p99_ms > 0 and .max_ms >= .p99_ms and .mean_ms > 0'
tells 'others are timed always' whole '.calls == 50 and .timed == 50 and .sampled == null'
"$PERFSPY_CTL" stats -p "$hot" >"$TEST_DIR/table"
assert_match 'the table marks it' 'hot ~ +16,007 ' "$(<"$TEST_DIR/table")"
assert_match 'and says why' '^~ sampled .* estimated from 1,00[01] of 16,007 calls' \
    "$(grep '^~' "$TEST_DIR/table")"
assert_match 'so does health' 'sampled \(hot\): 1,00[01] of 16,007 calls were timed' \
    "$("$PERFSPY_CTL" health -p "$hot")"
assert_match 'and the long form' 'timed +1,00[01] +sampled' "$("$PERFSPY_CTL" stats -p "$hot" hot)"
asks benchmarks "$hot"
assert_json 'benchmarks go by what was timed' "$stats" \
    '[.benchmarks[] | select(.operation == "hot") | .met] == [true, true]'

# ---- /metrics ---------------------------------------------------------------------------------

(umask 077 && echo 'super_admin sampling-token-0123456789' >"$TEST_DIR/tokens")
start_server "$PERFSPY_CTL" serve -p "$hot" --listen 127.0.0.1:0 --token-file "$TEST_DIR/tokens"
curl -sSf -H 'Authorization: Bearer sampling-token-0123456789' "$SERVER_URL/metrics" \
    >"$TEST_DIR/metrics"
assert_eq 'promtool has nothing to say' '' "$(promtool check metrics <"$TEST_DIR/metrics" 2>&1)"
metric() {
    grep -F "operation=\"hot\"" "$TEST_DIR/metrics" | grep "^$1" | sed 's/.* //' | xargs
}
timed=$(metric 'perfspy_operation_sampled_calls_total.*timed="true"')
untimed=$(metric 'perfspy_operation_sampled_calls_total.*timed="false"')
assert_eq 'metrics have the exact count' 16007 $((timed + untimed))
assert_eq 'and a histogram of as many, but for one block' $((timed * 16)) \
    "$(metric db_client_operation_duration_seconds_count)"
check_fails 'of sampled operations alone' \
    grep -q 'perfspy_operation_sampled_calls_total.*whole' "$TEST_DIR/metrics"
stop_process "$SERVER_PID"

# ---- reload -----------------------------------------------------------------------------------

sed -i '/sample: 1\/16/d' "$rules"
assert_match 'reload says that sampling changed' 'other sampling' "$("$PERFSPY_CTL" reload -p "$hot")"
tell query 100
asks stats "$hot"
tells 'from then on all are timed' hot \
    '.calls == 16107 and .sampled == null and (.timed == 1100 or .timed == 1101)'
exec 8>&- 9<&-
wait "$hot"

# ---- asynchronous: psql sends and fetches; failures; what hangs ----------------------------------

for ((i = 0; i < 800; i++)); do
    echo 'SELECT 1/0;'
    echo 'SELECT 1 AS hot;'
done >"$TEST_DIR/broken.sql"
echo 'SELECT pg_sleep(1000) AS hangs;' >>"$TEST_DIR/broken.sql"
PERFSPY_RULES=$rules LD_PRELOAD=$PERFSPY_PRELOAD PERFSPY_LOG=$TEST_DIR/log PERFSPY_LOG_LEVEL=ERROR \
    psql -XqAt -f "$TEST_DIR/broken.sql" >"$TEST_DIR/out" 2>&1 &
psql=$!
hangs() {
    asks inflight "$psql" && jq -e '.connections[] | select(.operation == "hangs")' "$stats"
}
check 'what hangs is seen, timed or not' wait_for 60 hangs
assert_json 'and that it may have begun later' "$stats" \
    '.connections[] | select(.operation == "hangs") | .elapsed_at_most'
asks stats "$psql"
tells 'failures are counted exactly' broken \
    '.calls == 800 and .errors == 800 and .sqlstate == {"22012": 800} and .timed == 100'
asks slow "$psql"
assert_json 'and kept, with a time or without' "$stats" \
    '[.calls[] | select(.operation == "broken")] | length > 100 and
     any(.total_ms == null and .level == null) and any(.total_ms > 0)'
logged() {
    [ "$(grep -c 'op="broken"' "$TEST_DIR/log")" = 800 ]
}
check 'all of them are logged' wait_for 30 logged
assert_eq 'most without a time' 700 "$(grep -c 'op="broken" timed=false' "$TEST_DIR/log")"
kill "$psql"
wait "$psql" || true
