#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# perfspy-ctl is killed while it attaches, at each step that it does to the process: before each of
# its calls of ptrace, wait and write in turn. The process goes on, with nothing that it did spoilt,
# and can be attached to.
# time limit: 900
. "$(dirname "$0")/lib/check.sh"

victims=$BUILD/victims
STRIDE=${KILL_STRIDE:-17} # every so many steps; make soak-attach takes each one
KINDS=(read sleep epoll recv)
WHERE=(env) # what it is started by

if [ -n "${SAN:-}" ]; then
    skip "killing the tool" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

begin() {
    rm -f "$TEST_DIR/out"
    "${WHERE[@]}" "$victims/attached" wait "$1" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
    VICTIM=$!
    wait_for 30 grep -qs ready "$TEST_DIR/out"
}

# killed CALL N: attaches, and is killed as it is about to make system call CALL for the Nth time.
# Returns 137, or 0 where it makes fewer.
killed() {
    local status=0
    strace -qq -o "$TEST_DIR/steps" -e "trace=ptrace,$1" -e "inject=$1:signal=SIGKILL:when=$2" \
        "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s >"$TEST_DIR/attach" 2>&1 &
    wait "$!" 2>/dev/null || status=$? # says "Killed"
    [ "$status" = 0 ] || [ "$status" = 137 ] || sed 's/^/# /' "$TEST_DIR/attach"
    return "$status"
}

blocked() {
    cat "/proc/$VICTIM"/task/*/status 2>/dev/null | grep '^SigBlk' | sort
}

# No thread of ours, none traced, none stopped, the signal masks are as they were: what was begun has
# come to its end, and is undone.
at_rest() {
    "$PERFSPY_CTL" detach "$VICTIM" >"$TEST_DIR/detach" 2>&1 || true
    [ "$(blocked)" = "$1" ] && ! grep -qs '^State:.[tT]' "/proc/$VICTIM"/task/*/status &&
        ! grep -s '^TracerPid:' "/proc/$VICTIM"/task/*/status | grep -qv '0$'
}

# What the process, in KIND, complained of: no call of it may fail. But between stopping a thread and
# giving it its call back the tool can do nothing against it, as no debugger can, where the kernel
# gives EINTR for any stop.
complaints() {
    if [[ $1 =~ epoll|recv ]] && awk '/= \?$/ { next }
        /INTERRUPT|PTRACE_CONT/ { stopped = 1; looks = 0 }
        /GETREGSET/ { looks++ }
        /SETREGSET/ { stopped = 0 }
        END { exit !(stopped && looks <= 1) }' "$TEST_DIR/steps"; then
        awk '/(epoll|recv|woke early): Interrupted/ && !seen[$1]++ { next } { print }' "$TEST_DIR/err"
    else
        cat "$TEST_DIR/err"
    fi
}

# What is wrong with the process in KIND that was there when the tool was killed at CALL N; nothing if
# all is well. A thread that was on its way goes on with that, to the end.
wrong() {
    local status=0 kind=$1 step="$2 $3 in $1" said
    wait_for 10 at_rest "$BEFORE" ||
        echo "$step: not at rest: $(blocked), not $BEFORE; $(<"$TEST_DIR/detach")"
    "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s >"$TEST_DIR/again" 2>&1 ||
        grep -q 'watched already' "$TEST_DIR/again" || echo "$step: $(<"$TEST_DIR/again")"
    kill "$VICTIM" || true
    wait_for 15 process_ended "$VICTIM" || echo "$step: hangs"
    wait "$VICTIM" || status=$?
    said=$(complaints "$kind")
    [ "$status" -le 1 ] && [ -z "$said" ] || echo "$step: ended with $status: $said"
}

# steps CALL STRIDE LAST KIND...: before each STRIDEth call, up to number LAST or to the end; in a process
# of its own each, in one kind of wait after the other.
steps() {
    local call=$1 stride=$2 last=$3 n kind steps=0 status=137
    shift 3
    : >"$TEST_DIR/wrong"
    for ((n = 1; n <= last && status == 137; n += stride)); do
        kind=${!#} && set -- "$kind" "${@:1:$#-1}"
        begin "$kind"
        BEFORE=$(blocked)
        status=0
        killed "$call" "$n" || status=$?
        wrong "$kind" "$call" "$n" >>"$TEST_DIR/wrong"
        steps=$((steps + 1))
    done
    echo "# killed before $steps calls of $call"
    assert_eq "$call: killed each time, but where there was no more to do" \
        "$([ "$n" -gt "$last" ] && echo 137 || echo 0)" "$status"
    assert_eq "$call: the process is well, and can be attached to" "" "$(<"$TEST_DIR/wrong")"
}

begin read
if ! "$PERFSPY_CTL" attach "$VICTIM" >"$TEST_DIR/first" 2>&1 && grep -q 'may not be traced' "$TEST_DIR/first"; then
    skip "killing the tool" "$(<"$TEST_DIR/first")"
    kill "$VICTIM"
    exit 0
fi
kill "$VICTIM"
wait "$VICTIM" || true

steps ptrace 1 9 epoll recv
steps ptrace "$STRIDE" 2000 "${KINDS[@]}"
steps wait4 "$STRIDE" 2000 "${KINDS[@]}"
steps pwrite64 1 2000 "${KINDS[@]}"

# Loaded from memory, since the process does not see the file: the copy may end in the middle, and then
# no other of that name may be loaded instead.
cat >"$TEST_DIR/hide.sh" <<'END'
mount --bind /dev/null "$1" && shift && exec "$@"
END
if unshare --mount true 2>/dev/null; then
    mkdir "$TEST_DIR/other"
    cp "$victims/libpq-a1b2.so.5" "$TEST_DIR/other/libperfspy.so"
    WHERE=(unshare --mount bash "$TEST_DIR/hide.sh" "$PERFSPY_LIB" env LD_LIBRARY_PATH="$TEST_DIR/other")
    steps write "$((STRIDE > 1 ? 12 : 1))" 2000 "${KINDS[@]}"
    steps pwrite64 1 2000 "${KINDS[@]}"
fi
