#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# HTTP behind TLS, by every call of OpenSSL and GnuTLS that moves plain text, in programs that are
# linked with the library and in one that loads it for itself: the program does the same, watched or
# not, every request is counted once, with all its bytes, and no client's session is.
. "$(dirname "$0")/lib/check.sh"

run_dir=$TEST_DIR/perfspy
stats=$TEST_DIR/stats.json
key=$TEST_DIR/key.pem
cert=$TEST_DIR/cert.pem
response=40 # bytes of the victims' response
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$key" -out "$cert" -days 2 -subj /CN=localhost \
    2>"$TEST_DIR/openssl.log"

# run WHAT COMMAND...: watched, until it is ready; its output is held against that of an unwatched one.
run() {
    local what=$1 victim
    shift
    rm -rf "$run_dir"
    "$@" </dev/null >"$TEST_DIR/bare" 2>&1
    mkfifo "$TEST_DIR/in"
    LD_PRELOAD=$PERFSPY_PRELOAD "$@" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 &
    victim=$!
    exec 9>"$TEST_DIR/in"
    rm "$TEST_DIR/in"
    wait_for 60 grep -q ready "$TEST_DIR/out"
    "$PERFSPY_CTL" stats -p "$victim" --json >"$stats"
    lost=$("$PERFSPY_CTL" ps -p "$victim" --json | jq '.processes[0].self.streams_lost')
    exec 9>&-
    wait "$victim" || not_ok "$what ended with status $?"
    assert_eq "$what: the program notices nothing" "$(<"$TEST_DIR/bare")" "$(<"$TEST_DIR/out")"
}

# counted NAME: of the requests by that name: how many, how many aborted, bytes in and out.
counted() {
    json "$stats" '.operations[] | select(.operation == $o and .calls > 0)
        | "\(.calls) \(.aborted) \(.bytes_in) \(.bytes_out)"' --arg o "GET /$1"
}

# times N NAME...: N requests of each, answered, with all bytes.
times() {
    local n=$1 name
    shift
    for name in "$@"; do
        assert_eq "by $name" "$n 0 $((n * (27 + ${#name}))) $((n * response))" "$(counted "$name")"
    done
}

# left NAME...: read, and not answered before the connection was gone.
left() {
    local name
    for name in "$@"; do
        assert_eq "$name: aborted" "1 1 $((27 + ${#name})) 0" "$(counted "$name")"
    done
}

# slow WHAT: 4 MiB to a client that took 0.3 s before it read the first of them.
slow() {
    assert_eq "$1: a response in many writes" "1 0 31 4194248" "$(counted slow)"
    assert_json "$1: the time in which the connection was full is known" "$stats" \
        '.operations[] | select(.operation == "GET /slow") | .blocked_ms >= 300'
}

# nothing_else WHAT CALLS: clients' sessions, ciphertext and what is not HTTP were not counted.
nothing_else() {
    assert_eq "$1: nothing else was counted, and nothing lost" "$2 0" \
        "$(json "$stats" '[.operations[] | select(.kind == "http") | .calls] | add') $lost"
}

run OpenSSL "$BUILD/victims/tls_openssl" "$key" "$cert"
times 1 read read_ex byte_by_byte write_ex
times 2 memory cleared
left memory_left cleared_left closed_left
slow OpenSSL
nothing_else OpenSSL 12

run GnuTLS "$BUILD/victims/tls_gnutls" "$key" "$cert"
times 1 recv recv_seq recv_packet send2 send_range send_file corked
left left
slow GnuTLS
nothing_else GnuTLS 9

# Python's ssl module loads libssl where RTLD_NEXT does not find it.
cat >"$TEST_DIR/local.py" <<'PYTHON'
import ssl, sys

def session(purpose, out, back, server):
    context = ssl.SSLContext(purpose)
    if server:
        context.load_cert_chain(sys.argv[2], sys.argv[1])
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_bio(back, out, server_side=server)

def shake(session):
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass

up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
client = session(ssl.PROTOCOL_TLS_CLIENT, up, down, False)
server = session(ssl.PROTOCOL_TLS_SERVER, down, up, True)
for _ in range(3):
    shake(client)
    shake(server)
client.write(b"GET /local HTTP/1.1\r\nHost: h\r\n\r\n")
print(len(server.read(1000)))
server.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
print(client.read(1000))
print("ready", flush=True)
sys.stdin.read()
PYTHON
run "an own libssl" /usr/bin/python3 "$TEST_DIR/local.py" "$key" "$cert"
times 1 local
nothing_else "an own libssl" 1

# A client and nothing else.
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
printf hello >"$TEST_DIR/hello"
mkfifo "$TEST_DIR/never"
exec 8<>"$TEST_DIR/never"
"$BUILD/victims/microhttpd" "$port" "$TEST_DIR" "$key" "$cert" <&8 >"$TEST_DIR/microhttpd.log" 2>&1 &
on_exit stop_process "$!"
wait_for 20 curl -sko "$TEST_DIR/body" "https://127.0.0.1:$port/hello"
rm -rf "$run_dir"
assert_eq "a client is answered" hello \
    "$(LD_PRELOAD=$PERFSPY_PRELOAD curl -sk "https://127.0.0.1:$port/hello")"
assert_eq "and leaves no trace" "" "$(ls -A "$run_dir" 2>/dev/null)"
