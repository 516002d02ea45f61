#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The life of parts_server: options and --init, tokens that expire, connections to the database that
# run out or break, and how it stops.
. "$(dirname "$0")/lib/check.sh"

# ---- command line -----------------------------------------------------------------------------

assert_match 'help names the options' '--pool-wait' "$("$PARTS_SERVER" --help)"
assert_match 'version' '^parts_server [0-9]' "$("$PARTS_SERVER" --version)"
for options in '--bogus' '--threads 0' '--threads x' '--pool' '--listen nowhere' '--listen ::1:80' \
    '--parts 5' '--init --threads 3' '--pool 2 --pool 3' 'stray'; do
    status=0
    # shellcheck disable=SC2086 # several words
    "$PARTS_SERVER" $options >/dev/null 2>"$TEST_DIR/usage" || status=$?
    assert_eq "usage error for '$options'" "64 1" "$status $(wc -l <"$TEST_DIR/usage")"
done

# ---- init -------------------------------------------------------------------------------------

all_parts() {
    sql "SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM parts AS p"
}

assert_status 'init refuses a user without a password' 64 \
    env -u PARTS_ADMIN_PASSWORD "$PARTS_SERVER" --init --dsn "dbname=$PGDATABASE"
assert_status 'init without a database' 69 "$PARTS_SERVER" --init --dsn "dbname=parts_none"
env -u PARTS_ADMIN_USER -u PARTS_ADMIN_PASSWORD \
    "$PARTS_SERVER" --init --dsn "dbname=$PGDATABASE" --parts 200 2>"$TEST_DIR/init.log"
assert_match 'init says that no user was made' 'no user was made' "$(<"$TEST_DIR/init.log")"
assert_eq 'init seeds' '200|t|t' "$(sql "SELECT count(*), (SELECT count(*) FROM inventory) > 200,
    (SELECT count(*) FROM usage_history) > 200 FROM parts")"
before=$(all_parts)
parts_init --parts 300 2>"$TEST_DIR/init.log"
assert_eq 'a second init changes no part' "$before" "$(all_parts)"
assert_eq 'a second init makes the user' admin \
    "$(sql "SELECT role FROM users WHERE username = 'admin'")"

# ---- tokens expire ----------------------------------------------------------------------------

# Some request is made before its token is too old, also on a busy machine.
fresh_token_serves() {
    parts_login
    parts_request GET /parts/1
    [ "$STATUS" = 200 ]
}

parts_start -- --token-ttl 1 --threads 1 --pool 1
wait_for 5 fresh_token_serves || true
parts_gives 'a fresh token' 200 .id 1
sleep 1.2
parts_request GET /parts/1
parts_refuses 'an expired token' 401 unauthorised null
parts_ends 'a server of one thread ends with'

# ---- a lock that requests wait for ------------------------------------------------------------

locked() {
    grep -q locked "$TEST_DIR/lock"
}

# lock_part ID: another client holds its row, until unlock_part.
lock_part() {
    : >"$TEST_DIR/lock"
    PGAPPNAME=locker psql -XqAt -c "BEGIN; SELECT 'locked' FROM parts WHERE id = $1 FOR UPDATE" \
        -c "SELECT pg_sleep(600)" >"$TEST_DIR/lock" 2>&1 &
    locker=$!
    on_exit stop_process "$locker"
    wait_for 15 locked
}

unlock_part() {
    sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'locker'" >"$TEST_DIR/unlock"
    wait "$locker" || true
}

put_is_blocked() {
    [ "$(sql "SELECT count(*) FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event_type = 'Lock'")" = 1 ]
}

# blocked_put ID NAME: begins to rename the part, which is locked.
blocked_put() {
    parts_request GET "/parts/$1"
    : >"$TEST_DIR/put.body"
    jq --arg name "$2" '.name = $name' "$TEST_DIR/body" >"$TEST_DIR/part"
    curl -s -o "$TEST_DIR/put.body" -w '%{http_code}' -X PUT "$SERVER_URL/parts/$1" \
        -H "Authorization: Bearer $PARTS_TOKEN" -H 'Content-Type: application/json' \
        --data-binary "@$TEST_DIR/part" >"$TEST_DIR/put.status" &
    put=$!
    on_exit stop_process "$put"
    wait_for 15 put_is_blocked
}

# put_gives WHAT STATUS CODE: what it ended with.
put_gives() {
    wait "$put" || true
    assert_eq "$1" "$2 $3" "$(<"$TEST_DIR/put.status") $(json "$TEST_DIR/put.body" .error.code)"
}

served() {
    parts_request GET /parts/1
    [ "$STATUS" = 200 ]
}

# ---- connections run out ----------------------------------------------------------------------

# Whoever looks whether the statement is blocked does so long before it has taken too long.
parts_start -- --pool 1 --threads 4 --pool-wait 300 --query-timeout 10000
parts_login
lock_part 10
blocked_put 10 late
parts_request GET /parts/11
parts_refuses 'all connections busy' 503 overloaded null
assert_eq 'a 503 says when to come back' 1 "$(parts_header Retry-After)"
put_gives 'a statement that takes too long' 503 database_unavailable
check 'the connection serves again' wait_for 15 served
unlock_part
parts_ends 'SIGTERM ends an idle server with'

# ---- connections break ------------------------------------------------------------------------

backends() {
    sql "SELECT string_agg(pid::text, ',') FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'parts_server'"
}

# gone PIDS: those backends, separated by commas, have ended, and their sockets are closed; that they
# are no longer listed says less.
gone() {
    local pid
    for pid in ${1//,/ }; do
        process_ended "$pid" || return 1
    done
}

# allow_connections BOOLEAN
allow_connections() {
    psql -Xqd postgres -c "ALTER DATABASE $PGDATABASE ALLOW_CONNECTIONS $1"
}

parts_start -- --pool 2 --threads 2
parts_login
served_pid=$SERVER_PID served_url=$SERVER_URL
pids=$(backends)
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN ($pids)" \
    >"$TEST_DIR/terminated"
wait_for 15 gone "$pids"
parts_request GET /parts/1
parts_gives 'a connection that died idle costs no request' 200 .id 1

pids=$(backends)
allow_connections false
psql -XqAtd postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = '$PGDATABASE'" >"$TEST_DIR/terminated"
wait_for 15 gone "$pids"
parts_request GET /healthz
parts_refuses 'healthz without a database' 503 database_unavailable null
parts_request GET /parts/1
parts_refuses 'a request without a database' 503 database_unavailable null
start_server "$PARTS_SERVER" --listen 127.0.0.1:0 --dsn "dbname=$PGDATABASE" --pool 1 --threads 1
parts_request GET /healthz
parts_refuses 'a server started without a database' 503 database_unavailable null
parts_ends 'and stopped without one'
allow_connections true
SERVER_PID=$served_pid SERVER_URL=$served_url
check 'the service comes back with the database' wait_for 15 served
healthy() {
    parts_request GET /healthz
    [ "$STATUS" = 200 ]
}
wait_for 15 healthy || true
parts_gives 'healthz comes back' 200 .status ok
parts_ends 'stopped after all that with'

# ---- draining ---------------------------------------------------------------------------------

connection_refused() {
    local status=0
    curl -s -o "$TEST_DIR/body" --max-time 5 "$SERVER_URL/healthz" || status=$?
    [ "$status" = 7 ]
}

parts_start -- --pool 2 --threads 2 --drain 600000 --query-timeout 600000
parts_login
lock_part 10
blocked_put 10 drained
kill -TERM "$SERVER_PID"
check 'a draining server accepts no more' wait_for 15 connection_refused
check_fails 'a draining server runs on' process_ended "$SERVER_PID"
unlock_part
put_gives 'the request in flight is answered' 200 null
assert_eq 'and done' drained "$(sql 'SELECT name FROM parts WHERE id = 10')"
parts_ends 'a drained server ends with'

parts_start -- --pool 2 --threads 2 --drain 300 --query-timeout 600000
parts_login
lock_part 10
blocked_put 10 cut
parts_ends 'a server that waited long enough ends with'
check 'the wait for requests is bounded: this one would still wait' running "$locker"
put_gives 'the request cut off is told so' 503 database_unavailable
unlock_part
