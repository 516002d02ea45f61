#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# perfspy-ctl doctor: for each reason why there is no data, or not all, it says that one, and what
# it says to do helps.
. "$(dirname "$0")/lib/check.sh"
. "$(dirname "$0")/lib/console.sh"

found=$TEST_DIR/findings.json

# doctor PID: its findings are in $found, its exit status in STATUS.
doctor() {
    STATUS=0
    "$PERFSPY_CTL" doctor "$1" --json >"$found" || STATUS=$?
}

# finds WHAT SEVERITY PATTERN
finds() {
    assert_json "$1" "$found" \
        'any(.findings[]; .severity == $severity and (.what | test($pattern)))' \
        --arg severity "$2" --arg pattern "$3"
}

# idle NAME=VALUE...: a process that sleeps; sets IDLE.
idle() {
    env "$@" sleep 1000 &
    IDLE=$!
    on_exit kill "$IDLE"
    wait_for 20 grep -qsx sleep "/proc/$IDLE/comm"
}

idle A=b
doctor "$IDLE"
assert_eq "a process without the library" 1 "$STATUS"
assert_json "there is a way in" "$found" 'any(.findings[]; .do // "" | test("perfspy-ctl attach"))'
finds "is told from the others" problem 'not loaded: the process was started without it'
assert_json "and can be attached to" "$found" 'any(.findings[]; .do | test("perfspy-ctl attach PID"))'
idle LD_PRELOAD="$TEST_DIR/none/libperfspy.so"
doctor "$IDLE"
finds "the library's file is missing" problem 'none/libperfspy.so, which does not exist'
echo "not a library" >"$TEST_DIR/libperfspy.so"
idle LD_PRELOAD="$TEST_DIR/libperfspy.so"
doctor "$IDLE"
finds "the loader refused it" problem 'the loader did not load it'
idle LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_ONLY=gunicorn,uvicorn
doctor "$IDLE"
finds "PERFSPY_ONLY names others" problem 'PERFSPY_ONLY=gunicorn,uvicorn does not name it'
idle LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_ENABLED=0
doctor "$IDLE"
finds "PERFSPY_ENABLED=0" problem 'switched off: PERFSPY_ENABLED=0'
idle LD_PRELOAD="$PERFSPY_PRELOAD"
doctor "$IDLE"
finds "nothing has happened yet" problem 'neither listen, accept nor a libpq connection'

assert_status "no such process" 69 "$PERFSPY_CTL" doctor 999999999
assert_status "no process at all" 64 "$PERFSPY_CTL" doctor console
if [ "$(id -u)" -eq 0 ]; then
    assert_status "another user's process" 77 \
        setpriv --reuid=65534 --regid=65534 --clear-groups "$PERFSPY_CTL" doctor "$IDLE"
else
    skip "another user's process" "needs root to become another user"
fi

# All well, but for work without a name: the rule that it gives names it.
rules=$TEST_DIR/rules.yml
printf 'version: 1\noperations:\n  - {name: never, sql: SELECT never}\n' >"$rules"
console_start PERFSPY_RULES="$rules"
tell 'exec SELECT 7 AS seven, pg_sleep(0.02)'
doctor "$CONSOLE"
assert_eq "all is well" 0 "$STATUS"
finds "libpq is hooked" note '^hooked: .*/libpq\.so'
finds "a rule that never matched" note '^1 of 1 rules never matched: never$'
finds "work without a name" note '^no rule names sql:.* in 1 calls'
rule=$(jq -r '.findings[] | select(.what | startswith("no rule names sql:")) | .do' "$found")
echo "  ${rule#add a rule: }" | sed 's/NAME/seven/' >>"$rules"
check "the rule that it gives is one" "$PERFSPY_CTL" reload -p "$CONSOLE"
tell 'exec SELECT 7 AS seven, pg_sleep(0.02)'
assert_eq "and names that work" 1 "$(console_calls seven)"
echo 'x: y' >>"$rules"
"$PERFSPY_CTL" reload -p "$CONSOLE" >"$TEST_DIR/out" 2>&1 || true
doctor "$CONSOLE"
assert_eq "a reload that was refused is a finding" 1 "$STATUS"
finds "with its place" warning 'a reload was refused: .*rules.yml:5:1'

"$PERFSPY_CTL" disable -p "$CONSOLE" >"$TEST_DIR/out"
doctor "$CONSOLE"
finds "recording that is switched off" problem 'switched off since'
"$PERFSPY_CTL" enable -p "$CONSOLE" >"$TEST_DIR/out"

# A second copy of libpq that no call has reached.
LD_PRELOAD=$PERFSPY_PRELOAD /usr/bin/python3 -c '
import ctypes, socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
ctypes.CDLL(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
ring = libc.syscall(425, 4, ctypes.create_string_buffer(256))
print("ring" if ring >= 0 else "none", flush=True)
time.sleep(1000)' "$BUILD/victims/libpq-a1b2.so.5" >"$TEST_DIR/ring" &
other=$!
on_exit kill "$other"
wait_for 20 grep -qs . "$TEST_DIR/ring"
doctor "$other"
finds "a copy of libpq that was not reached" warning 'no call has reached this copy .*libpq-a1b2'
if [ "$(<"$TEST_DIR/ring")" = ring ]; then
    finds "io_uring" warning 'has 1 io_uring'
else
    skip "io_uring" "this kernel has none"
fi

# Drivers without libpq. Each has a connection, watched or not. The server is a real one.
cat >"$TEST_DIR/driver.py" <<'PYTHON'
import os, socket, sys, time
if sys.argv[1] == "unix":
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["PGHOST"] + "/.s.PGSQL." + os.environ["PGPORT"])
else:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    s = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    jar = open(sys.argv[3])
print("connected", flush=True)
time.sleep(1000)
PYTHON
# driver PORT ARGUMENT...
driver() {
    LD_PRELOAD=$PERFSPY_PRELOAD PGPORT=$1 /usr/bin/python3 "$TEST_DIR/driver.py" "${@:2}" \
        >"$TEST_DIR/driver" &
    on_exit kill $!
    wait_for 20 grep -qs connected "$TEST_DIR/driver"
    doctor "$!"
}
driver "$PGPORT" unix
finds "a connection by a Unix socket" warning '^1 connection to PostgreSQL .*PGSQL.5432.* no libpq'
port=$(/usr/bin/python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
touch "$TEST_DIR/postgresql-42.7.3.jar"
driver "$port" tcp "$port" "$TEST_DIR/postgresql-42.7.3.jar"
finds "a connection by TCP" warning "^1 connection to PostgreSQL .port $port., and no libpq"
finds "pgjdbc's file" warning "protocol itself, without libpq: .*postgresql-42.7.3.jar"

mkfifo "$TEST_DIR/static.in"
env LD_PRELOAD="$PERFSPY_PRELOAD" "$BUILD/victims/console-static" <"$TEST_DIR/static.in" \
    >"$TEST_DIR/static.out" &
static=$!
exec 6>"$TEST_DIR/static.in"
on_exit kill "$static"
wait_for 30 grep -qs ready "$TEST_DIR/static.out"
doctor "$static"
finds "a libpq inside the program" warning 'libpq of its own inside'

start_go_server "$TEST_DIR/amtool.log" /usr/bin/prometheus-alertmanager \
    --config.file=<(printf 'route: {receiver: none}\nreceivers: [{name: none}]\n') \
    --storage.path="$TEST_DIR/alerts" --cluster.listen-address= --web.listen-address=127.0.0.1:0
doctor "$!"
finds "a Go program" warning 'Go program: it makes its system calls by itself'

# Its log, and what perfspy costs.
costs() {
    doctor "$CONSOLE"
    jq -e 'any(.findings[]; .what | startswith("perfspy takes "))' "$found" >"$TEST_DIR/out"
}
check "what perfspy costs, once it has been looked at" wait_for 60 costs
finds "is a share of CPU time" note "^perfspy takes .* of the process' CPU time"
idle LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_LOG="$TEST_DIR/none/perfspy.log"
doctor "$IDLE"
finds "a log that cannot be written" warning 'none/perfspy.log cannot be written: there is no such'
if unshare --mount true 2>"$TEST_DIR/out"; then
    unshare --mount env LD_PRELOAD="$PERFSPY_PRELOAD" sleep 1000 &
    on_exit kill $!
    wait_for 20 grep -qsx sleep "/proc/$!/comm"
    doctor "$!"
    finds "a file system of its own" note 'a file system of its own'
else
    skip "a file system of its own" "mount namespaces may not be made here"
fi

# Stopped: told from its file, and so it says.
kill -STOP "$CONSOLE"
doctor "$CONSOLE"
kill -CONT "$CONSOLE"
finds "a process that does not answer" warning 'does not answer on its socket'

# The host.
STATUS=0
chmod 755 "$PERFSPY_DIR"
PERFSPY_RULES=$rules "$PERFSPY_CTL" doctor --json >"$found" || STATUS=$?
chmod 700 "$PERFSPY_DIR"
assert_eq "the host has findings" 1 "$STATUS"
finds "a directory open to others" warning 'is open to others .mode 755'
finds "rules that are no good" warning 'rules.yml:5:1: '
assert_json "and those of watched processes" "$found" 'any(.findings[]; .pid == ($pid | tonumber))' \
    --arg pid "$CONSOLE"
assert_match "the same for a person" 'warning .*is open to others' \
    "$(chmod 755 "$PERFSPY_DIR"; "$PERFSPY_CTL" doctor; chmod 700 "$PERFSPY_DIR")"
