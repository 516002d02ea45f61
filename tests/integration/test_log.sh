#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The log of calls: calls of each level and one failure, each logged as its level says; only allowed
# parameters; reopened when renamed; nothing without PERFSPY_LOG.
#
# time limit: 900
. "$(dirname "$0")/lib/check.sh"

begun=$(date -u +%Y-%m-%dT%H:%M:%S)

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
# Levels with room for a busy machine.
sed 's/^levels: .*/levels: {excellent: 1s, good: 2s, acceptable: 3s, slow: 4s}/' "$rules" \
    >"$TEST_DIR/rules.yml"

# nap SECONDS: a request whose statement takes that long, or longer where the machine is busy.
naps=()
nap() {
    naps+=("$1")
    psql -qXc "UPDATE nap SET seconds = $1"
    parts_call GET "/parts/2/usage?limit=7" >"$TEST_DIR/status"
}

# naps_logged OPERATION: as many lines of any level as there were naps.
naps_logged() {
    [ "$(logged '[A-Z]*' "$1" | wc -l)" -eq "${#naps[@]}" ]
}

# level_seen LEVEL: a nap's request of that level is logged.
level_seen() {
    wait_for 15 naps_logged api.get_part_usage || true
    logged '[A-Z]*' api.get_part_usage | grep -q "level_of_call=$1 "
}

# nap_of LEVEL SECONDS: a nap of that level; another if the machine was too busy for the first.
nap_of() {
    local tries
    for tries in 1 2 3 4 5 6 7 8; do
        nap "$2"
        ! level_seen "$1" || break
    done
    check "$1: a call of $2 s is, by now ($tries)" level_seen "$1"
}

# misjudged OPERATION: its lines but for those whose levels are what their time says.
misjudged() {
    logged '[A-Z]*' "$1" | awk '{
        match($0, / ms=[0-9.]+/); ms = substr($0, RSTART + 4, RLENGTH - 4) + 0
        level = ms < 1000 ? "excellent" : ms < 2000 ? "good" : ms < 3000 ? "acceptable" : \
            ms < 4000 ? "slow" : "critical"
        severity = ms < 2000 ? "DEBUG" : ms < 3000 ? "INFO" : "WARNING"
        if (!index($0, " level=" severity " ") || !index($0, " level_of_call=" level " "))
            print
    }'
}

# times OPERATION: the milliseconds of its lines, the shortest first.
times() {
    logged '[A-Z]*' "$1" | sed 's/.* ms=\([0-9.]*\) .*/\1/' | sort -n
}

# logged LEVEL OPERATION: the lines of that level about that operation.
logged() {
    grep -E " level=$1 .* op=\"$2\" " "$log" || true
}

parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$TEST_DIR/rules.yml" PERFSPY_LOG="$log" \
    PERFSPY_LOG_LEVEL=DEBUG
parts_login
began=${EPOCHREALTIME/./}
nap_of excellent 0
nap_of good 1.1
nap_of acceptable 2.1
nap_of slow 3.1
nap_of critical 4.1
new='{"part_number": "LOG-1", "name": "logged", "part_type": "tool"}'
assert_eq "a part" 201 "$(parts_call POST /parts/ "$new")"
assert_eq "and its double" 409 "$(parts_call POST /parts/ "$new")"
all_logged() {
    [ -n "$(logged ERROR parts_crud.create_part)" ]
}
wait_for 15 all_logged || true

for kind in api.get_part_usage parts_crud.get_part_usage_history; do
    check "each call of $kind is logged" naps_logged "$kind"
    assert_eq "excellent and good: DEBUG, acceptable: INFO, slow and critical: WARNING" "" \
        "$(misjudged "$kind")"
done
assert_match "a failed call: ERROR with its time and code" \
    ' level=ERROR .* kind=sql .* ms=[0-9]+\.[0-9]{3} .*sqlstate=23505 failed=true$' \
    "$(logged ERROR parts_crud.create_part)"
assert_match "and what it was: parameters, server, transaction" \
    " rows=0 affected=0 params=[1-9][0-9]* .*db=$PGDATABASE user=[^ ]+ host=$PGHOST:[0-9]+ backend_pid=[0-9]+ tx=inerror sqlstate=" \
    "$(logged ERROR parts_crud.create_part)"
# The service keeps its connections: each backend that the log names is one of the server's.
logged_backends=$(grep -o ' backend_pid=[0-9]*' "$log" | cut -d = -f 2 | sort -u)
check "the log names backends" test -n "$logged_backends"
assert_eq "which the server knows, each" "" "$(comm -23 <(echo "$logged_backends") \
    <(sql "SELECT pid FROM pg_stat_activity WHERE datname = current_database()" | sort))"
assert_match "a statement in no transaction says so, and its name" ' statement=[a-z_]+ .* tx=idle' \
    "$(logged INFO parts_crud.get_part_usage_history)"
assert_eq "no call is logged as shorter than its sleep" "" \
    "$(paste <(times parts_crud.get_part_usage_history) <(printf '%s\n' "${naps[@]}" | sort -n) |
        awk '$1 < 1000 * $2')"
check "nor are all of them longer than they can have been" test \
    "$(times parts_crud.get_part_usage_history | awk '{ sum += $1 } END { print int(sum) }')" \
    -le $(((${EPOCHREALTIME/./} - began) / 1000))
assert_match "a request has status and allowed parameters" ' status=200 .* param\.limit=7$' \
    "$(logged INFO api.get_part_usage)"
parts_call GET '/parts/search?q=secret-word&limit=3' >"$TEST_DIR/status"
searched() {
    [ -n "$(logged '[A-Z]*' api.search_parts)" ]
}
wait_for 15 searched || true
assert_match "of the others nothing is kept" ' param\.limit=3$' "$(logged '[A-Z]*' api.search_parts)"
assert_eq "not even their values" 0 "$(grep -c secret-word "$log")"
assert_eq "every line is logfmt" "" "$(grep -vE \
    '^ts=[0-9T:.-]+Z level=[A-Z]+ pid=[0-9]+ ([a-z_.]+=("[^"]*"|[^ "]*) )*[a-z_.]+=("[^"]*"|[^ "]*)$' "$log" || true)"
assert_eq "times are UTC and now, in order" "$begun now" "$(
    { echo "$begun" && tail -1 "$log" | cut -c 4-22 && date -u +%Y-%m-%dT%H:%M:%S; } |
        { sort -c 2>&1 && echo "$begun now"; })"
assert_eq "the log is the user's alone" 600 "$(stat -c %a "$log")"
assert_eq "slow calls keep their parameters too" 7 \
    "$("$PERFSPY_CTL" slow -p "$SERVER_PID" --json | jq -r '[.calls[] | .parameters.limit // empty] | first')"

"$PERFSPY_CTL" slow -p "$SERVER_PID" --json >"$TEST_DIR/slow.json"
assert_json "slow statements keep theirs" "$TEST_DIR/slow.json" \
    'any(.calls[]; .sqlstate == "23505" and .transaction == "inerror" and .params > 0 and
        .server.database == $db and .server.host == $host and (.backend_pid | tostring | inside($pids)))' \
    --arg db "$PGDATABASE" --arg host "$PGHOST" --arg pids "$logged_backends"
assert_match "and show them in full" "server     $PGHOST:[0-9]+  database $PGDATABASE  user " \
    "$("$PERFSPY_CTL" slow -p "$SERVER_PID" --full)"

mv "$log" "$log.1"
nap 0
reopened() {
    [ -n "$(logged '[A-Z]*' api.get_part_usage 2>/dev/null)" ]
}
wait_for 15 reopened || true
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
wait_for 15 warned || true
assert_eq "by default only slow and failed calls" "WARNING" \
    "$(sed -n 's/.* level=\([A-Z]*\) .*event=call.*/\1/p' "$log" | sort -u)"
stop_process "$SERVER_PID"

parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules" PERFSPY_LOG=stderr
parts_login
nap 1.1
on_stderr() {
    grep -q ' level=WARNING .*event=call .*op="api.get_part_usage"' "$SERVER_LOG"
}
wait_for 15 on_stderr || true
check "standard error will do" on_stderr
stop_process "$SERVER_PID"

rm -f "$log"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules"
parts_login
nap 1.1
assert_eq "without PERFSPY_LOG nothing is logged" 1 "$(wc -l <"$SERVER_LOG")"

# More than can be logged: what is dropped is counted, slow and failed calls are not. The log goes
# through a pipe that is not read for a while, so that any number of calls becomes too many.
stop_process "$SERVER_PID"
mkfifo "$TEST_DIR/pipe"
cat >"$TEST_DIR/piped" <<'SH'
#!/bin/sh
cat "$TEST_DIR/pipe" >&2 &
echo $! >"$TEST_DIR/reader"
exec "$PARTS_SERVER" "$@" 2>"$TEST_DIR/pipe"
SH
chmod +x "$TEST_DIR/piped"
start_server PARTS_SERVER="$PARTS_SERVER" LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$rules" \
    PERFSPY_LOG=stderr PERFSPY_LOG_LEVEL=DEBUG "$TEST_DIR/piped" --listen 127.0.0.1:0 \
    --dsn "dbname=$PGDATABASE"
wait_for 30 curl -sf -o "$TEST_DIR/body" "$SERVER_URL/healthz"
reader=$(<"$TEST_DIR/reader")

look_at_dropped() {
    "$PERFSPY_CTL" stats -p "$SERVER_PID" --json >"$TEST_DIR/stats.json"
    calls=$(json "$TEST_DIR/stats.json" '[.operations[] | .calls] | add')
    dropped=$("$PERFSPY_CTL" ps -p "$SERVER_PID" --json | jq '.processes[0].self.log_dropped')
    lines=$(grep -c ' event=call ' "$SERVER_LOG" || true)
}
some_are_dropped() {
    wrk -t 1 -c 8 -d 2 "$SERVER_URL/healthz" >"$TEST_DIR/wrk"
    look_at_dropped
    [ "$dropped" -gt 0 ]
}
all_are_accounted_for() {
    look_at_dropped
    [ $((dropped + lines)) -ge "$calls" ]
}
kill -STOP "$reader"
check "under load some are dropped" wait_for 30 some_are_dropped
kill -CONT "$reader"
wait_for 15 all_are_accounted_for || true
look_at_dropped
assert_eq "every call is logged or counted as dropped" "$calls" "$((dropped + lines))"
check "and the log says so" grep -q 'event=log_dropped calls=' "$SERVER_LOG"
