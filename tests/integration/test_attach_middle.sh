#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching in the middle of something: what was not seen from its beginning is not counted, or only
# as what can be told of it; what comes after it is, each with its own time; the program gets what it
# would have got.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
dsn="dbname=$PGDATABASE"

# All that was counted: "OPERATION OR STATEMENT=CALLS", sorted. Nothing that was may have taken longer
# than the process was watched.
counted() {
    "$PERFSPY_CTL" stats -p "$VICTIM" --json >"$STATS" || return 0
    json "$STATS" '[.operations[] | select(.calls > 0) |
        "\(if .kind == "http" or .mapped or .statement == null then .operation else .statement end)=\(.calls)"] |
        sort | join(", ")'
}

# Times are of a process that is watched since ATTACHED.
plausible() {
    local watched_ms=$(((${EPOCHREALTIME/./} - ATTACHED) / 1000 + 1))
    json "$STATS" '[.operations[] | select(.max_ms > $most or .min_ms < 0 or .max_ms < .min_ms or .errors > 0)] |
        length' --argjson most "$watched_ms"
}

# result STEP...: what the program says to these steps when nobody is there.
result() {
    printf '%s\n' "$@" | "$victims/joined-now" "$dsn" | tail -n 1
}

# middle WHAT FIRST SECOND [COUNTED [COUNTED]]: attached to between these two steps. What of the second
# one is counted stands, in the order of counted(), before and after two more statements.
middle() {
    begin "$victims/joined-now" "$dsn"
    tell "$2"
    ATTACHED=${EPOCHREALTIME/./}
    attach >"$TEST_DIR/attach" 2>&1 || cat "$TEST_DIR/attach"
    tell "$3"
    tell 'exec 2'
    assert_eq "$1: what is counted" "${4:+$4, }select ?, generate_series(?, ?)=2${5:+, $5}" "$(counted)"
    assert_eq "$1: nothing failed, or took longer than anybody watched" 0 "$(plausible)"
    assert_eq "$1: the same results" "$(result "$2" "$3" 'exec 2')" "$(tail -n 1 "$TEST_DIR/out")"
    ends_well "$1"
}

begin "$victims/joined-now" "$dsn"
attach_first
ends_well "the first"

middle "COPY to the server" copy end
middle "COPY from the server" out rest
middle "single rows" single all
middle "a pipeline" pipe sync
middle "a transaction" begin end-it 'commit=1' 'select ?=1'
middle "a connection that is being made" start poll '' 'select ?=1'
middle "a statement prepared before" prepare run 'prepared:kept=1'
printf '%s\n' 'version: 1' 'operations:' '  - {name: keeper, prepared: kept}' >"$TEST_DIR/kept.yml"
ATTACH_OPTIONS=(--rules "$TEST_DIR/kept.yml")
middle "a statement prepared before, by a rule" prepare run 'keeper=1'

# ---- a server ---------------------------------------------------------------------------------

cat >"$TEST_DIR/serve.py" <<'END'
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
for line in sys.stdin:
    verb, _, text = line.rstrip("\n").partition(" ")
    if verb == "accept":
        conn, _ = listener.accept()
    elif verb == "recv":
        left = int(text)
        while left > 0:
            left -= len(conn.recv(left))
    else:
        conn.sendall(text.encode().decode("unicode_escape").encode())
    print("done", flush=True)
END

# http BEFORE...: a server, with a client that has sent and got this much: SEND TEXT to the server,
# or a step of it.
http() {
    ATTACH_OPTIONS=()
    begin python3 "$TEST_DIR/serve.py"
    exec 8<>"/dev/tcp/127.0.0.1/$(awk '/ready/ { print $2 }' "$TEST_DIR/out")"
    tell accept
    steps "$@"
    ATTACHED=${EPOCHREALTIME/./}
    attach >"$TEST_DIR/attach" 2>&1 || cat "$TEST_DIR/attach"
}

# What was sent may come in pieces: `recv` is for all of it.
steps() {
    local step sent
    for step; do
        case $step in
            'SEND '*)
                printf -v sent '%b' "${step#SEND }"
                printf '%s' "$sent" >&8
                ;;
            recv) tell "recv ${#sent}" ;;
            *) tell "$step" ;;
        esac
    done
}

# then WHAT COUNTED STEP...: what comes after, and one more whole request in the same connection.
then_() {
    local what=$1 want=$2
    shift 2
    steps "$@" 'SEND GET /after HTTP/1.1\r\nHost: x\r\n\r\n' recv 'send HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    assert_eq "$what: what is counted" "$want" "$(counted)"
    assert_eq "$what: nothing failed, or took longer than anybody watched" 0 "$(plausible)"
    exec 8>&-
    ends_well "$what"
}

ok='send HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
http 'SEND GET /half HTTP/1.1\r\nHost:' recv
then_ "half a request's head" 'GET /after=1' 'SEND  x\r\n\r\n' recv "$ok"
http 'SEND POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf' recv
then_ "half a request's body" 'GET /after=1' 'SEND more\n' recv "$ok"
http 'SEND GET /asked HTTP/1.1\r\nHost: x\r\n\r\n' recv
then_ "a request that was read" 'GET /after=1' "$ok"
http 'SEND GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n' recv 'send HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'
then_ "a chunked response" 'GET /after=1' 'send 4\r\nmore\r\n' 'send 0\r\n\r\n'
http 'SEND GET /before HTTP/1.1\r\nHost: x\r\n\r\n' recv "$ok"
then_ "between two requests" 'GET /after=1'
