#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every call that moves the bytes of a connection, or its descriptors: the program does the same,
# watched or not, and every request is counted once, with all its bytes.
. "$(dirname "$0")/lib/check.sh"

run_dir=$TEST_DIR/perfspy
stats=$TEST_DIR/stats.json
response=40 # bytes of the victim's response

# run CASE: watched, until it is ready; its output is held against that of an unwatched one.
run() {
    rm -rf "$run_dir"
    "$BUILD/victims/sockets" "$1" </dev/null >"$TEST_DIR/bare" 2>&1
    mkfifo "$TEST_DIR/in"
    LD_PRELOAD=$PERFSPY_PRELOAD "$BUILD/victims/sockets" "$1" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 &
    victim=$!
    exec 9>"$TEST_DIR/in"
    rm "$TEST_DIR/in"
    wait_for 30 grep -q ready "$TEST_DIR/out"
    "$PERFSPY_CTL" stats -p "$victim" --json >"$stats"
    lost=$("$PERFSPY_CTL" ps -p "$victim" --json | jq '.processes[0].self.streams_lost')
    exec 9>&-
    wait "$victim" || not_ok "$1 ended with status $?"
    assert_eq "$1: the program notices nothing" "$(<"$TEST_DIR/bare")" "$(<"$TEST_DIR/out")"
}

# counted NAME [METHOD]: of the requests by that name: how many, how many aborted, bytes in and out.
counted() {
    json "$stats" '.operations[] | select(.operation == $o and .calls > 0)
        | "\(.calls) \(.aborted) \(.bytes_in) \(.bytes_out)"' --arg o "${2:-GET} /$1"
}

# once NAME...: one request of each, answered, with all bytes.
once() {
    local name
    for name in "$@"; do
        assert_eq "by $name" "1 0 $((27 + ${#name})) $response" "$(counted "$name")"
    done
}

run calls
once read __read __read_chk readv recv __recv_chk recvfrom __recvfrom_chk recvmsg recvmmsg peeking \
    byte_by_byte write __write writev send __send sendto sendmsg sendmmsg sendfile sendfile64 \
    splice not_blocking
assert_eq "no connection was lost" 0 "$lost"

run spliced_in
assert_eq "a body that nobody sees" "1 0 50 $response" "$(counted spliced POST)"
once after
assert_eq "a head that nobody sees is not guessed at" "" "$(counted unseen)"

run duplicates
once dup dup2 dup3 F_DUPFD F_DUPFD_CLOEXEC dup2_ fcntl64 fcntl_
assert_eq "what comes before" "8 0 264 $((8 * response))" "$(counted before)"
assert_eq "and after" "8 0 256 $((8 * response))" "$(counted after)"

run closes
for way in close __close syscall close_range SYS_range closefrom shutdown dup2; do
    assert_eq "closed by $way: aborted" "1 1 $((27 + ${#way})) 0" "$(counted "$way")"
done
assert_eq "what the number is used for next is nobody's connection" 8 \
    "$(json "$stats" '[.operations[] | select(.kind == "http") | .calls] | add')"
assert_eq "and is not taken for a broken one" 0 "$lost"

run strangers
once __read __read_chk readv_wide recv __recv_chk recvfrom __recvfrom_chk recvmsg_wide peeking
assert_eq "a passed connection" "2 0 66 $((2 * response))" "$(counted passed)"
assert_eq "a client's end is no server's" "" "$(counted to_a_client)"

run high
assert_eq "a descriptor of a high number" "2 0 62 $((2 * response))" "$(counted high)"
assert_eq "and none was too high" 0 \
    "$(json "$stats" '[.operations[] | select(.operation == "GET /high") | .aborted] | add')"

run slow
assert_eq "short writes" "1 0 31 16777161" "$(counted slow)"
assert_json "the time in which the socket was full is known" "$stats" \
    '.operations[] | select(.operation == "GET /slow") | .blocked_ms >= 300'

run exec
assert_eq "an inherited connection" "1 0 36 $response" "$(counted inherited)"
