#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# perfspy-ctl is killed while it attaches, at each step that it does to the process: before each of
# its calls of ptrace, wait and write in turn. The process goes on, with nothing that it did spoilt,
# and can be attached to.
# time limit: 900
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/integration/lib/attach.sh
. "$(dirname "$0")/lib/attach.sh"

victims=$BUILD/victims
STRIDE=${KILL_STRIDE:-17} # every so many steps; make soak-attach takes each one
KINDS=(read sleep epoll recv)
WHERE=(env) # what it is started by

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
    attach >"$TEST_DIR/again" 2>&1 ||
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
        begin "${WHERE[@]}" "$victims/attached" wait "$kind"
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

begin "$victims/attached" wait read
attach_first
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
