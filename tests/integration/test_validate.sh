#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# parts-validate against real services: a healthy one, a slowed one, wrong ones, none at all; and
# that it never leaves anything behind.
#
# time limit: 900
. "$(dirname "$0")/lib/check.sh"

validate=$BUILD/parts-validate
report=$TEST_DIR/report.json

# run WANT [OPTION...]: validates the service; the status must be WANT. What it says is in $said. The
# rules are those of the service, with limits that a busy machine does not reach.
rules=$TEST_DIR/rules.yml
parts_patient_rules >"$rules"
run() {
    local want=$1 got=0
    shift
    "$validate" --url "$SERVER_URL" --rules "$rules" "$@" >"$TEST_DIR/said" 2>&1 </dev/null || got=$?
    said=$(<"$TEST_DIR/said")
    assert_eq "$what: exit status" "$want" "$got"
}

parts_left() {
    psql -XAtc "SELECT count(*) FROM parts WHERE part_number LIKE 'VALIDATE-%'"
}

nothing_left() {
    assert_eq "$what: no part is left" 0 "$(parts_left)"
}

parts_init --parts 900 >"$TEST_DIR/init.log" 2>&1
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules"

# ---- a healthy service -----------------------------------------------------------------------

what="healthy"
begun=${EPOCHREALTIME/./}
run 0 --output "$TEST_DIR/report.txt" --output "$report" --output "$TEST_DIR/report.xml" \
    --requests 200 --warmup 10 --concurrency 3
took_ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
nothing_left
assert_match "$what: the result in a line" \
    '^passed: 0 of [0-9,]+ checks failed; benchmarks: 0 missed, [0-9]+ met' "$said"

text=$(<"$TEST_DIR/report.txt")
assert_match "$what: the report says what was asked" "^parts-validate [0-9.]+: $SERVER_URL" "$text"
for scenario in pagination filtering by-type part search multilingual inventory search-inventory \
    usage reorder write clean-up; do
    assert_match "$what: $scenario passed" $'\n'"$scenario +passed " "$text"
done
assert_match "$what: benchmarks by client and server" \
    'met +api\.get_parts +p95 .* client.*met +parts_crud\.get_part +p95 .* server|met +parts_crud\.get_part +p95 .* server.*met +api\.get_parts +p95 .* client' "$text"
assert_match "$what: the verdict ends it" $'\nverdict: passed: [^\n]*$' "$text"

assert_json "$what: the verdict" "$report" '.version == 1 and .verdict == "passed" and .missed == 0'
assert_json "$what: each scenario made its requests and many checks" "$report" \
    '[.scenarios[] | select(.scenario != "clean-up") | .requests >= 200 and .warmup_requests >= 10
      and (.checks | length) > 1] | length == 11 and all'
assert_json "$what: durations are in order" "$report" \
    '[.operations[] | .min_ms <= .p50_ms and .p50_ms <= .p95_ms and .p95_ms <= .max_ms] | all'
assert_json "$what: every endpoint has calls" "$report" \
    '[.operations[].operation] | index("api.get_parts", "api.search_parts", "api.get_part",
      "api.get_parts_with_inventory", "api.search_parts_with_inventory", "api.create_part",
      "api.update_part", "api.delete_part", "api.get_parts_by_type") != null'
assert_json "$what: seed benchmarks of requests are judged" "$report" \
    '[.benchmarks[] | select(.kind == "http") | .limit_ms] | sort
     == ([200, 300, 400, 400, 600, 1000, 1500, 2000] | map(1000 * .))'
assert_json "$what: so are those of statements, by the server's view" "$report" \
    '[.benchmarks[] | select(.kind == "sql") | .met] == [true, true, true, true]'
assert_json "$what: both sides count the same" "$report" \
    '.server.watched and ([.server.operations[] | .client_calls == .server_calls] | all)
     and (.server.operations | length) == 13'
# A request may end for the server long after its client has the last byte, but before the next one on
# the same connection: all of them together fit into three times the run. A twentieth takes the p95 or
# longer.
assert_json "$what: the server's times are inside the client's" "$report" \
    '(.server.operations | all(.server_p95_ms > 0)) and
     ([.server.operations[] | .server_p95_ms * .server_calls / 20] | add) <= 1.02 * 3 * $took' \
    --argjson took "$took_ms"
"$PERFSPY_CTL" stats -p "$SERVER_PID" --json >"$TEST_DIR/stats.json"
assert_eq "$what: perfspy-ctl says so too" \
    "$(json "$report" '[.server.operations[] | "\(.operation) \(.client_calls)"] | sort[]' |
        grep -v healthz)" \
    "$(json "$TEST_DIR/stats.json" '[.operations[] | select(.kind == "http" and .calls > 0) |
        "\(.operation) \(.calls)"] | sort[]' | grep -v healthz)"

cat >"$TEST_DIR/junit.py" <<'PYTHON'
# Prints "TESTS FAILURES SKIPPED" of a JUnit file, whose counts must be those of its cases.
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites", root.tag
total = [0, 0, 0]
for suite in root:
    cases = suite.findall("testcase")
    counts = [len(cases), sum(c.find("failure") is not None for c in cases),
              sum(c.find("skipped") is not None for c in cases)]
    assert counts == [int(suite.get(k)) for k in ("tests", "failures", "skipped")], suite.attrib
    total = [a + b for a, b in zip(total, counts)]
assert total[:2] == [int(root.get(k)) for k in ("tests", "failures")], root.attrib
names = [suite.get("name") for suite in root]
assert "write" in names and names[-1] == "benchmarks" or len(names) == 3, names
print(*total)
for failure in root.iter("failure"):
    print(failure.get("message"), failure.text or "")
PYTHON
junit() {
    /usr/bin/python3 "$TEST_DIR/junit.py" "$TEST_DIR/report.xml" 2>&1
}
assert_match "$what: JUnit without failures" '^[0-9]{2,} 0 [0-9]+$' "$(junit)"

# ---- beside another client -------------------------------------------------------------------

what="another client"
PARTS_TOKEN=none
(while :; do parts_call GET /parts/1 >"$TEST_DIR/status"; done) &
other=$!
on_exit kill "$other"
wait_for 15 test -s "$TEST_DIR/status"
run 0 --output "$report" --scenario usage --scenario part --requests 300 --quiet
kill "$other"
wait "$other" || true
assert_eq "$what: --quiet says nothing" '' "$said"
assert_json "$what: the server saw more of it, and the same of the rest" "$report" \
    '[.server.operations[] | {key: .operation, value: (.server_calls - .client_calls)}] | from_entries
     | .["api.get_part"] > 0 and .["api.get_part_usage"] == 0'

# ---- a service that nobody watches -----------------------------------------------------------

watched_url=$SERVER_URL watched_pid=$SERVER_PID
parts_start
what="not watched"
run 0 --scenario part --requests 30
assert_match "$what: said in one line" \
    $'\n'"no view of the server's own: process $SERVER_PID \(.*parts_server\) is not watched" "$said"
check_fails "$what: statements are not judged" grep parts_crud "$TEST_DIR/said"
what="not watched, asked for"
run 69 --scenario part --pid "$SERVER_PID"
assert_match "$what: said" "^parts-validate: --pid: process $SERVER_PID .* is not watched" "$said"
what="another process"
run 0 --scenario part --requests 8 --warmup 0 --pid "$watched_pid"
assert_match "$what: it saw nothing of this run" 'api\.get_part +[0-9]+ +0 +-[0-9]+ ' "$said"

what="requests without a rule"
printf 'version: 1\noperations:\n  - {name: any, http: "GET /parts/{x}", benchmark: 10s}\n' \
    >"$TEST_DIR/few.yml"
run 0 --rules "$TEST_DIR/few.yml" --scenario usage --scenario part --requests 30 --output "$report"
assert_eq "$what: go under method and path" 'GET /parts/{id}/usage any' \
    "$(json "$report" '[.operations[].operation] | sort | join(" ")')"
stop_process "$SERVER_PID"

# ---- a log-in that is refused, a service that is not there ------------------------------------

what="service down"
run 69 --output "$TEST_DIR/never.txt"
assert_match "$what: said" "^parts-validate: $SERVER_URL cannot be reached: .*[Cc]onnect" "$said"
assert_eq "$what: no report" '' "$(find "$TEST_DIR" -name never.txt)"

SERVER_URL=$watched_url SERVER_PID=$watched_pid
echo wrong >"$TEST_DIR/password"
what="wrong password"
run 69 --user admin --password-file "$TEST_DIR/password" --output "$report"
assert_eq "$what: said" \
    "parts-validate: $SERVER_URL refuses the log-in of \"admin\": wrong user name or password" \
    "$said"
assert_json "$what: the earlier report stays" "$report" '.verdict == "passed"'
what="wrong token"
run 69 --token-file "$TEST_DIR/password"
assert_match "$what: said" 'refuses the token' "$said"
what="right password"
echo "$PARTS_ADMIN_PASSWORD" >"$TEST_DIR/password"
run 0 --user admin --password-file "$TEST_DIR/password" --scenario part --requests 3
what="right token"
parts_login
echo "$PARTS_TOKEN" >"$TEST_DIR/token"
run 0 --token-file "$TEST_DIR/token" --scenario part --requests 3
check_fails "$what: it is not told" grep -F "$PARTS_TOKEN" "$TEST_DIR/said"
what="nobody to log in as"
PARTS_ADMIN_USER='' run 64
assert_match "$what: said" 'whom to log in as' "$said"

# ---- bad options, reports that cannot be written ----------------------------------------------

# refused WHAT WANT REGEX OPTION...
refused() {
    what=$1
    run "$2" "${@:4}"
    assert_match "$what: said" "$3" "$said"
}
refused "unknown option" 64 'did you mean --output' --outputt x
refused "unknown scenario" 64 'did you mean "pagination"' --scenario pagnation
refused "no requests" 64 '"0" is not a whole number' --requests 0
refused "a value missing" 64 '^parts-validate: --set needs a value' --set
refused "a word too many" 64 'one word too many' here
refused "a strange form" 64 '"yaml" is not text, json or junit' --format yaml
refused "a limit without sense" 64 '^parts-validate: --set: ' --set api.get_part=p95:fast
refused "a limit on nothing" 64 '^parts-validate: --set: .*api.get_prat' --set api.get_prat=p95:1s
refused "no web address" 64 'http:// or https://' --url ftp://localhost
refused "a password in the address" 64 'free of names and passwords' --url http://a:b@localhost
printf 'version: 1\noperations:\n  - nam: x\n' >"$TEST_DIR/bad.yml"
refused "broken rules" 64 "bad\.yml:3:" --rules "$TEST_DIR/bad.yml"
refused "no such rules" 64 'absent.yml: .*No such file' --rules "$TEST_DIR/absent.yml"
refused "no such folder" 74 'no/report.txt: cannot be written: No such file' \
    --output "$TEST_DIR/no/report.txt"
refused "a full disk" 74 '/dev/full: cannot be written: No space left' \
    --output /dev/full --scenario part --requests 3
what="the form on standard output"
run 0 --format json --scenario part --requests 3
assert_eq "$what: JSON" passed "$(jq -r .verdict "$TEST_DIR/said")"
check "the manual page" bash -c "'$validate' --man | grep -q '^.TH PARTS'"

# ---- a service that is slow ------------------------------------------------------------------

# Every part has been used, so that every look at its history sleeps.
psql -qXv ON_ERROR_STOP=1 <<'SQL'
INSERT INTO usage_history (part_id, warehouse_id, organisation_id, quantity, used_at)
SELECT p.id, w.id, o.id, 1, now() FROM parts AS p,
    (SELECT min(id) AS id FROM warehouses) AS w, (SELECT min(id) AS id FROM organisations) AS o;
ALTER TABLE usage_history RENAME TO quick_history;
CREATE VIEW usage_history AS
SELECT h.* FROM (SELECT pg_sleep(0.25) OFFSET 0) AS nap, quick_history AS h;
SQL
what="slowed"
slow=(--scenario usage --requests 8 --warmup 0 --output "$report" --output "$TEST_DIR/report.xml"
    --set 'get_part_usage=mean:100ms' --set 'parts_crud.get_part_usage_history=p50:100ms'
    --set 'api.get_part=10s' --set 'api.get_part=p50:10s')
run 1 "${slow[@]}" --output "$TEST_DIR/report.txt"
assert_match "$what: the report names the miss" \
    $'\nmissed +api\.get_part_usage +mean +[0-9.]+ ms +100 ms +4 +client' \
    "$(<"$TEST_DIR/report.txt")"
assert_json "$what: the misses, with value, limit and calls" "$report" \
    '[.benchmarks[] | select(.met == false)] | length == 2 and all(.value_ms >= 250
      and .limit_ms == 100 and .calls >= 4)'
assert_json "$what: what is within its limit is met" "$report" \
    '.benchmarks[] | select(.operation == "api.get_part" and .stat == "p50") | .met'
assert_match "$what: JUnit names the misses" 'get_part_usage|mean is [0-9.]+ ms, limit 100 ms' \
    "$(junit)"
assert_match "$what: JUnit counts them" '^[0-9]+ 2 ' "$(junit)"
what="slowed, and allowed to be"
run 0 --scenario usage --requests 8 --set api.get_part_usage=max:30s --set api.get_part=30s
psql -qXv ON_ERROR_STOP=1 <<'SQL'
DROP VIEW usage_history;
ALTER TABLE quick_history RENAME TO usage_history;
SQL

# ---- services that are wrong -----------------------------------------------------------------

failed_check() {
    assert_json "$what: named, \"$1\"" "$report" \
        '[.scenarios[].checks[] | select(.failed > 0) | .check] | index($c) != null' --arg c "$1"
}

what="a change that is lost"
psql -qXv ON_ERROR_STOP=1 <<'SQL'
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.name := '<&"''' || chr(65535) || '>'; RETURN NEW; END $$;
CREATE TRIGGER lose BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION lose();
SQL
run 1 --scenario write --requests 16 --output "$report" --output "$TEST_DIR/report.xml"
failed_check "a change is there when it has been answered"
nothing_left
assert_match "$what: JUnit quotes it whole" "\"<&\"'\?>\"" "$(junit)"
psql -qXc 'DROP TRIGGER lose ON parts'

what="a part that does not go away"
psql -qXc "CREATE RULE keep AS ON DELETE TO parts WHERE OLD.part_number LIKE 'VALIDATE-%' DO INSTEAD NOTHING"
run 1 --scenario write --requests 8 --warmup 0 --output "$report" --time-limit 20s
failed_check "api.delete_part answers 204"
failed_check "nothing that was made remains"
psql -qXc 'DROP RULE keep ON parts'
psql -qXc "DELETE FROM inventory WHERE part_id IN (SELECT id FROM parts WHERE part_number LIKE 'VALIDATE-%')"
psql -qXc "DELETE FROM parts WHERE part_number LIKE 'VALIDATE-%'"

what="somebody else writes"
# One part after the other goes, from before the run until after it.
PGAPPNAME=writer psql -qX >"$TEST_DIR/writer" 2>&1 <<'SQL' &
DO $$
BEGIN
    FOR i IN 1 .. 500 LOOP
        DELETE FROM usage_history WHERE part_id = (SELECT max(id) FROM parts);
        DELETE FROM inventory WHERE part_id = (SELECT max(id) FROM parts);
        DELETE FROM parts WHERE id = (SELECT max(id) FROM parts);
        COMMIT;
        PERFORM pg_sleep(CASE WHEN i < 100 THEN 0.05 ELSE 0.5 END);
    END LOOP;
END $$
SQL
writer=$!
on_exit stop_process "$writer"
run 1 --scenario pagination --requests 1000 --output "$report"
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'writer'" >"$TEST_DIR/stopped"
wait "$writer" || true
failed_check "the total is the same throughout"

# ---- runs that do not come to their end ------------------------------------------------------

# begin [OPTION...]: a run that would take for ever, in the background, in the middle of writing.
begin() {
    env --default-signal=INT "$validate" --url "$SERVER_URL" --rules "$rules" --scenario write \
        --warmup 0 --requests 1000000 --output "$report" "$@" >"$TEST_DIR/said" 2>&1 </dev/null &
    run_pid=$!
    on_exit stop_process "$run_pid"
    wait_for 15 has_written
}

has_written() {
    [ "$(parts_left)" -gt 0 ]
}

# ended WANT: the run ends with that status.
ended() {
    local got=0
    wait "$run_pid" || got=$?
    assert_eq "$what: exit status" "$1" "$got"
}

what="Ctrl-C"
begin
kill -s INT "$run_pid"
ended 130
nothing_left
assert_json "$what: the report says so" "$report" \
    '.verdict == "interrupted" and .scenarios[0].result == "incomplete"
     and .scenarios[1].result == "passed"'
assert_match "$what: and what it does" 'removing the parts' "$(<"$TEST_DIR/said")"

is_locked() {
    [ "$(sql "SELECT count(*) FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event = 'PgSleep'")" = 1 ]
}

# lock SECONDS: somebody has the table locked for that long.
lock() {
    psql -qXc "BEGIN; LOCK TABLE parts; SELECT pg_sleep($1); ROLLBACK" >"$TEST_DIR/lock" &
    locker=$!
    wait_for 15 is_locked
}

what="SIGTERM while the service hangs"
begin
lock 3
kill -s TERM "$run_pid"
wait "$locker"
ended 143
nothing_left

what="time limit, while the service hangs"
begin --time-limit 8s
lock 9
ended 1
wait "$locker"
nothing_left
assert_match "$what: said" 'stopped by the time limit' "$(<"$TEST_DIR/said")"

what="the service dies"
begin
kill -s KILL "$SERVER_PID"
ended 1
assert_match "$what: said" 'the service does not answer any more' "$(<"$TEST_DIR/said")"
failed_check "nothing that was made remains"
assert_json "$what: no view of its own" "$report" '.server.watched == false'
