#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Attaching to a program whose connections go over TLS, and leaving it, in the middle of something:
# what comes after is counted, with its times; the program gets what it would have got.
# time limit: 120
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims

key=$TEST_DIR/key.pem
cert=$TEST_DIR/cert.pem
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$key" -out "$cert" -days 2 -subj /CN=localhost \
    2>"$TEST_DIR/openssl.log"

# watch WHAT: attaches. Sets ATTACHED, microseconds.
watch() {
    ATTACHED=${EPOCHREALTIME/./}
    check "$1: attach" attach
}

leave() {
    check "$1: detach" detach
}

# All that was counted: "OPERATION OR STATEMENT=CALLS", sorted.
counted() {
    "$PERFSPY_CTL" stats -p "$VICTIM" --json >"$STATS" || return 0
    json "$STATS" '[.operations[] | select(.calls > 0) |
        "\(if .kind == "http" or .mapped or .statement == null then .operation else .statement end)=\(.calls)"] |
        sort | join(", ")'
}

# Nothing failed, and nothing took longer than the process was watched.
plausible() {
    local watched_ms=$(((${EPOCHREALTIME/./} - ATTACHED) / 1000 + 1))
    assert_eq "$1: nothing failed, or took longer than anybody watched" 0 \
        "$(json "$STATS" '[.operations[] | select(.max_ms > $most or .min_ms < 0 or .max_ms < .min_ms or .errors > 0)] |
            length' --argjson most "$watched_ms")"
}

# ---- libpq ------------------------------------------------------------------------------------

start_server /usr/bin/python3 "$(dirname "$0")/lib/tlsproxy.py" "$key" "$cert" "$PGHOST/.s.PGSQL.$PGPORT"
dsn="host=127.0.0.1 port=${SERVER_URL##*:} sslmode=require dbname=$PGDATABASE"
assert_eq "the connection is one by TLS" on "$(psql -XqAt "$dsn" -c '\conninfo' |
    grep -q 'SSL connection' && echo on)"

begin "$victims/joined-now" "$dsn"
attach_first
ends_well "the first"

one='select ?, generate_series(?, ?)'

# middle WHAT FIRST SECOND: attached to between these two steps; left, and attached to again, between
# them once more.
middle() {
    begin "$victims/joined-now" "$dsn"
    tell "$2"
    watch "$1"
    tell "$3"
    tell 'exec 2'
    assert_eq "$1: what is counted" "$one=2" "$(counted)"
    plausible "$1"
    tell "$2"
    leave "$1"
    tell "$3"
    tell 'exec 3'
    tell "$2"
    watch "$1, again"
    tell "$3"
    tell 'exec 4'
    assert_eq "$1: and again" "$one=6" "$(counted)"
    plausible "$1, again"
    assert_eq "$1: the same results" \
        "$(printf '%s\n' "$2" "$3" 'exec 2' "$2" "$3" 'exec 3' "$2" "$3" 'exec 4' |
            "$victims/joined-now" "$dsn" | tail -n 1)" "$(tail -n 1 "$TEST_DIR/out")"
    ends_well "$1"
}

middle "COPY from the server" out rest
middle "single rows" single all
middle "a pipeline" pipe sync

# Where its time goes: the server sleeps before the first row, and the program before it takes the
# others.
cat >"$TEST_DIR/drive.py" <<'END'
import psycopg2, sys, time
connection = psycopg2.connect(sys.argv[1])
cursor = connection.cursor()
print("ready", flush=True)
for line in sys.stdin:
    cursor.execute("SELECT pg_sleep(0.3), %s", (line,))
    assert cursor.fetchone()[1] == line
    print("done", flush=True)
END
begin /usr/bin/python3 "$TEST_DIR/drive.py" "$dsn"
tell one
watch "times"
tell two
assert_eq "times: what is counted" "select pg_sleep(?), ?=1" "$(counted)"
plausible "times"
assert_json "times: the wait is the server's" "$STATS" '.operations[] |
    select(.kind == "sql" and .calls == 1) | .wait_ms >= 300'
leave "times"
tell three
ends_well "times"

# ---- an HTTPS server ---------------------------------------------------------------------------

# Both ends of one connection: the client's is no server, and never counted.
cat >"$TEST_DIR/serve.py" <<'END'
import socket, ssl, sys, threading
key, cert = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
ours, theirs = socket.socketpair()
ends = []
shaking = threading.Thread(target=lambda: ends.append(trusting.wrap_socket(theirs)))
shaking.start()
server = context.wrap_socket(ours, server_side=True)
shaking.join()
client = ends[0]
print("ready", flush=True)
for line in sys.stdin:
    verb, _, text = line.rstrip("\n").partition(" ")
    data = text.encode().decode("unicode_escape").encode()
    sender, receiver = (client, server) if verb == "ask" else (server, client)
    sender.sendall(data)
    got = b""
    while len(got) < len(data):
        got += receiver.recv(65536)
    assert got == data
    print("done", flush=True)
END

ok='say HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

# http WHAT BEFORE AFTER: attached to between these two steps, then a whole request; left between
# them once more, and joined again after a request that nobody watched.
http() {
    begin /usr/bin/python3 "$TEST_DIR/serve.py" "$key" "$cert"
    tell "$2"
    watch "$1"
    tell "$3"
    tell 'ask GET /after HTTP/1.1\r\nHost: x\r\n\r\n'
    tell "$ok"
    assert_eq "$1: what is counted" "GET /after=1" "$(counted)"
    plausible "$1"
    tell 'ask GET /left HTTP/1.1\r\nHost: x\r\n\r\n'
    leave "$1"
    tell "$ok"
    tell 'ask GET /unseen HTTP/1.1\r\nHost: x\r\n\r\n'
    tell "$ok"
    watch "$1, again"
    tell 'ask GET /after HTTP/1.1\r\nHost: x\r\n\r\n'
    tell "$ok"
    assert_eq "$1: and again" "GET /after=2" "$(counted)"
    plausible "$1, again"
    ends_well "$1"
}

http "a request that was read" 'ask GET /asked HTTP/1.1\r\nHost: x\r\n\r\n' "$ok"
http "a response's head" 'say HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok' 'say ok'
http "half a request's body" 'ask POST /half HTTP/1.1\r\nContent-Length: 8\r\n\r\nhalf' 'ask half'
