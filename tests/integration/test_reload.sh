#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# perfspy-ctl reload: other rules take over while the program runs. Nothing counted is lost, no
# statement keeps its old operation, and a file that is no good changes nothing.
. "$(dirname "$0")/lib/check.sh"
. "$(dirname "$0")/lib/console.sh"

rules=$TEST_DIR/rules.yml
cat >"$rules" <<'YAML'
version: 1
operations:
  - name: one
    sql: SELECT 1 AS one
    benchmark: 100ms
  - name: goes
    sql: SELECT 1 AS goes
  - name: pair
    sql: [SELECT 1 AS a, SELECT 1 AS b]
YAML
cp "$rules" "$TEST_DIR/before.yml"

reload() {
    "$PERFSPY_CTL" reload -p "$CONSOLE"
}

console_start PERFSPY_RULES="$rules"
tell 'exec SELECT 1 AS one'
tell 'exec SELECT 1 AS goes'
tell 'exec SELECT 1 AS comes'
tell 'prepare p SELECT 1 AS comes'
tell 'run p'
tell 'prepare q SELECT 1 AS one'
tell 'run q'
assert_eq "before: one" 2 "$(console_calls one)"
assert_eq "before: no rule for this" 2 "$(console_calls 'select ? as comes')"

# A sequence that is open, and a statement that is in flight, while the rules change.
tell 'exec SELECT 1 AS a'
tell 'exec SELECT 1 AS b'
tell 'exec SELECT 1 AS a'
cat >"$rules" <<'YAML'
version: 1
levels: {excellent: 1ms, good: 2ms, acceptable: 3ms, slow: 4ms}
health: {window: 7m}
operations:
  - name: one
    sql: SELECT 1 AS one
    benchmark: 1us
  - name: comes
    sql: SELECT 1 AS comes
    benchmark: {p99: 5s}
  - name: b_c
    sql: [SELECT 1 AS b, SELECT 1 AS c]
YAML
answer=$(reload)
assert_eq "the answer says what changed" \
    "$CONSOLE ($BUILD/victims/console): $rules: 3 operations (2 new, 2 gone), 2 budgets changed, other thresholds" \
    "$answer"
tell 'exec SELECT 1 AS b'
tell 'exec SELECT 1 AS c'
tell 'exec SELECT 1 AS one'
tell 'exec SELECT 1 AS comes'
tell 'run p'
tell 'run q'
assert_eq "an operation of the same name goes on" 4 "$(console_calls one)"
assert_eq "a statement that gets a name begins at 0 under it, prepared before or not" 2 \
    "$(console_calls comes)"
assert_eq "and what it had stays" 2 "$(console_calls 'select ? as comes')"
assert_eq "an operation that is named no more keeps its counts" 1 "$(console_calls goes)"
assert_eq "the sequence before" 1 "$(console_calls pair)"
assert_eq "a sequence that was open ends as it began" 1 "$(console_calls 'select ? as a')"
assert_eq "and a new one begins behind it" 1 "$(console_calls b_c)"
tell 'exec SELECT 1 AS goes'
assert_eq "what is named no more is counted under its statement" 1 \
    "$(console_calls 'select ? as goes')"

"$PERFSPY_CTL" benchmarks -p "$CONSOLE" --json >"$TEST_DIR/benchmarks.json" || true
assert_json "budgets are the new ones" "$TEST_DIR/benchmarks.json" \
    '[.benchmarks[] | "\(.operation) \(.limit_ms)"] | sort == ["comes 5000", "one 0.001"]'
"$PERFSPY_CTL" ps -p "$CONSOLE" --json >"$TEST_DIR/ps.json"
assert_json "ps tells which rules are in force" "$TEST_DIR/ps.json" \
    '.processes[0].rules | .state == "loaded" and .operations == 3 and .generation == 2 and
     .path == $path and (.loaded | type == "string")' --arg path "$rules"

# A file that is no good.
echo 'operations: [{name: x, sqll: SELECT 1}]' >>"$rules"
assert_status "a bad file is refused" 1 reload
error=$(reload 2>&1 || true)
assert_match "with its place" "$rules:13:1: .*; the rules before stay in force" "$error"
tell 'exec SELECT 1 AS comes'
assert_eq "the rules before are in force" 3 "$(console_calls comes)"
assert_match "and ps says so" "$rules:13:1: " "$("$PERFSPY_CTL" ps -p "$CONSOLE")"
assert_status "a missing file is refused" 1 \
    "$PERFSPY_CTL" reload -p "$CONSOLE" --rules "$TEST_DIR/none.yml"

# Another file; from here on it is this process'.
cp "$TEST_DIR/before.yml" "$TEST_DIR/other.yml"
assert_match "another file, by a relative path" "other.yml: 3 operations" \
    "$(cd "$TEST_DIR" && "$PERFSPY_CTL" reload -p "$CONSOLE" --rules other.yml)"
assert_match "it is its file from then on, and unchanged" "other.yml: unchanged: 3 operations" \
    "$(reload)"
tell 'run p'
assert_eq "a prepared statement that lost its name again" 3 "$(console_calls 'select ? as comes')"
assert_eq "no text was unknown" 0 \
    "$("$PERFSPY_CTL" ps -p "$CONSOLE" --json | jq '.processes[0].self.prepared_unknown')"

# A preparation that fails leaves the name as it was, also by other rules.
tell 'exec BEGIN'
tell 'prepare p SELECT'
tell 'exec ROLLBACK'
echo '# changed' >>"$TEST_DIR/other.yml"
reload >"$TEST_DIR/out"
tell 'run p'
assert_eq "a name whose second preparation failed" 4 "$(console_calls 'select ? as comes')"

# Under load, reloaded all the time: every call is counted once, under one of both names.
tell 'load 6 SELECT 1 AS busy'
for i in $(seq 1 20); do
    sed "s/AS goes/AS $([ $((i % 2)) -eq 0 ] && echo goes || echo busy)/" "$TEST_DIR/before.yml" \
        >"$TEST_DIR/other.yml"
    reload >"$TEST_DIR/out" || not_ok "a reload under load" "$(<"$TEST_DIR/out")"
done
tell rest
assert_eq "nothing is lost under load" $((TOLD + 1)) \
    $(($(console_calls goes) + $(console_calls 'select ? as busy')))
assert_eq "the two names were both in force" true \
    "$([ "$(console_calls goes)" -gt 1 ] && [ "$(console_calls 'select ? as busy')" -gt 0 ] && echo true)"

# There is an end to it, but not for a file that stays the same.
for i in $(seq 1 100); do
    echo "# $i" >>"$TEST_DIR/other.yml"
    reload >"$TEST_DIR/out" 2>&1 || break
done
assert_match "reloads are bounded" "restart the program" "$(<"$TEST_DIR/out")"
tell 'exec SELECT 1 AS one'
assert_eq "and the last ones stay in force" 5 "$(console_calls one)"

assert_status "no such process" 69 "$PERFSPY_CTL" reload -p 999999999
