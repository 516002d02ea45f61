# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# parts_lib.sh: helpers of test_parts_api.sh: a database of its own, parts_server processes,
# requests by curl, and the counting of checks. Sourced, never run.
#
# Needs PARTS_SERVER and the PG* variables of a running PostgreSQL whose user may create databases.

PASSED=0
FAILED=0

ok() {
    PASSED=$((PASSED + 1))
    echo "ok $((PASSED + FAILED)) - $1"
}

not_ok() {
    FAILED=$((FAILED + 1))
    echo "not ok $((PASSED + FAILED)) - $1"
    [ -z "${2:-}" ] || echo "#   $2"
}

# same WHAT EXPECTED ACTUAL
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected '$2', got '$3'"; fi
}

# Each server's process id and log, by the name it was started under.
declare -A SERVER_PID=()

# start_server NAME [OPTIONS...]: runs parts_server on a free port and sets URL to it.
start_server() {
    local name=$1 log=$WORK/$1.log
    shift
    : >"$log"
    "$PARTS_SERVER" --listen 127.0.0.1:0 --dsn "dbname=$DB" "$@" 2>"$log" &
    SERVER_PID[$name]=$!
    for _ in $(seq 200); do
        URL=http://$(sed -n 's/^parts_server: listening on //p' "$log")
        [ "$URL" = http:// ] || return 0
        kill -0 "${SERVER_PID[$name]}" 2>/dev/null || break
        sleep 0.05
    done
    echo "parts_server did not start:" >&2
    cat "$log" >&2
    return 1
}

# stop_server NAME: SIGTERM; leaves its exit code in STOP_CODE.
# shellcheck disable=SC2034 # STOP_CODE is for the caller
stop_server() {
    kill -TERM "${SERVER_PID[$1]}" 2>/dev/null || true
    STOP_CODE=0
    wait "${SERVER_PID[$1]}" || STOP_CODE=$?
    unset "SERVER_PID[$1]"
}

# login USER PASSWORD: prints a token.
login() {
    curl -s --max-time 10 "$URL/token" --data-urlencode "username=$1" --data-urlencode "password=$2" |
        jq -r .access_token
}

# http METHOD PATH [CURL OPTIONS...]: sets STATUS, and leaves the body in $WORK/body and the
# headers in $WORK/head. Sends $TOKEN when it is not empty.
http() {
    local method=$1 path=$2
    shift 2
    local auth=()
    [ -z "${TOKEN:-}" ] || auth=(-H "Authorization: Bearer $TOKEN")
    : >"$WORK/body"
    STATUS=$(curl -s --max-time 20 -X "$method" -o "$WORK/body" -D "$WORK/head" -w '%{http_code}' \
        "${auth[@]}" "$@" "$URL$path") || STATUS=000
}

# http for POST and PUT: send METHOD PATH JSON
send() {
    http "$1" "$2" -H 'Content-Type: application/json' --data-binary "$3"
}

# header NAME: its value in the last response
header() {
    sed -n "s/^$1: *//Ip" "$WORK/head" | tr -d '\r' | head -n 1
}

# body FILTER: what jq makes of the last body
body() {
    jq -r "$1" "$WORK/body" 2>/dev/null || echo "(not JSON)"
}

# gives WHAT STATUS [FILTER EXPECTED]...: checks the last response
gives() {
    local what=$1 wanted=$2 got=$STATUS
    shift 2
    while [ $# -gt 0 ]; do
        wanted="$wanted|$2"
        got="$got|$(body "$1")"
        shift 2
    done
    same "$what" "$wanted" "$got"
}

# refuses WHAT STATUS CODE FIELD: checks that the last response is that error as JSON
refuses() {
    gives "$1" "$2" '.error.code' "$3" '.error.field' "$4" '.error.message | length > 5' true
}

# sql TEXT: runs it in the test's database
sql() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$DB" -c "$1"
}

setup() {
    WORK=$(mktemp -d)
    DB=parts_api_$$
    psql -X -q -d "${PGDATABASE:-postgres}" \
        -c "CREATE DATABASE $DB ENCODING 'UTF8' TEMPLATE template0" >/dev/null
}

# Ends everything that the test began, however it ends.
cleanup() {
    local code=$? name
    for name in "${!SERVER_PID[@]}"; do
        kill -KILL "${SERVER_PID[$name]}" 2>/dev/null || true
        wait "${SERVER_PID[$name]}" 2>/dev/null || true
    done
    [ -z "${LOCKER_PID:-}" ] || kill "$LOCKER_PID" 2>/dev/null || true
    psql -X -q -d "${PGDATABASE:-postgres}" \
        -c "DROP DATABASE IF EXISTS ${DB:-none} WITH (FORCE)" >/dev/null 2>&1 || true
    rm -rf "${WORK:-}"
    exit "$code"
}

summary() {
    echo "$PASSED passed, $FAILED failed"
    [ "$FAILED" -eq 0 ]
}
