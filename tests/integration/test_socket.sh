#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The library's socket: its protocol, clients that misbehave, peers that are refused.
. "$(dirname "$0")/lib/check.sh"

mkfifo "$TEST_DIR/in"
LD_PRELOAD=$PERFSPY_PRELOAD "$BUILD/victims/guest" lowest <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 &
guest=$!
exec 9>"$TEST_DIR/in"
on_exit kill "$guest"
wait_for 20 grep -q ready "$TEST_DIR/out"
socket=$(echo "$PERFSPY_DIR"/*.sock)

# Each line: a name, what to send, and what the answer must begin with.
cat >"$TEST_DIR/clients.py" <<'PYTHON'
import os, socket, struct, sys, time

path = sys.argv[1]

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.settimeout(60)
    return s

def everything(s):
    data = b""
    while part := s.recv(1 << 20):
        data += part
    return data

def ask(line):
    s = connect()
    s.sendall(line)
    return everything(s)

def report(what, good):
    print(("ok - " if good else "not ok - ") + what)

def framed(answer, verdict):
    head, _, body = answer.partition(b"\n")
    return head == b"%s %d" % (verdict, len(body))

dump = ask(b"dump\n")
report("dump is framed", framed(dump, b"ok"))
report("dump is a region", dump.partition(b"\n")[2][:8] == b"PRFSPLY1")
report("help is framed", framed(ask(b"help\n"), b"ok"))
report("an unknown command gets a polite error", framed(ask(b"dance\n"), b"error"))
report("an empty line gets a polite error", framed(ask(b"\n"), b"error"))
report("an endless line gets a polite error", framed(ask(b"x" * 287), b"error"))
report("binary gets a polite error", framed(ask(bytes(range(1, 10)) + b"\0\xff\n"), b"error"))

s = connect()
for byte in b"help\n":
    s.sendall(bytes([byte]))
    time.sleep(0.02)
report("a command may come in pieces", framed(everything(s), b"ok"))

def wait_behind_silent():                    # the answer to one that waits, and after what time
    silent = [connect() for _ in range(8)]   # as many as are served at a time
    late = connect()                         # waits in the backlog
    late.sendall(b"help\n")
    begin = time.monotonic()
    answer = everything(late)
    for s in silent:
        s.close()
    return answer, time.monotonic() - begin

answer, took = wait_behind_silent()
report("silent clients are dropped, waiting ones served", framed(answer, b"ok"))
for _ in range(4):                           # a busy machine is not so every time
    took = took if took < 8 else wait_behind_silent()[1]
report("within their deadline", took < 8)

slow = connect()                             # asks for 2 MB and does not read
slow.sendall(b"dump\n")
report("a client that does not read holds nobody up", framed(ask(b"help\n"), b"ok"))
slow.close()

for _ in range(50):
    hasty = connect()
    hasty.sendall(b"dump\n")
    hasty.close()
report("clients that leave at once do no harm", framed(ask(b"help\n"), b"ok"))
PYTHON
/usr/bin/python3 "$TEST_DIR/clients.py" "$socket" >"$TEST_DIR/checks"
while read -r line; do
    case $line in
        "ok - "*) ok "${line#ok - }" ;;
        *) not_ok "${line#not ok - }" ;;
    esac
done <"$TEST_DIR/checks"
assert_eq "all of them were made" 12 "$(wc -l <"$TEST_DIR/checks")"

assert_eq "the region is the user's alone" 600 "$(stat -c %a "$PERFSPY_DIR"/*.region)"
assert_eq "and so is the directory" 700 "$(stat -c %a "$PERFSPY_DIR")"

# Another user, for whom every door on the way is open, is refused by the library itself.
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$TEST_DIR" "$PERFSPY_DIR"
    chmod 777 "$socket"
    answer=$(setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"dump\n")
print(s.makefile().read())' "$socket" 2>&1 || true)
    assert_match "another user is refused" '^error [0-9]+.refused: ' "$answer"
else
    skip "another user is refused" "needs root to become another user"
fi

# A process that cannot answer is read from its file.
kill -STOP "$guest"
assert_eq "a stopped process is read all the same" live \
    "$("$PERFSPY_CTL" ps -p "$guest" --json | jq -r '.processes[0].state')"
kill -CONT "$guest"
