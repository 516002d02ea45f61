#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# perfspy-ctl reset: statistics begin anew while the program goes on, and everything that tells of
# them agrees since when: whole lives, windows, kept calls; under load, twice, and after kill -9.
. "$(dirname "$0")/lib/check.sh"
. "$(dirname "$0")/lib/console.sh"

stats=$TEST_DIR/stats.json

reset() {
    "$PERFSPY_CTL" reset -p "$CONSOLE" >"$TEST_DIR/reset" 2>&1 ||
        not_ok "reset $CONSOLE" "$(<"$TEST_DIR/reset")"
}

# all_calls [OPTION...]: of all operations.
all_calls() {
    "$PERFSPY_CTL" stats -p "$CONSOLE" --json "$@" >"$stats"
    jq '[.operations[].calls] | add // 0' "$stats"
}

# calls_in_trend: what the history of the last hour has.
calls_in_trend() {
    "$PERFSPY_CTL" trend -p "$CONSOLE" --json >"$TEST_DIR/trend.json"
    jq '[.points[].calls] | add // 0' "$TEST_DIR/trend.json"
}

kept() {
    "$PERFSPY_CTL" slow -p "$CONSOLE" --json | jq '.calls | length'
}

# counter: what /metrics has of all statements.
counter() {
    curl -sSf "$metrics" >"$TEST_DIR/metrics"
    awk '/^db_client_operation_duration_seconds_count\{.*operation="busy"/ { sum += $NF }
        END { print sum + 0 }' "$TEST_DIR/metrics"
}

printf 'version: 1\noperations:\n  - {name: busy, sql: SELECT ? AS busy}\n' >"$TEST_DIR/rules.yml"
console_start PERFSPY_RULES="$TEST_DIR/rules.yml"
echo 'super_admin reset-token-0123456789' >"$TEST_DIR/tokens"
chmod 600 "$TEST_DIR/tokens"
"$PERFSPY_CTL" serve --listen 127.0.0.1:0 --token-file "$TEST_DIR/tokens" --open-metrics \
    -p "$CONSOLE" 2>"$TEST_DIR/serve.log" &
on_exit kill $!
wait_for 30 grep -qs 'listening on' "$TEST_DIR/serve.log"
metrics=$(sed -n 's|.*listening on \([^ ]*:[0-9]*\).*|http://\1/metrics|p' "$TEST_DIR/serve.log")

for _ in 1 2 3 4 5; do
    tell 'exec SELECT 1 AS one'
done
tell 'exec SELECT 1 / 0'
tell 'exec SELECT pg_sleep(1.1)'
assert_eq "counted" 5 "$(console_calls 'select ? as one')"
assert_eq "kept" 2 "$(kept)"
reset
assert_match "the answer" "^$CONSOLE .*: statistics begin anew\$" "$(<"$TEST_DIR/reset")"
assert_eq "nothing is counted yet" "0 0 0" \
    "$(all_calls) $(all_calls --last 1h) $(calls_in_trend)"
assert_json "since when" "$stats" '.processes[0] | .since > .started'
assert_eq "nothing is kept yet" 0 "$(kept)"
assert_match "for a person" ', since .* \(reset\)' "$("$PERFSPY_CTL" stats -p "$CONSOLE" | head -1)"
"$PERFSPY_CTL" ps -p "$CONSOLE" --json >"$TEST_DIR/ps.json"
assert_json "ps tells it" "$TEST_DIR/ps.json" \
    '.processes[0] | .since > .started and .calls == 0 and .operations == 0'
assert_match "in words, too" 'statistics were reset' "$("$PERFSPY_CTL" ps -p "$CONSOLE")"

for _ in 1 2 3; do
    tell 'exec SELECT 1 AS one'
done
tell 'exec SELECT 1 / 0'
assert_eq "from then on" "4 4 4" "$(all_calls) $(all_calls --last 1h) $(calls_in_trend)"
all_calls >"$TEST_DIR/out"
assert_json "levels, errors, rows and times" "$stats" '.operations |
    (map(select(.statement == "select ? as one"))[0] |
        .calls == 3 and .errors == 0 and .rows == 3 and .levels.excellent == 3 and
        .min_ms > 0 and .max_ms < 5000 and .p50_ms > 0) and
    (map(select(.errors > 0)) | length == 1 and .[0].calls == 1 and .[0].sqlstate."22012" == 1)'
assert_eq "what failed since" 1 "$(kept)"

# Under load: each call is before or after; who counts all that ever was sees no reset.
tell 'load 8 SELECT 1 AS busy'
for _ in 1 2 3; do
    reset
done
some_busy() {
    [ "$(console_calls busy)" -gt 0 ]
}
wait_for 60 some_busy
tell rest
ran=$TOLD
counted=$(console_calls busy)
assert_eq "under load: some came after" true "$([ "$counted" -gt 0 ] && echo true)"
assert_eq "and not more than there were" true "$([ "$counted" -le "$ran" ] && echo true)"
assert_eq "a window has the same" "$counted" "$(all_calls --last 1h |
    xargs -I{} jq '[.operations[] | select(.operation == "busy") | .calls] | add' "$stats")"
assert_eq "counters of Prometheus go on" "$ran" "$(counter)"

# A known number, by eight threads.
reset
tell 'load 8 SELECT 1 AS busy'
wait_for 60 some_busy
tell rest
assert_eq "exactly what came after" $((TOLD - ran)) "$(console_calls busy)"
assert_eq "in a window, too" $((TOLD - ran)) "$(all_calls --last 1h |
    xargs -I{} jq '[.operations[] | select(.operation == "busy") | .calls] | add' "$stats")"
assert_json "whole calls" "$stats" '.operations[] | select(.operation == "busy") |
    .calls == .rows and .errors == 0 and .calls == ([.levels[]] | add)'
assert_eq "all that ever was" "$TOLD" "$(counter)"

# Twice, and switched off.
reset
reset
assert_eq "two resets" 0 "$(all_calls)"
tell 'exec SELECT 1 AS one'
"$PERFSPY_CTL" disable -p "$CONSOLE" >"$TEST_DIR/out"
reset
assert_eq "while recording is switched off" 0 "$(all_calls)"
"$PERFSPY_CTL" enable -p "$CONSOLE" >"$TEST_DIR/out"

# A dead process is read the same way.
for _ in 1 2 3 4; do
    tell 'exec SELECT 1 AS one'
done
"$PERFSPY_CTL" ps -p "$CONSOLE" --json >"$TEST_DIR/ps.json"
since=$(jq -r '.processes[0].since' "$TEST_DIR/ps.json")
kill -9 "$CONSOLE"
wait "$CONSOLE" || true
assert_eq "after kill -9" "4 4" "$(all_calls) $(all_calls --last 1h)"
assert_json "since when" "$stats" '.processes[0] | .state == "dead" and .since == $since' \
    --arg since "$since"
assert_eq "nothing kept of before" 0 "$(kept)"
assert_status "a dead process has nothing to begin anew" 69 "$PERFSPY_CTL" reset -p "$CONSOLE"
