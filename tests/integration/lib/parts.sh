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
