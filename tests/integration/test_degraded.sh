#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Whatever keeps perfspy from its work, the service serves on, and perfspy-ctl says what is wrong.
. "$(dirname "$0")/lib/check.sh"

parts_init --parts 20 >"$TEST_DIR/init.log" 2>&1

# serve [NAME=VALUE...]: the service, watched under these conditions; fetches two parts.
serve() {
    parts_start LD_PRELOAD="$PERFSPY_PRELOAD" "$@"
    parts_login
    assert_eq "$what: the service serves" "200 200" \
        "$(parts_call GET /parts/1) $(parts_call GET /parts/2)"
}

# Where there is no file only the library's helper thread can tell, which on a busy machine may take
# longer than the second that perfspy-ctl gives it.
ps_tells() {
    "$PERFSPY_CTL" ps -p "$SERVER_PID" --json >"$TEST_DIR/ps.json" &&
        jq -e '.processes[0].storage != null' "$TEST_DIR/ps.json" >/dev/null
}

# row FILTER: of what ps says of the process.
row() {
    wait_for 10 ps_tells || true
    json "$TEST_DIR/ps.json" ".processes[0] | $1"
}

# people_see REGEX: in what ps prints.
people_see() {
    [[ $("$PERFSPY_CTL" ps -p "$SERVER_PID") =~ $1 ]]
}

# counted OPERATION: twice, after the log-in and what serve() fetches.
counted() {
    parts_await_requests "$SERVER_PID" 3 "$TEST_DIR/stats.json"
    assert_json "$what: calls are counted all the same" "$TEST_DIR/stats.json" \
        '[.operations[] | select(.operation == $o) | .calls] == [2]' --arg o "$1"
}

# ---- rules -----------------------------------------------------------------------------------

what="broken rules"
cat >"$TEST_DIR/broken.yml" <<'YAML'
version: 1
operations:
  - name: a
    http: GET /a
    benchmrak: 100ms
YAML
serve PERFSPY_RULES="$TEST_DIR/broken.yml" PERFSPY_LOG="$TEST_DIR/log"
assert_eq "$what: ps says so" invalid "$(row .rules.state)"
assert_match "$what: with line and column" 'broken\.yml:5:5: .*benchmrak' "$(row .rules.error)"
check "$what: for people too" wait_for 10 people_see 'broken\.yml:5:5'
assert_match "$what: the log says so" 'level=ERROR .*broken\.yml:5:5' "$(<"$TEST_DIR/log")"
assert_match "$what: rules check says the same" "^$TEST_DIR/broken.yml:5:5: error: " \
    "$("$PERFSPY_CTL" rules check "$TEST_DIR/broken.yml" 2>&1 || true)"
counted 'GET /parts/{id}'
stop_process "$SERVER_PID"

what="missing rules"
serve PERFSPY_RULES="$TEST_DIR/absent.yml"
assert_eq "$what: ps says so" unreadable "$(row .rules.state)"
assert_match "$what: and why" 'absent\.yml: .*No such file' "$(row .rules.error)"
counted 'GET /parts/{id}'
stop_process "$SERVER_PID"

# ---- the directory ---------------------------------------------------------------------------

# degraded REASON: counted in memory, reachable over the socket, with the reason told.
degraded() {
    assert_eq "$what: kept in memory" memory "$(row .storage)"
    assert_match "$what: ps says why" "$1" "$(row .problem)"
    check "$what: for people too" wait_for 10 people_see "$1"
    counted parts_crud.get_part
    stop_process "$SERVER_PID"
}
rules=PERFSPY_RULES=$PWD/rules/parts.yml

what="a directory that cannot be made"
serve "$rules" PERFSPY_DIR="$TEST_DIR/no/such/place"
degraded 'no/such/place: No such file or directory'

what="a directory that is open to others"
mkdir -m 755 "$TEST_DIR/open"
serve "$rules" PERFSPY_DIR="$TEST_DIR/open"
degraded 'open: is not a directory of mode 0700 owned by this user'
assert_eq "$what: nothing is put there" "" "$(ls -A "$TEST_DIR/open")"

what="a directory behind a symbolic link"
mkdir -m 700 "$TEST_DIR/real"
ln -s real "$TEST_DIR/link"
serve "$rules" PERFSPY_DIR="$TEST_DIR/link"
degraded 'link: '
assert_eq "$what: nothing is put there" "" "$(ls -A "$TEST_DIR/real")"

what="a file in its place"
: >"$TEST_DIR/file"
serve "$rules" PERFSPY_DIR="$TEST_DIR/file"
degraded 'file: '

if [ "$(id -u)" -ne 0 ]; then
    what="an unwritable directory"
    mkdir -m 500 "$TEST_DIR/readonly"
    serve "$rules" PERFSPY_DIR="$TEST_DIR/readonly"
    degraded 'readonly: Permission denied'
fi

# A disk of half a megabyte, in a mount namespace of the service's own.
what="a full disk"
mkdir -m 700 "$TEST_DIR/disk"
unshare=(unshare --mount)
[ "$(id -u)" -eq 0 ] || unshare=(unshare --mount --map-root-user)
if "${unshare[@]}" mount -t tmpfs -o size=512k,mode=700 none "$TEST_DIR/disk" 2>/dev/null; then
    cat >"$TEST_DIR/on-small-disk" <<'SH'
#!/bin/sh
mount -t tmpfs -o size=512k,mode=700 none "$1" || exit 1
shift
exec env "$@"
SH
    chmod +x "$TEST_DIR/on-small-disk"
    start_server "${unshare[@]}" "$TEST_DIR/on-small-disk" "$TEST_DIR/disk" \
        LD_PRELOAD="$PERFSPY_PRELOAD" "$rules" PERFSPY_DIR="$TEST_DIR/disk" \
        "$PARTS_SERVER" --listen 127.0.0.1:0 --dsn "dbname=$PGDATABASE"
    wait_for 30 curl -sf -o "$TEST_DIR/body" "$SERVER_URL/healthz"
    parts_login
    assert_eq "$what: the service serves" "200 200" \
        "$(parts_call GET /parts/1) $(parts_call GET /parts/2)"
    degraded 'disk: No space left on device'
else
    skip "$what" "no mount namespaces here"
fi

# ---- a directory that goes away --------------------------------------------------------------

what="a directory removed under us"
mkdir -m 700 "$TEST_DIR/gone"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" "$rules" PERFSPY_DIR="$TEST_DIR/gone"
rm -rf "$TEST_DIR/gone"
parts_login
assert_eq "$what: the service serves" "200 200" \
    "$(parts_call GET /parts/1) $(parts_call GET /parts/2)"
status=0
stop_process "$SERVER_PID" || status=$?
assert_eq "$what: it ends well" 0 "$status"
