#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Clients of a database notice nothing, whatever they do with their connections, processes, threads,
# signals and privileges; and what they did is counted all the same.
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
run_dir=$TEST_DIR/perfspy
dsn="dbname=$PGDATABASE"

# same VICTIM CASE: output and exit status do not depend on the preload.
same() {
    local want got want_status=0 got_status=0
    want=$(timeout 60 "$victims/$1" "$2" "$dsn" 2>&1 </dev/null) || want_status=$?
    got=$(timeout 60 env LD_PRELOAD="$PERFSPY_PRELOAD" "$victims/$1" "$2" "$dsn" 2>&1 </dev/null) ||
        got_status=$?
    assert_eq "$1 $2 is the same" "$want_status $want" "$got_status $got"
}

# A daemon's first process ends at once, and one whose main thread has ended looks as if it had.
ready_or_dead() {
    grep -q ready "$TEST_DIR/out" || { [[ $1 != @(daemon|mainexit) ]] && process_ended "$guest"; }
}

# alive VICTIM CASE: starts a case, watched, and waits until it is ready.
alive() {
    rm -rf "$run_dir"
    [ -z "${OWNER:-}" ] || install -d -m 700 -o "$OWNER" "$run_dir"
    mkfifo "$TEST_DIR/in"
    LD_PRELOAD=$PERFSPY_PRELOAD "$victims/$1" "$2" "$dsn" \
        <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 &
    guest=$!
    exec 9>"$TEST_DIR/in"
    rm "$TEST_DIR/in"
    wait_for 30 ready_or_dead "$2"
    grep -q ready "$TEST_DIR/out"
}

# leave [STATUS]: it ends as it should.
leave() {
    local status=0
    exec 9>&-
    wait_for 30 process_ended "$guest" || kill -KILL "$guest"
    wait "$guest" || status=$?
    assert_eq "and it ends well" "${1:-0}" "$status"
}

# counted WHAT PID STATEMENT-OR-OPERATION CALLS [ERRORS]
counted() {
    assert_eq "$1" "$4 ${5:-0}" "$("$PERFSPY_CTL" stats -p "$2" --json | jq -r --arg w "$3" \
        '.operations[] | select((.statement // .operation) == $w) | "\(.calls) \(.errors)"')"
}

# process PID FILTER: of the row that ps has of it.
process() {
    "$PERFSPY_CTL" ps -p "$1" --json | jq -r ".processes[0] | $2"
}

has_helper() {
    cat /proc/"$guest"/task/*/comm 2>/dev/null | grep -cx perfspy || true
}

# The helper's wake-ups: how often it slept.
wakeups() {
    local task
    task=$(dirname "$(grep -lx perfspy /proc/"$guest"/task/*/comm)")
    sed -n 's/^voluntary_ctxt_switches:\t//p' "$task/status"
}

woken() {
    [ "$(wakeups)" -ge "$1" ]
}

# ---- processes -------------------------------------------------------------------------------

for case in fork vfork spawn exec migrate cancel jump close; do
    same manners "$case"
done

alive manners fork
child=$(cd "$run_dir" && printf '%s\n' *.region | grep -v "^$guest-")
child=${child%%-*}
counted "a parent counts its statement" "$guest" 'select ?' 1
counted "a child counts its own" "$child" 'select ?, ?' 1
assert_eq "and not what its parent began" 1 \
    "$("$PERFSPY_CTL" stats -p "$child" --json | jq '.operations | length')"
leave

for case in vfork spawn; do
    alive manners $case
    counted "$case: a child with the same memory takes no connection away" "$guest" 'select ?' 2
    leave
done

alive manners exec
counted "a program that another has become is watched anew" "$guest" 'select ?' 1
leave

alive manners daemon
daemon=$(sed -n 's/^pid //p' "$TEST_DIR/out")
counted "a daemon goes on with its connection" "$daemon" 'select ?' 1
leave
wait_for 20 process_ended "$daemon"

alive manners badstart
counted "a connect that fails at once is counted at once" "$guest" libpq.connect 1 1
leave

# ---- threads, cancellation, callbacks, descriptors --------------------------------------------

alive manners migrate
counted "connections from thread to thread" "$guest" 'select ?' 3200
leave

alive manners cancel
counted "after a thread was cancelled in libpq" "$guest" 'select ?' 1
counted "the cancel on the server" "$guest" libpq.cancel 1
leave

alive manners jump
counted "after a jump out of libpq, deeper on the stack" "$guest" 'select ?, ?' 20
counted "in a notice, and in several statements of one call" "$guest" 'select ?' 30
counted "but not what was jumped out of" "$guest" 'do ?' 10
leave

alive manners close
counted "a socket closed under libpq" "$guest" 'select ?' 3 3
counted "and made anew" "$guest" 'select ?, ?' 3
leave

# ---- other libraries' constructors and destructors --------------------------------------------

export ORDER_DSN=$dsn
LD_PRELOAD=$victims/order.so /bin/true >"$TEST_DIR/bare"
rm -rf "$run_dir"
LD_PRELOAD="$PERFSPY_PRELOAD $victims/order.so" /bin/true >"$TEST_DIR/order"
assert_eq "work in a constructor before ours, and in a destructor" \
    "$(<"$TEST_DIR/bare")" "$(<"$TEST_DIR/order")"
pid=$(basename "$run_dir"/*.region)
counted "of which the destructor's is counted" "${pid%%-*}" 'select ?, ?' 2

# ---- the main thread ends before the others ----------------------------------------------------

same sandbox mainexit
alive sandbox mainexit
counted "after the end of the main thread" "$guest" 'select ?' 4
counted "requests, too" "$guest" 'GET /x' 2
assert_eq "there is still the helper" 1 "$(has_helper)"
leave

# ---- seccomp ---------------------------------------------------------------------------------

if [ -n "${SAN:-}" ]; then
    skip 'seccomp, privileges' 'a sanitizer makes system calls of its own'
    exit 0
fi

for case in prctl syscall sync twice child refused strict notsc vfork; do
    same_status=0
    [ $case != strict ] || same_status=5
    same sandbox $case
    alive sandbox $case
    case $case in
        prctl | syscall | sync | twice)
            statements=$([ $case = twice ] && echo 5 || echo 4)
            counted "$case: statements under a filter" "$guest" 'select ?' "$statements"
            counted "$case: requests, too" "$guest" 'GET /x' 2
            ;;
        refused | vfork)
            counted "$case: nothing is confined" "$guest" 'select ?' 4
            assert_eq "$case: no problem is told" "" "$(process "$guest" '.problem // ""')"
            ;;
        strict | notsc)
            counted "$case: what was before" "$guest" 'select ?' 1
            assert_match "$case: nothing is recorded any more, and that is told" \
                'nothing is recorded any more' "$(process "$guest" .problem)"
            ;;
        child)
            assert_eq "a child of a confined process is not watched" 1 \
                "$(find "$run_dir" -name '*.region' | wc -l)"
            ;;
    esac
    case $case in
        sync | twice | strict | notsc) helpers=0 ;;
        *) helpers=1 ;;
    esac
    assert_eq "$case: helper threads" "$helpers" "$(has_helper)"
    # It cannot be woken by a confined thread, and looks by itself: else every ten seconds.
    [ $case != syscall ] || check "a helper beside a confined thread looks up often" \
        wait_for 120 woken "$(($(wakeups) + 40))"
    leave "$same_status"
done

# ---- privileges ------------------------------------------------------------------------------

if [ "$(id -u)" -ne 0 ]; then
    skip 'set-user-id programs, dropped privileges' 'this needs root'
    exit 0
fi

as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# ask SOCKET LINE: sends a command to the library, prints the answer.
ask() {
    /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
while data := s.recv(65536):
    sys.stdout.buffer.write(data)' "$1" "$2"
}

same sandbox drop
alive sandbox drop
region=$(echo "$run_dir"/*.region)
counted "after root became nobody" "$guest" 'select ?' 5
counted "requests, too" "$guest" 'GET /x' 2
assert_eq "the region stays root's" '0 600' "$(stat -c '%u %a' "$region")"
assert_match "the socket answers root" '^ok ' "$(ask "${region%.region}.sock" help)"
refused_status=0
refused=$(as_nobody "$PERFSPY_CTL" stats -p "$guest" 2>&1) || refused_status=$?
assert_eq "to nobody perfspy-ctl says that he may not look" \
    "77 perfspy-ctl: process $guest (sandbox), of user 65534, may not be looked into; root may" \
    "$refused_status $refused"
leave

# Who has become nobody before is watched as nobody: in a directory of his, else in memory only.
OWNER=65534 alive sandbox dropped
assert_eq "what nobody is watched in is his" '65534 600' "$(stat -c '%u %a' "$run_dir"/*.region)"
assert_eq "and he may look" live "$(as_nobody "$PERFSPY_CTL" ps -p "$guest" --json | jq -r '.processes[0].state')"
leave
OWNER=0 alive sandbox dropped
assert_eq "a directory of root's is none for him, and that is told" \
    "live memory $run_dir: Permission denied" "$(process "$guest" '"\(.state) \(.storage) \(.problem)"')"
leave

# In a directory without /proc a process does not know when it started.
export JAIL=$TEST_DIR/jail
mkdir -p "$JAIL"
same sandbox chroot
PERFSPY_DIR=/perfspy alive sandbox chroot
assert_eq "in a bare chroot a process is watched, and found" live "$(process "$guest" .state)"
counted "and has its calls" "$guest" 'GET /x' 1
leave

# The loader takes no preload into a set-user-id program. One that is linked to the library has it,
# and must be left alone.
cat >"$TEST_DIR/secure.c" <<'C'
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/socket.h>
int main(void)
{
    int listening = listen(socket(AF_INET, SOCK_STREAM, 0), 8);
    printf("secure %lu, listening %d\n", getauxval(AT_SECURE), listening);
}
C
cp "$PERFSPY_LIB" "$TEST_DIR/"
"${CC:-cc}" "$TEST_DIR/secure.c" -Wl,--no-as-needed "$TEST_DIR/libperfspy.so" -Wl,-rpath,"$TEST_DIR" \
    -o "$TEST_DIR/secure"
rm -rf "$run_dir"
assert_eq "a program linked to the library" 'secure 0, listening 0' "$("$TEST_DIR/secure")"
assert_eq "is watched" 1 "$(find "$run_dir" -name '*.region' | wc -l)"
rm -rf "$run_dir"
install -d -m 700 -o 65534 "$run_dir"
chown 65534 "$TEST_DIR/secure"
chmod 4755 "$TEST_DIR/secure"
if [[ $("$TEST_DIR/secure") = 'secure 0, '* ]]; then
    skip 'a set-user-id program' 'this file system does not know of them'
else
    assert_eq "a set-user-id program linked to it" 'secure 1, listening 0' "$("$TEST_DIR/secure")"
    assert_eq "is not" "" "$(ls -A "$run_dir")"
    assert_eq "nor is one that it is preloaded into" 'secure 1, listening 0' \
        "$(LD_PRELOAD=$PERFSPY_PRELOAD "$TEST_DIR/secure")"
    assert_eq "at all" "" "$(ls -A "$run_dir")"
fi
