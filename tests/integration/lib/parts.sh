# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The parts service as the tests and the demo use it. Needs process.sh, a database in libpq's
# environment and TEST_DIR.

export PARTS_ADMIN_USER=admin PARTS_ADMIN_PASSWORD=correct-horse-battery

# parts_init [OPTION...]: schema and seed data, e.g. parts_init --parts 500
parts_init() {
    "$PARTS_SERVER" --init --dsn "dbname=$PGDATABASE" "$@"
}

# parts_start [NAME=VALUE...] [-- OPTION...]: the service on a free port, ready to answer.
parts_start() {
    local settings=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    start_server "${settings[@]}" "$PARTS_SERVER" --listen 127.0.0.1:0 \
        --dsn "dbname=$PGDATABASE" "${@:2}"
    wait_for 30 curl -sf -o "$TEST_DIR/body" "$SERVER_URL/healthz"
}

# parts_login: fetches a bearer token; parts_call sends it from then on.
parts_login() {
    PARTS_TOKEN=$(curl -sSf "$SERVER_URL/token" --data-urlencode "username=$PARTS_ADMIN_USER" \
        --data-urlencode "password=$PARTS_ADMIN_PASSWORD" | jq -er .access_token)
}

# parts_call METHOD PATH [JSON]: prints the status code; the body is in $TEST_DIR/body.
parts_call() {
    curl -sS -o "$TEST_DIR/body" -w '%{http_code}\n' -X "$1" "$SERVER_URL$2" \
        -H "Authorization: Bearer ${PARTS_TOKEN:-}" \
        ${3:+-H 'Content-Type: application/json' --data-binary "$3"}
}

# parts_request METHOD PATH [CURL-OPTION...]: sets STATUS, 000 where there was no answer; the body
# is in $TEST_DIR/body, the headers in $TEST_DIR/head. Sends the token if there is one.
parts_request() {
    local method=$1 path=$2 auth=()
    shift 2
    [ -z "${PARTS_TOKEN:-}" ] || auth=(-H "Authorization: Bearer $PARTS_TOKEN")
    : >"$TEST_DIR/body"
    : >"$TEST_DIR/head"
    STATUS=$(curl -s --max-time 60 -X "$method" -o "$TEST_DIR/body" -D "$TEST_DIR/head" \
        -w '%{http_code}' "${auth[@]}" "$@" "$SERVER_URL$path") || STATUS=000
}

# parts_send METHOD PATH JSON: a request with that body.
parts_send() {
    parts_request "$1" "$2" -H 'Content-Type: application/json' --data-binary "$3"
}

# parts_header NAME: its value in the last answer to parts_request.
parts_header() {
    sed -n "s/^$1: *//Ip" "$TEST_DIR/head" | tr -d '\r'
}

# parts_body FILTER: what jq makes of that answer's body.
parts_body() {
    json "$TEST_DIR/body" "$1" 2>/dev/null || echo "(not JSON)"
}

# parts_patient_rules: the service's rules with every limit a thousand times as long, so that none is
# reached because a machine is busy.
parts_patient_rules() {
    sed -E 's/\b([0-9]+)s\b/\1000s/g; s/\b([0-9]+)ms\b/\1s/g' rules/parts.yml
}

# parts_requests_counted PID NUMBER FILE: leaves what perfspy-ctl's stats say of the process in FILE;
# true if they count that many requests or more, those for the service's health aside.
parts_requests_counted() {
    "$PERFSPY_CTL" stats -p "$1" --json >"$3" 2>/dev/null && jq -e '([.operations[] |
        select(.kind == "http" and (.operation | endswith("healthz") | not)) | .calls] | add)
        >= $number' --argjson number "$2" "$3" >/dev/null
}

# parts_await_requests PID NUMBER [FILE]: until that is true. A thread counts a request when it has
# sent the answer, which the client may have had for long: who looks at numbers of requests has to wait
# for the last of them. Whether it ever came, and no more than that, is for the caller's checks to say.
parts_await_requests() {
    wait_for 15 parts_requests_counted "$1" "$2" "${3:-$TEST_DIR/counted.json}" || true
}

# The following are checks, and need check.sh.

# parts_gives WHAT STATUS [FILTER WANT]...: of the last answer.
parts_gives() {
    local what=$1 want=$2 got=$STATUS
    shift 2
    while [ $# -gt 0 ]; do
        want+="|$2"
        got+="|$(parts_body "$1")"
        shift 2
    done
    assert_eq "$what" "$want" "$got"
}

# parts_refuses WHAT STATUS CODE FIELD: the last answer is that error.
parts_refuses() {
    parts_gives "$1" "$2" .error.code "$3" .error.field "$4" '.error.message | length > 5' true
}

# parts_ends WHAT: the service, asked to end, does so with status 0.
parts_ends() {
    local status=0
    stop_process "$SERVER_PID" || status=$?
    assert_eq "$1" 0 "$status"
}
