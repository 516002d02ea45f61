#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A guest's manners: programs do the same, watched or not, whatever they do to their descriptors,
# processes, threads and signals; and what is not worth watching is left alone.
#
# time limit: 900
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
run_dir=$TEST_DIR/perfspy

watched() {
    LD_PRELOAD=$PERFSPY_PRELOAD "$@"
}

# same WHAT COMMAND...: output and exit status do not depend on the preload.
same() {
    local what=$1 want got want_status=0 got_status=0
    shift
    want=$("$@" 2>&1 </dev/null) || want_status=$?
    got=$(watched "$@" 2>&1 </dev/null) || got_status=$?
    assert_eq "$what" "$want_status $want" "$got_status $got"
}

no_trace() {
    assert_eq "$1 leaves no file" "" "$(ls -A "$run_dir")"
}

# ---- programs that neither listen nor speak to a database ------------------------------------

same "ls" /bin/ls -l /usr rules
same "bash" bash -c 'echo a | cat; (exit 7); echo $?; trap "echo bye" EXIT'
same "python3" python3 -c 'import os, sys, json, subprocess
print(json.dumps(sorted(os.environ)[:0]), subprocess.run(["true"]).returncode)
r, w = os.pipe(); os.write(w, b"x"); print(os.read(r, 1), os.dup2(w, 50), os.close(50))'
same "git" git --no-pager log -3 --format=%T
same "a failing command" ls /nonexistent/file
no_trace "a program of no interest"
threads=$(watched bash -c 'ls /proc/$$/task | wc -l')
assert_eq "no thread is started in it" 1 "$threads"

# ---- what real programs do -------------------------------------------------------------------

for case in errno lowest closeall dupover dupkeep rawclose odd trunc fork vfork childfd handover \
    vforkdup exec exit cancel signals; do
    same "guest $case" "$victims/guest" "$case"
done

# alive CASE: starts a case, watched, and waits until it is ready.
alive() {
    rm -rf "$run_dir"
    mkfifo "$TEST_DIR/in"
    LD_PRELOAD=$PERFSPY_PRELOAD "$victims/guest" "$1" "dbname=$PGDATABASE" \
        <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 &
    guest=$!
    exec 9>"$TEST_DIR/in"
    rm "$TEST_DIR/in"
    wait_for 20 grep -q ready "$TEST_DIR/out"
}

leave() {
    exec 9>&-
    wait "$guest" || not_ok "guest ended with status $?" "$(<"$TEST_DIR/out")"
}

# ask SOCKET LINE: sends a command to the library, prints the answer.
ask() {
    /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60) # the helper may be asleep on a number that was taken from it, for 10 s at most
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
while data := s.recv(65536):
    sys.stdout.buffer.write(data)' "$1" "$2"
}

# process PID FILTER: of the row that ps has of it. There may be other watched processes.
process() {
    "$PERFSPY_CTL" ps -p "$1" --json | jq -r ".processes[0] | $2"
}

# It keeps its region in memory: only its helper thread can tell, which a busy machine may keep from
# doing so in the second that perfspy-ctl gives it.
memory_is_told() {
    [ "$(process "$guest" .storage)" = memory ]
}

# calls PID: of every operation that is no statement or connect of libpq
calls() {
    "$PERFSPY_CTL" stats -p "$1" --json | jq '[.operations[] | select(.kind == "http") | .calls] | add'
}

for case in closeall dupover dupkeep vforkdup; do
    alive "$case"
    assert_eq "after $case the process is live" live "$(process "$guest" .state)"
    sock=$(echo "$run_dir"/*.sock)
    assert_match "after $case the socket still answers" '^ok ' "$(ask "$sock" help)"
    leave
done

alive fork
assert_eq "a forking server: the parent counts its own" 2 "$(calls "$guest")"
child=$(cd "$run_dir" && printf '%s\n' *.region | grep -v "^$guest-")
assert_eq "and the child its own" 1 "$(calls "${child%%-*}")"
leave

alive vfork
assert_eq "a vfork's child does not end the parent's connection" 2 "$(calls "$guest")"
leave

alive odd
assert_eq "what moves no bytes of the stream does not end it" 1 "$(calls "$guest")"
leave

alive childfd
assert_eq "a child that uses no connection is not watched" "$guest" \
    "$(cd "$run_dir" && printf '%s\n' *.region | cut -d - -f 1)"
assert_eq "its parent's connection is still followed" 1 "$(calls "$guest")"
leave

alive handover
child=$(cd "$run_dir" && printf '%s\n' *.region | grep -v "^$guest-")
assert_eq "a child counts the request that its parent read" 1 "$(calls "${child%%-*}")"
leave

alive daemon
daemon=$(sed -n 's/^pid //p' "$TEST_DIR/out")
assert_eq "a daemon is watched where it went" 1 "$(calls "$daemon")"
leave
wait_for 10 process_ended "$daemon"

alive cancel
assert_eq "a cancelled recv leaves the connection followed" 1 "$(calls "$guest")"
leave

alive pgfork
assert_match "both sides of a fork use one PGconn" '1 row' "$(<"$TEST_DIR/out")"
assert_eq "the parent counts its statement" 1 \
    "$("$PERFSPY_CTL" stats -p "$guest" --json | jq '[.operations[] | select(.statement == "select ?") | .calls] | add')"
leave

alive lowest
# The thread gives itself its name, when it first has the processor.
helper_is_named() {
    helper=$(grep -l '^perfspy$' /proc/"$guest"/task/*/comm)
}
wait_for 15 helper_is_named
assert_eq "there is one helper thread" 1 "$(wc -w <<<"$helper")"
assert_eq "it blocks every signal that can be blocked" fffffffe7ffbfeff \
    "$(sed -n 's/^SigBlk:\t//p' "${helper%/comm}/status")"
sockets=$(find /proc/"$guest"/fd -lname 'socket:*' -printf '%f\n' | sort -n)
assert_eq "there is one descriptor more, out of the way" "2 1" \
    "$(wc -w <<<"$sockets") $([ "$(tail -1 <<<"$sockets")" -ge 500 ] && echo 1)"
leave

# ---- limits ----------------------------------------------------------------------------------

alive fsize
wait_for 15 memory_is_told || true
assert_eq "a file-size limit: memory only, and said so" "live memory $run_dir: File too large" \
    "$(process "$guest" '"\(.state) \(.storage) \(.problem)"')"
leave

if [ -n "${SAN:-}" ]; then
    skip 'short of memory' 'a sanitizer needs more addresses than any limit'
else
    rm -rf "$run_dir"
    # Where the rules find no room depends on the build: from too little for anything upwards.
    for kib in $(seq 20000 200 60000); do
        (ulimit -v "$kib" && watched "$victims/guest" lowest </dev/null >"$TEST_DIR/out" 2>&1) || true
        "$PERFSPY_CTL" ps --json 2>/dev/null >"$TEST_DIR/ps.json" || continue
        ! grep -q 'no memory for the rules' "$TEST_DIR/ps.json" || break
    done
    assert_match "short of memory it says so" 'no memory for the rules' \
        "$("$PERFSPY_CTL" ps --json | jq -r '.processes[].problem')"
    assert_eq "and leaves no file half made" "" "$(find "$run_dir" -name '*.new')"
fi

rm -rf "$run_dir"
watched "$victims/guest" storm
assert_eq "a storm of forks leaves few files: 32 dead, the parent, the last child" "1 1" \
    "$(cd "$run_dir" && echo $(($(find . -name '*.region' | wc -l) <= 34)) $(($(find . -name '*.sock' | wc -l) <= 34)))"

# Left by one that was killed in the middle of its start.
rm -rf "$run_dir"
mkdir -m 700 "$run_dir"
: >"$run_dir/1-1.region.new"
wait_for 10 test ! -e "$run_dir/1-1.region.new" | watched "$victims/guest" lowest >"$TEST_DIR/out"
assert_eq "a region that was never complete is removed" "" "$(find "$run_dir" -name '*.new')"

for secure in PERFSPY_ENABLED=0 PERFSPY_ONLY=other,names; do
    rm -rf "$run_dir"
    env "$secure" LD_PRELOAD="$PERFSPY_PRELOAD" "$victims/guest" exit >/dev/null || true
    assert_eq "$secure: untouched" "" "$(ls -A "$run_dir" 2>/dev/null)"
done
env PERFSPY_ONLY=other,guest LD_PRELOAD="$PERFSPY_PRELOAD" "$victims/guest" exit >/dev/null || true
assert_eq "PERFSPY_ONLY with the program's name: watched" 1 "$(find "$run_dir" -name '*.region' | wc -l)"
