# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A victim that is attached to while it runs: beginning it, having it do one step after the other,
# attaching, looking at what it became, and its end. Needs check.sh. A script that begins one of its own
# uses attach_first for the first attach.
#
# Under a sanitizer, whose runtime has to be in a program from its start, the script ends here, skipped.

STATS=$TEST_DIR/stats.json # what calls_of() was told last
ATTACH_OPTIONS=()          # of attach(), each time
BEGUN=                     # what begin() began

if [ -n "${SAN:-}" ]; then
    skip "attaching" "a sanitizer's runtime has to be in the program from its start"
    exit 0
fi

# ---- the victim -------------------------------------------------------------------------------

# begin_silent COMMAND...: begins a program that reads what tell() tells it, one at a time. What it says
# is in $TEST_DIR/out, what it complains of in $TEST_DIR/err. Sets BEGUN, and VICTIM, which is what is
# attached to: a script may set that to a child of it.
begin_silent() {
    [ -n "$BEGUN" ] || on_exit stop_begun
    rm -f "$TEST_DIR/in" "$TEST_DIR/out" # an old "ready" would be taken for its own
    mkfifo "$TEST_DIR/in"
    "$@" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
    BEGUN=$!
    VICTIM=$BEGUN
    exec 7>"$TEST_DIR/in"
}

# begin COMMAND...: the same, of the kind that says "ready". Returns 1 where it ends instead.
begin() {
    begin_silent "$@"
    wait_for 30 ready_or_ended
    grep -q ready "$TEST_DIR/out"
}

ready_or_ended() {
    grep -qs ready "$TEST_DIR/out" || process_ended "$BEGUN"
}

stop_begun() {
    stop_process "$BEGUN"
}

# tell LINE: one more step, to its end, of which it says "done".
tell() {
    local before
    before=$(grep -c '^done' "$TEST_DIR/out" || true)
    echo "$1" >&7
    wait_for 30 done_or_ended "$before"
}

done_or_ended() {
    [ "$(grep -c '^done' "$TEST_DIR/out")" -gt "$1" ] || process_ended "$BEGUN"
}

# ends_well WHAT: a check that it ends, now that there is nothing more to read, as it would have: with
# status 0 and no complaint. One that hangs is killed, and has another status.
ends_well() {
    local status=0
    exec 7>&-
    wait_for 30 process_ended "$BEGUN" || kill -KILL "$BEGUN"
    wait "$BEGUN" 2>/dev/null || status=$?
    assert_eq "$1: ends as it would have" "0 " "$status $(<"$TEST_DIR/err")"
}

# ---- what is done to it -----------------------------------------------------------------------

attach() {
    "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s "${ATTACH_OPTIONS[@]}" "$@"
}

detach() {
    "$PERFSPY_CTL" detach "$VICTIM"
}

# The first attach of a script, which ends here, skipped, where nothing may be traced. Whether it
# succeeds is not looked at.
attach_first() {
    if ! attach >"$TEST_DIR/first" 2>&1 && grep -q 'may not be traced' "$TEST_DIR/first"; then
        skip "attaching" "$(<"$TEST_DIR/first")"
        exit 0
    fi
}

# killed CALL N: attaches, and is killed as it is about to make system call CALL for the Nth time.
# Returns 137, or 0 where it makes fewer. $TEST_DIR/steps has these calls, and those of ptrace.
killed() {
    local status=0
    strace -qq -o "$TEST_DIR/steps" -e "trace=ptrace,$1" -e "inject=$1:signal=SIGKILL:when=$2" \
        "$PERFSPY_CTL" attach "$VICTIM" --timeout 20s >"$TEST_DIR/attach" 2>&1 &
    wait "$!" 2>/dev/null || status=$? # says "Killed"
    [ "$status" = 0 ] || [ "$status" = 137 ] || sed 's/^/# /' "$TEST_DIR/attach"
    return "$status"
}

# says WHAT STATUS REGEX COMMAND...: two checks, of that status and of a sentence that has it.
says() {
    local what=$1 want=$2 pattern=$3 status=0 text
    shift 3
    text=$("$@" 2>&1) || status=$?
    assert_eq "$what: status" "$want" "$status"
    assert_match "$what: why" "$pattern" "$text"
}

# ---- what it is like --------------------------------------------------------------------------

# calls_of NAME [COMMAND...]: of that operation or statement, as COMMAND tells; as perfspy-ctl does
# without one.
calls_of() {
    local name=$1
    shift
    [ $# -gt 0 ] || set -- "$PERFSPY_CTL" stats -p "$VICTIM"
    "$@" --json >"$STATS" && json "$STATS" '[.operations[] |
        select(.operation == $s or .statement == $s) | .calls] | add // 0' --arg s "$name"
}

has_threads() {
    [ "$(find "/proc/$VICTIM/task" -mindepth 1 -maxdepth 1 | wc -l)" = "$1" ]
}

# Of its first thread: is_in_state T, where it is stopped.
is_in_state() {
    grep -qs "^State:.$1" "/proc/$VICTIM/status"
}

# The signals that each of its threads blocks.
blocked() {
    cat "/proc/$VICTIM"/task/*/status 2>/dev/null | grep '^SigBlk' | sort
}

# at_rest BLOCKED: whatever was begun has come to its end, and is undone, which this does where it was
# an attach: no thread of ours is left, none is traced or stopped, and they block what they did.
at_rest() {
    detach >"$TEST_DIR/detach" 2>&1 || true
    [ "$(blocked)" = "$1" ] && ! grep -qs '^State:.[tT]' "/proc/$VICTIM"/task/*/status &&
        ! grep -s '^TracerPid:' "/proc/$VICTIM"/task/*/status | grep -qv '0$'
}

# attach_holds PID: what cycles must not add to: threads, descriptors, mappings.
attach_holds() {
    echo "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)" \
        "$(find "/proc/$1/fd" -mindepth 1 | wc -l)" "$(wc -l <"/proc/$1/maps")"
}

attach_holds_no_more() {
    local threads fds maps slack=$2
    read -r threads fds maps < <(attach_holds "$1" 2>/dev/null)
    shift 2
    [ -n "$maps" ] && [ "$threads" -le "$1" ] && [ "$fds" -le "$2" ] && [ "$maps" -le $(($3 + slack)) ]
}

# attach_keeps WHAT PID SLACK THREADS FDS MAPPINGS: a check that it holds no more than it did, but
# for SLACK mappings that it makes for itself.
attach_keeps() {
    local what=$1 pid=$2 slack=$3
    shift 3
    if wait_for 15 attach_holds_no_more "$pid" "$slack" "$@"; then
        ok "$what: holds no more threads, descriptors and mappings"
    else
        not_ok "$what: holds no more threads, descriptors and mappings" \
            "after the second cycle: $*" "at the end: $(attach_holds "$pid")"
    fi
    echo "# $what: threads, descriptors, mappings: $*, then $(attach_holds "$pid")"
}
