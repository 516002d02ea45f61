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
    [ -s "$found" ] || echo null >"$found" # of nothing jq finds everything true
}

# finds WHAT SEVERITY PATTERN
finds() {
    assert_json "$1" "$found" \
        'any(.findings[]; .severity == $severity and (.what | test($pattern)))' \
        --arg severity "$2" --arg pattern "$3"
}

# meets PID PATTERN: does doctor find that now? To be waited for where it comes by itself.
meets() {
    doctor "$1"
    jq -e 'any(.findings[]; .what | test($pattern))' --arg pattern "$2" "$found" >"$TEST_DIR/met"
}

# does WHAT PATTERN: a finding has that to do.
does() {
    assert_json "$1" "$found" 'any(.findings[]; .do // "" | test($pattern))' --arg pattern "$2"
}

stopped() {
    [ "$(process_field "$1" 3)" = T ]
}

traced() {
    grep -qsx "TracerPid:.$2" "/proc/$1/status"
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
finds "is told from the others" problem 'not loaded: the process was started without it'
does "and can be attached to" "perfspy-ctl attach $IDLE\""
kill -STOP "$IDLE"
wait_for 20 stopped "$IDLE"
doctor "$IDLE"
finds "one that is stopped, which" warning 'the process is stopped .SIGSTOP'
does "can go on" "^kill -CONT $IDLE\$"
finds "and why attach would refuse it" problem 'attach would refuse it: process [0-9]+ is stopped'
kill -CONT "$IDLE"
strace -qq -o "$TEST_DIR/strace.out" -p "$IDLE" &
tracer=$!
on_exit stop_process "$tracer"
wait_for 20 traced "$IDLE" "$tracer"
doctor "$IDLE"
finds "one that is traced" problem "attach would refuse it: .* being traced by process $tracer"
bash -c 'while :; do :; done' &
busy=$!
on_exit stop_process "$busy" KILL
"$PERFSPY_CTL" attach "$busy" --timeout 60s 2>"$TEST_DIR/attach.err" &
attaching=$!
# Between one attempt and the next nobody traces it.
wait_for 20 meets "$busy" "under way" || true
finds "an attach under way" problem "^an attach is under way .process $attaching.\$"
assert_eq "and nothing else" 1 "$(json "$found" '.findings | length')"
kill "$attaching"
wait "$attaching" || true
kill "$busy"
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
if [ -n "${SAN:-}" ]; then
    skip "what it says to do" "a library with a sanitizer cannot be attached"
else
    check "what it says to do" "$PERFSPY_CTL" "$(json "$found" '.findings[0].do |
        split("\"")[1]' | sed 's/^perfspy-ctl //;s/ .*//')" "$IDLE"
    doctor "$IDLE"
    finds "helps" note '^counted since .*: 0 calls of 0 operations$'
    /usr/bin/python3 -c '
import ctypes, sys, time
ctypes.CDLL(sys.argv[1])
print("loaded", flush=True)
time.sleep(1000)' "$PERFSPY_LIB" >"$TEST_DIR/loaded" &
    loaded=$!
    on_exit kill "$loaded"
    wait_for 30 grep -qs loaded "$TEST_DIR/loaded"
    doctor "$loaded"
    finds "an attach that did not come to its end" problem 'loaded, by no LD_PRELOAD .* nothing'
    check "goes on" "$PERFSPY_CTL" attach "$loaded"
    doctor "$loaded"
    finds "to its end" note '^counted since'
fi
idle LD_PRELOAD="$PERFSPY_PRELOAD"
doctor "$IDLE"
finds "nothing has happened yet" problem 'neither listen, accept nor a libpq connection'

assert_status "no such process" 69 "$PERFSPY_CTL" doctor 999999999
assert_status "no process at all" 64 "$PERFSPY_CTL" doctor console
assert_status "no process is called so" 69 "$PERFSPY_CTL" doctor -p nobody
assert_status "not both" 64 "$PERFSPY_CTL" doctor "$IDLE" -p "$IDLE"
if [ "$(id -u)" -eq 0 ]; then
    assert_status "another user's process" 77 \
        setpriv --reuid=65534 --regid=65534 --clear-groups "$PERFSPY_CTL" doctor "$IDLE"
else
    skip "another user's process" "needs root to become another user"
fi

# All well, but for work without a name: the rule that it gives names it.
rules=$TEST_DIR/rules.yml
printf 'version: 1\noperations:\n  - {name: never, sql: SELECT never}\n' >"$rules"
console_start PERFSPY_RULES="$rules" PERFSPY_HISTORY_STEPS=1s:1h
tell 'exec SELECT 7 AS seven, pg_sleep(0.02)'
doctor "$CONSOLE"
assert_eq "all is well" 0 "$STATUS"
finds "libpq is hooked" note '^hooked: .*/libpq\.so'
finds "a rule that never matched" note '^1 of 1 rules never matched: never$'
finds "what there is" note '^counted since 20.*Z: 2 calls of 2 operations$'
finds "work without a name" note '^no rule names sql:.* in 1 call, '
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
"$PERFSPY_CTL" doctor -p console --json >"$TEST_DIR/named.json" || true
assert_json "the same by its name" "$TEST_DIR/named.json" 'any(.findings[];
    .pid == ($pid | tonumber) and (.what | startswith("a reload was refused")))' --arg pid "$CONSOLE"

"$PERFSPY_CTL" disable -p "$CONSOLE" >"$TEST_DIR/out"
doctor "$CONSOLE"
finds "recording that is switched off" problem 'switched off since'
does "can be switched on" "perfspy-ctl enable -p $CONSOLE\"\$"
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
assert_json "the worst comes first" "$found" '[.findings[].severity |
    {problem: 0, warning: 1, note: 2}[.]] | . == sort and .[0] == 1 and .[-1] == 2'
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
    rm -f "$TEST_DIR/driver"
    LD_PRELOAD=$PERFSPY_PRELOAD PGPORT=$1 /usr/bin/python3 "$TEST_DIR/driver.py" "${@:2}" \
        >"$TEST_DIR/driver" &
    on_exit kill $!
    wait_for 20 grep -qs connected "$TEST_DIR/driver"
    wait_for 20 meets "$!" "connection to PostgreSQL" || true # which the server has to accept first
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
finds "is a share of CPU time" note \
    "^perfspy takes .* of the process' CPU time .* of .*, .* of a processor"

# region_memory: has doctor said what the kernel says of the region's memory?
region_memory() {
    local bytes
    bytes=$(awk '/^[0-9a-f]+-/ { own = /\.region$/ } /^Rss:/ && own { kib += $2 }
        END { printf("%.3g MiB", kib / 1024) }' "/proc/$CONSOLE/smaps")
    doctor "$CONSOLE"
    jq -e --arg bytes "$bytes" 'any(.findings[];
        .what | startswith("perfspy has in memory: \($bytes) of its region"))' "$found" \
        >"$TEST_DIR/out"
}
check "and the region's memory, as the kernel has it" wait_for 20 region_memory
finds "its cap, and what is outside of that" note \
    'which has [0-9.]+ MiB at most .PERFSPY_REGION_SIZE.*tables that no setting caps'
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

# Stopped: told from its file.
kill -STOP "$CONSOLE"
wait_for 20 stopped "$CONSOLE"
doctor "$CONSOLE"
kill -CONT "$CONSOLE"
finds "a watched process that is stopped" warning 'the process is stopped .SIGSTOP'
does "can go on, too" "^kill -CONT $CONSOLE\$"

# Rules that are another program's.
printf 'version: 1\noperations:\n  - {name: never, sql: SELECT never}\n' >"$rules"
"$PERFSPY_CTL" reload -p "$CONSOLE" >"$TEST_DIR/out"
for _ in {1..100}; do
    tell 'exec SELECT 8 AS eight'
done
doctor "$CONSOLE"
finds "rules of which none matches" warning '^not one of the 1 rules of .*/rules.yml has matched any'

# Killed: what its region tells.
kill -KILL "$CONSOLE"
wait "$CONSOLE" 2>"$TEST_DIR/out" || true
doctor "$CONSOLE"
assert_eq "a dead process" 1 "$STATUS"
finds "is told from one that never was" problem 'has ended, its region is kept'
finds "what its region tells" warning '^not one of the 1 rules'
check "what it says to do" "$PERFSPY_CTL" stats -p "$CONSOLE"

# A statement that was prepared before the attach has no text, and no directory takes the region.
again() {
    exec 8>&- 7<&-
    rm -f "$TEST_DIR/console.in" "$TEST_DIR/console.out"
    console_start "$@"
}
if [ -n "${SAN:-}" ]; then
    skip "a statement without text" "a library with a sanitizer cannot be attached"
else
    again LD_PRELOAD=
    tell 'prepare early SELECT 9'
    check "attached in the middle" "$PERFSPY_CTL" attach "$CONSOLE"
    tell 'run early'
    doctor "$CONSOLE"
    finds "a statement without text" note '^no rule names prepared:early'
    rule=$(jq -r '.findings[] | select(.what | startswith("no rule names prepared:")) | .do' "$found")
    {
        printf 'version: 1\noperations:\n'
        echo "  ${rule#add a rule: }" | sed 's/NAME/nine/'
    } >"$rules"
    check "has a rule, too" "$PERFSPY_CTL" reload -p "$CONSOLE" --rules "$rules"
    tell 'run early'
    assert_eq "which names it" 1 "$(console_calls nine)"
fi
touch "$TEST_DIR/file"
again PERFSPY_DIR="$TEST_DIR/file"
doctor "$CONSOLE"
finds "no directory" warning '/file: Not a directory: the region is in memory only'
does "asks for one" '^set PERFSPY_DIR '
finds "and the memory that it takes is told" note 'has in memory: [1-9][0-9.]* [KM]iB of its region'
again
region=$(echo "$PERFSPY_DIR/$CONSOLE"-*.region)
printf '\3' | dd of="$region" bs=1 seek=8 conv=notrunc status=none
doctor "$CONSOLE"
finds "a region of another version" problem \
    '^the region cannot be read: /.*region: region version 3, this tool reads version'
does "asks for its tool" 'use the perfspy-ctl that came with it'

# A server whose requests are read past libc.
cat >"$TEST_DIR/past.py" <<'PYTHON'
import ctypes, socket
libc = ctypes.CDLL(None)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client = listener.accept()[0]
    head = ctypes.create_string_buffer(4096)
    while libc.syscall(ctypes.c_long(0), client.fileno(), head, ctypes.c_size_t(4096)) > 0:
        answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        libc.syscall(ctypes.c_long(1), client.fileno(), answer, ctypes.c_size_t(len(answer)))
PYTHON
LD_PRELOAD=$PERFSPY_PRELOAD /usr/bin/python3 "$TEST_DIR/past.py" >"$TEST_DIR/past" &
past=$!
on_exit kill "$past"
wait_for 30 grep -qs . "$TEST_DIR/past"
port=$(<"$TEST_DIR/past")
doctor "$past"
finds "nobody has asked yet" note "^it listens on port $port, and no request has been seen"
exec 9<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /past HTTP/1.1\r\nHost: here\r\n\r\n' >&9
read -r -t 60 -u 9 answer
assert_match "somebody has" '^HTTP/1.1 204' "$answer"
doctor "$past"
finds "and no request was seen" warning "^1 connection to its port $port, and not one request"
exec 9>&-

# The host.
STATUS=0
echo 'x: y' >>"$rules"
chmod 755 "$PERFSPY_DIR"
PERFSPY_RULES=$rules "$PERFSPY_CTL" doctor --json >"$found" || STATUS=$?
chmod 700 "$PERFSPY_DIR"
assert_eq "the host has findings" 1 "$STATUS"
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$TEST_DIR"
    STATUS=0
    setpriv --reuid=65534 --regid=65534 --clear-groups "$PERFSPY_CTL" doctor --json \
        >"$TEST_DIR/nobody.json" || STATUS=$?
    assert_json "a directory of another user's, once" "$TEST_DIR/nobody.json" '[.findings[] |
        select(.what | contains($dir)) | .what | test("belongs to user 0")] == [true]' \
        --arg dir "$PERFSPY_DIR"
    assert_json "and whom one may not look at" "$TEST_DIR/nobody.json" 'any(.findings[];
        .severity == "problem" and (.what | test("no process is watched, of those that this")))'
else
    skip "another user's directory" "needs root to become another user"
fi
finds "a directory open to others" warning 'is open to others .mode 755'
finds "rules that are no good" warning 'rules.yml:4:1: '
assert_json "and those of watched processes" "$found" 'any(.findings[]; .pid == ($pid | tonumber))' \
    --arg pid "$CONSOLE"
assert_match "the same for a person" 'warning .*is open to others' \
    "$(chmod 755 "$PERFSPY_DIR"; "$PERFSPY_CTL" doctor; chmod 700 "$PERFSPY_DIR")"
