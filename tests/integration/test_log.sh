#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The log of calls: one call in each level and one failure, each logged as its level says; only
# allowed parameters; reopened when renamed; nothing without PERFSPY_LOG.
. "$(dirname "$0")/lib/check.sh"

parts_init --parts 20 >"$TEST_DIR/init.log" 2>&1
psql -qXv ON_ERROR_STOP=1 <<'SQL'
ALTER TABLE usage_history RENAME TO quick_history;
CREATE TABLE nap (seconds float);
INSERT INTO nap VALUES (0);
CREATE VIEW usage_history AS
SELECT h.* FROM (SELECT pg_sleep(seconds) FROM nap OFFSET 0) AS n, quick_history AS h;
SQL
log=$TEST_DIR/calls.log
rules=$PWD/rules/parts.yml

# nap SECONDS: a request whose statement takes that long.
nap() {
    psql -qXc "UPDATE nap SET seconds = $1"
    parts_call GET "/parts/2/usage?limit=7" >"$TEST_DIR/status"
}

# logged LEVEL OPERATION: the lines of that level about that operation.
logged() {
    grep -E " level=$1 .* op=\"$2\" " "$log" || true
}

parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules" PERFSPY_LOG="$log" \
    PERFSPY_LOG_LEVEL=DEBUG
parts_login
for seconds in 0 0.2 0.6 1.1 3.1; do
    nap $seconds
done
new='{"part_number": "LOG-1", "name": "logged", "part_type": "tool"}'
assert_eq "a part" 201 "$(parts_call POST /parts/ "$new")"
assert_eq "and its double" 409 "$(parts_call POST /parts/ "$new")"
all_logged() {
    [ -n "$(logged ERROR parts_crud.create_part)" ]
}
wait_for 5 all_logged || true

for kind in api.get_part_usage parts_crud.get_part_usage_history; do
    assert_eq "excellent and good calls of $kind: DEBUG" 2 "$(logged DEBUG "$kind" | wc -l)"
    assert_eq "acceptable: INFO" 1 "$(logged INFO "$kind" | wc -l)"
    assert_eq "slow and critical: WARNING" "level_of_call=slow level_of_call=critical" \
        "$(logged WARNING "$kind" | grep -o 'level_of_call=[a-z]*' | xargs)"
done
assert_match "a failed call: ERROR with its time and code" \
    ' level=ERROR .* kind=sql .* ms=[0-9]+\.[0-9]{3} .*sqlstate=23505 failed=true$' \
    "$(logged ERROR parts_crud.create_part)"
assert_match "a slow call's time is its own" ' ms=11[0-9]{2}\.[0-9]{3} ' \
    "$(logged WARNING api.get_part_usage | grep "=slow")"
assert_match "a request has status and allowed parameters" ' status=200 .* param\.limit=7$' \
    "$(logged INFO api.get_part_usage)"
parts_call GET '/parts/search?q=secret-word&limit=3' >"$TEST_DIR/status"
searched() {
    [ -n "$(logged DEBUG api.search_parts)" ]
}
wait_for 5 searched || true
assert_match "of the others nothing is kept" ' param\.limit=3$' "$(logged DEBUG api.search_parts)"
assert_eq "not even their values" 0 "$(grep -c secret-word "$log")"
assert_eq "every line is logfmt" "" "$(grep -vE \
    '^ts=[0-9T:.-]+Z level=[A-Z]+ pid=[0-9]+ ([a-z_.]+=("[^"]*"|[^ "]*) )*[a-z_.]+=("[^"]*"|[^ "]*)$' "$log" || true)"
assert_eq "times are UTC and now" "$(date -u +%Y-%m-%dT%H)" "$(tail -1 "$log" | cut -c 4-16)"
assert_eq "the log is the user's alone" 600 "$(stat -c %a "$log")"
assert_eq "slow calls keep their parameters too" 7 \
    "$("$PERFSPY_CTL" slow -p "$SERVER_PID" --json | jq -r '[.calls[] | .parameters.limit // empty] | first')"

mv "$log" "$log.1"
nap 0
reopened() {
    [ -n "$(logged DEBUG api.get_part_usage 2>/dev/null)" ]
}
wait_for 5 reopened || true
check "a renamed log is begun anew" reopened
stop_process "$SERVER_PID"

# ---- levels, standard error, nothing --------------------------------------------------------

rm -f "$log"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules" PERFSPY_LOG="$log"
parts_login
nap 0.6
nap 1.1
warned() {
    [ -n "$(logged WARNING api.get_part_usage 2>/dev/null)" ]
}
wait_for 5 warned || true
assert_eq "by default only slow and failed calls" "WARNING" \
    "$(sed -n 's/.* level=\([A-Z]*\) .*event=call.*/\1/p' "$log" | sort -u)"
stop_process "$SERVER_PID"

parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules" PERFSPY_LOG=stderr
parts_login
nap 1.1
on_stderr() {
    grep -q ' level=WARNING .*event=call .*op="api.get_part_usage"' "$SERVER_LOG"
}
wait_for 5 on_stderr || true
check "standard error will do" on_stderr
stop_process "$SERVER_PID"

rm -f "$log"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules"
parts_login
nap 1.1
assert_eq "without PERFSPY_LOG nothing is logged" 1 "$(wc -l <"$SERVER_LOG")"

# More than can be logged: what is dropped is counted, slow and failed calls are not.
stop_process "$SERVER_PID"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules" PERFSPY_LOG="$log" \
    PERFSPY_LOG_LEVEL=DEBUG
parts_login
wrk -t 1 -c 8 -d 3 "$SERVER_URL/healthz" >"$TEST_DIR/wrk"
sleep 1
"$PERFSPY_CTL" stats -p "$SERVER_PID" --json >"$TEST_DIR/stats.json"
calls=$(json "$TEST_DIR/stats.json" '[.operations[] | .calls] | add')
dropped=$("$PERFSPY_CTL" ps -p "$SERVER_PID" --json | jq '.processes[0].self.log_dropped')
assert_eq "every call is logged or counted as dropped" "$calls" \
    "$((dropped + $(grep -c ' event=call ' "$log")))"
check "under load some are dropped" test "$dropped" -gt 0
check "and the log says so" grep -q 'event=log_dropped calls=' "$log"
