#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The first process of the emulated machine of arm64_attach.sh, by a shell that is all there is:
# attaches to programs, and reports as check.sh does. "over" is its last line. Here are, beside
# this, the programs, the library and the tool.

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mkdir -p /tmp /run /dev/shm
mount -t tmpfs shm /dev/shm
export PERFSPY_DIR=/run/perfspy LD_LIBRARY_PATH=/lib
mkdir -m 700 "$PERFSPY_DIR"
cd /here || exit 1

# is WHAT WANTED GOT
is() {
    if [ "$2" = "$3" ]; then
        echo "ok - $1"
    else
        echo "not ok - $1"
        printf '%s\n' "wanted: $2" "got:    $3" | cat - /tmp/said | sed 's/^/#   /'
    fi
}

# begin COMMAND...: a program that says "ready"; sets VICTIM. It reads what tell() writes.
begin() {
    : >/tmp/out
    : >/tmp/said
    rm -f /tmp/in
    mkfifo /tmp/in
    "$@" </tmp/in >/tmp/out 2>/tmp/err &
    VICTIM=$!
    exec 7>/tmp/in
    until grep -q ready /tmp/out || [ ! -d /proc/$VICTIM ]; do usleep 20000; done
}

tell() {
    before=$(wc -l </tmp/out)
    echo "$1" >&7
    until [ "$(wc -l </tmp/out)" -gt "$before" ] || [ ! -d /proc/$VICTIM ]; do usleep 20000; done
}

# cycles N: attached and detached so often; sets FAILED.
cycles() {
    FAILED=0
    for _ in $(seq "$1"); do
        ./perfspy-ctl attach $VICTIM --timeout 60s >>/tmp/said 2>&1 || FAILED=$((FAILED + 1))
        ./perfspy-ctl detach $VICTIM >>/tmp/said 2>&1 || FAILED=$((FAILED + 1))
    done
}

ends_well() {
    kill -TERM $VICTIM
    wait $VICTIM
    is "$1: it did not notice" "0 errors=0 " "$? $(sed -n 's/.*\(errors=.*\)/\1/p' /tmp/out) $(cat /tmp/err)"
}

calls() {
    ./perfspy-ctl stats -p $VICTIM --json 2>/tmp/said |
        tr -d '\n ' | sed -n 's/.*"calls":\([0-9]*\).*"statement":"select?.*/\1/p'
}

CMOCKA_MESSAGE_OUTPUT=TAP ./test_inject >/tmp/said 2>&1
is "what attaching reads of a process" 0 $?
CMOCKA_MESSAGE_OUTPUT=TAP ./test_inject_aarch64 >/tmp/said 2>&1
is "what it makes a thread do" 0 $?

# Not a receive with a time limit: to that an end by EINTR is all that there is.
for kind in read epoll poll ppoll select sleep sem; do
    begin ./attached wait $kind
    cycles 3
    is "waiting in $kind: attached and detached" 0 $FAILED
    ends_well "waiting in $kind"
done
begin ./attached wait busy read epoll poll ppoll select sleep sem
cycles 5
is "threads in all of them: attached and detached" 0 $FAILED
ends_well "threads in all of them"

# At whatever moment: the thread comes back by the frame on its stack.
begin ./attached wait read poll ppoll select sleep sem
for step in $(seq 20); do
    ./perfspy-ctl attach $VICTIM --timeout 60s >/dev/null 2>&1 &
    usleep $((step * 12000))
    kill -KILL $! 2>/dev/null
    wait $! 2>/dev/null
    ./perfspy-ctl detach $VICTIM >/dev/null 2>&1
done
cycles 1
is "the tool is killed on its way: then attached and detached" 0 $FAILED
ends_well "the tool is killed on its way"

for how in lazy table; do
    begin ./joined-$how ''
    tell 'exec 3'
    ./perfspy-ctl attach $VICTIM --timeout 60s >/tmp/said 2>&1
    is "$how: attach" 0 $?
    tell 'exec 5'
    is "$how: what came after is counted" 5 "$(calls)"
    ./perfspy-ctl detach $VICTIM >/tmp/said 2>&1
    is "$how: detach" 0 $?
    tell 'exec 4'
    is "$how: what came after that is not" 5 "$(calls)"
    exec 7>&-
    wait $VICTIM
done

begin ./kept '' ./libpq-a1b2.so.5 ./libpq-c3d4.so.5 ./kept.so
./perfspy-ctl attach $VICTIM --timeout 60s >/tmp/said 2>&1
is "pointers in static data: attach" 0 $?
for place in bss data sealed plugin other heap; do
    tell "$place 2"
done
is "pointers in static data: statements by each are counted" 5 \
    "$(./perfspy-ctl stats -p $VICTIM --json | grep -c kept_in_)"
./perfspy-ctl detach $VICTIM >/tmp/said 2>&1
is "pointers in static data: detach" 0 $?
tell 'new other'
exec 7>&-
wait $VICTIM
is "pointers in static data: it did not notice" "0 rows=13failures=0 " \
    "$? $(sed -n 's/^done new other: //p' /tmp/out | tr -d ' ') $(cat /tmp/err)"

echo over
poweroff -f
