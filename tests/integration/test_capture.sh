#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Capturing what calls are given: values in every way that libpq takes them, requests' parameters;
# its limits in number and time; and that nothing is left behind, however it ends.
. "$(dirname "$0")/lib/check.sh"

got=$TEST_DIR/got.json

cat >"$TEST_DIR/rules.yml" <<'YAML'
version: 1
operations:
  - {name: t.kinds, sql: SELECT ... AS kinds}
  - {name: t.prepared, sql: SELECT ? AS prepared}
  - {name: t.async, sql: SELECT ? AS async}
  - {name: t.piped, sql: SELECT ? AS piped}
  - {name: t.left, sql: SELECT ? AS left_open}
  - {name: t.long, sql: SELECT ? AS long}
  - {name: t.literal, sql: SELECT ... AS literal}
  - {name: t.slept, sql: SELECT pg_sleep(?) AS slept}
  - {name: t.forked, sql: SELECT ? AS forked}
  - {name: t.threads, sql: SELECT ? AS threads}
  - {name: t.role, sql: ALTER ROLE ...}
  - {name: t.execute, sql: EXECUTE ...}
  - name: t.sequence
    sql:
      - SELECT ? AS step_one
      - SELECT ... AS step_two
YAML
sed -i 's/SELECT ? AS \(prepared\|async\|piped\|left_open\|long\|forked\|threads\)/SELECT ?::text AS \1/' \
    "$TEST_DIR/rules.yml"
sed -i 's/pg_sleep(?)/pg_sleep(?::float8)/' "$TEST_DIR/rules.yml"

mkfifo "$TEST_DIR/in"
LD_PRELOAD=$PERFSPY_PRELOAD PERFSPY_RULES=$TEST_DIR/rules.yml PERFSPY_LOG=$TEST_DIR/log \
    PERFSPY_LOG_LEVEL=DEBUG "$BUILD/victims/captured" "dbname=$PGDATABASE" \
    <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 &
victim=$!
exec 9>"$TEST_DIR/in"
on_exit stop_process "$victim"
wait_for 20 grep -q begin "$TEST_DIR/out"
told=1

# tell WORD [VALUE]: the victim does that, and has when this returns.
tell() {
    told=$((told + 1))
    echo "$*" >&9
    wait_for 60 enough_done
}

enough_done() {
    [ "$(grep -c '^done ' "$TEST_DIR/out")" -ge "$told" ]
}

# arm OPERATION [OPTION...]: a capture in the background; armed when this returns.
arm() {
    : >"$TEST_DIR/said"
    "$PERFSPY_CTL" capture "$@" -p "$victim" --json >"$got" 2>"$TEST_DIR/said" &
    capturing=$!
    wait_for 20 grep -q capturing "$TEST_DIR/said"
}

# captured WANT WHAT FILTER: the capture ends with status WANT, and of its calls, as an array, the
# filter is true.
captured() {
    local status=0
    wait "$capturing" || status=$?
    assert_eq "$2: it ends" "$1" "$status"
    jq -s . "$got" >"$got.all" || true
    assert_json "$2" "$got.all" "$3"
}

# ---- values ----------------------------------------------------------------------------------

arm t.kinds --next 2
tell kinds plain
tell kinds again
captured 0 "text, binary, NULL and hostile bytes, as they were" \
    'length == 2 and (.[0].statements[0] | .params == 4 and
    .values[0] == {value: "plain", encoding: "text", type: 25, bytes: 5, cut: false} and
    .values[1] == {value: "\\x0001fe0a", encoding: "hex", type: 17, bytes: 4, cut: false} and
    .values[2].value == null and .values[3].encoding == "hex" and
    .text == "SELECT $1, $2, $3, length($4::varchar) AS kinds") and
    .[1].statements[0].values[0].value == "again"'
assert_json "with what became of the call" "$got.all" \
    '.[0] | .operation == "t.kinds" and .total_ms >= .wait_ms and .sqlstate == "22021" and .failed'

: >"$TEST_DIR/said"
"$PERFSPY_CTL" capture kinds --next 1 -p "$victim" >"$TEST_DIR/text" 2>"$TEST_DIR/said" &
capturing=$!
wait_for 20 grep -q capturing "$TEST_DIR/said"
tell kinds "for people"
wait "$capturing"
assert_eq "for people each value is a line" "  \$1         'for people'" \
    "$(grep -F "\$1  " "$TEST_DIR/text")"
assert_eq "binary is hexadecimal" '  $2         \x0001fe0a' "$(grep -F "\$2  " "$TEST_DIR/text")"
assert_eq "NULL is not a text" '  $3         NULL' "$(grep -F "\$3  " "$TEST_DIR/text")"
assert_eq "controls are escaped" "  \$4         'it''s\\n\\x1b[31m\\u009bred\\xff'" \
    "$(grep -F "\$4  " "$TEST_DIR/text")"

arm t.long --next 1
tell long
captured 0 "a long value is cut, and says so" \
    '.[0].statements[0].values[0] | .cut and .bytes == 5000 and (.value | length) == 1024'

arm t.literal --next 3
tell text "SELECT 'lit''eral', 42 AS literal"
tell send "SELECT 'sent' AS literal"
tell text "SELECT 1 AS other; SELECT 'in a batch' AS literal"
captured 0 "literals are in the text as sent" \
    '[.[].statements[0].text] == ["SELECT '"'lit''eral'"', 42 AS literal",
    "SELECT '"'sent'"' AS literal", "SELECT 1 AS other; SELECT '"'in a batch'"' AS literal"] and
    .[0].statements[0].statement == "select ?, ? as literal"'

arm t.prepared --next 1
tell prepared "to a name"
captured 0 "a prepared statement has its name, its text and its values" \
    '.[0].statements[0] | .prepared == "point" and .values[0].value == "to a name" and
    .statement == "select ?::text as prepared"'

arm t.async --next 2
tell async "sent ahead"
captured 0 "asynchronous calls, prepared and not" \
    '[.[].statements[0].values[0].value] == ["sent ahead", "sent ahead"] and
    .[1].statements[0].prepared == "later"'

arm t.piped --next 3
tell piped
captured 0 "a pipeline's statements each have their own" \
    '[.[].statements[0].values[0].value] == ["first", "second", "third"]'

arm t.sequence --next 1
tell sequence "the second"
captured 0 "a sequence is one call with all of its statements" \
    'length == 1 and (.[0].statements | length == 2 and .[0].text == "SELECT '"'the first'"' AS step_one" and
    .[1].values[0].value == "the second" and [.[].parts] == [2, 2] and [.[].part] == [1, 2])'

arm t.slept --next 1 --slow 200ms
tell sleep 0
tell sleep 0.3
captured 0 "only slow ones, where that is asked for" \
    'length == 1 and .[0].statements[0].values[0].value == "0.3" and .[0].total_ms >= 300'

arm t.forked --next 1
tell fork
captured 0 "a fork's child is not captured" \
    'length == 1 and .[0].statements[0].values[0].value == "of the parent"'

# Fewer than there are places, so that none can be missed however late the helper looks.
arm t.threads --next 100
tell threads
captured 0 "several threads at once" \
    'length == 100 and ([.[].statements[0].values[0].value] | unique) == ["by a thread"]'

arm t.role --next 1
tell text "ALTER ROLE nobody_there PASSWORD 's3cr3t'"
captured 0 "a password is withheld" \
    '.[0].statements[0] | .withheld and .text == null and .values == [] and
    .statement == "alter role nobody_there password ?"'
assert_eq "nowhere in what came" 0 "$(grep -c 's3cr3t' "$got")"
arm t.execute --next 1
tell text "EXECUTE set_it('s3cr3t')"
captured 0 "nor what an EXECUTE is given, whose statement is not known" \
    '.[0].statements[0] | .withheld and .text == null and .statement == "execute set_it(?)"'
assert_eq "nowhere in what came then" 0 "$(grep -c 's3cr3t' "$got")"

# ---- limits ----------------------------------------------------------------------------------

arm t.kinds --next 3 --for 1s
tell kinds one
captured 1 "the time is up with fewer" 'length == 1'
assert_match "which is said" '1 of 3 calls of t.kinds came within 1 s' "$(<"$TEST_DIR/said")"

arm t.kinds --next 1 --for 60s
assert_status "a second capture is refused" 77 "$PERFSPY_CTL" capture t.left -p "$victim" --for 1s
assert_match "politely" 'another capture is under way' \
    "$("$PERFSPY_CTL" capture t.left -p "$victim" --for 1s 2>&1 || true)"
tell kinds still
captured 0 "and does not disturb the first" 'length == 1'

assert_status "no such operation" 69 "$PERFSPY_CTL" capture t.nothing -p "$victim"
assert_status "no process" 69 "$PERFSPY_CTL" capture t.kinds -p 999999999
assert_status "no operation is named" 64 "$PERFSPY_CTL" capture -p "$victim"
assert_status "more calls than can be asked for" 64 "$PERFSPY_CTL" capture t.kinds --next 1001
assert_status "more time than can be asked for" 64 "$PERFSPY_CTL" capture t.kinds --for 11m

# ---- nothing is left behind ------------------------------------------------------------------

# The mapping with the values is the one that is neither dumped nor inherited.
cat >"$TEST_DIR/find.py" <<'PYTHON'
# Is TEXT in the mappings of PID that are left out of core dumps and wiped in a fork's child?
import sys
pid, text = sys.argv[1], sys.argv[2].encode()
ranges, span = [], None
for line in open(f"/proc/{pid}/smaps"):
    words = line.split()
    if "-" in words[0] and not words[0].endswith(":"):
        span = [int(x, 16) for x in words[0].split("-")]
    elif words[0] == "VmFlags:" and "wf" in words and "dd" in words:
        ranges.append(span)
memory = open(f"/proc/{pid}/mem", "rb")
for begin, end in ranges:
    memory.seek(begin)
    if text in memory.read(end - begin):
        print("found")
        sys.exit(0)
print(f"not in {len(ranges)}")
PYTHON

holds() {
    [ "$(/usr/bin/python3 "$TEST_DIR/find.py" "$victim" "$1")" = found ]
}

holds_not() {
    [ "$(/usr/bin/python3 "$TEST_DIR/find.py" "$victim" "$1")" = "not in 1" ]
}

arm t.left --next 1 --for 60s
tell leave marker-in-flight
check "while a statement is in flight its value is kept" holds marker-in-flight
kill -KILL "$capturing"
wait "$capturing" || true
check "its asker killed, it is wiped" wait_for 20 holds_not marker-in-flight
tell fetch
tell leave marker-of-later
check "later calls leave nothing" holds_not marker-of-later
tell fetch

arm t.left --next 1 --for 60s
tell leave marker-taken
tell fetch
captured 0 "a later capture works" '.[0].statements[0].values[0].value == "marker-taken"'
check "what was sent is wiped" wait_for 20 holds_not marker-taken

arm t.left --next 2 --for 1s
tell leave marker-timed-out
captured 1 "time runs out" 'length == 0'
check "over a statement in flight: wiped" wait_for 20 holds_not marker-timed-out
tell fetch

arm t.left --next 5 --for 1s
kill -STOP "$capturing"
free_again() {
    "$PERFSPY_CTL" capture t.long -p "$victim" --for 10ms 2>"$TEST_DIR/said" || [ "$?" -eq 1 ]
}
check "an asker that does not read is given up" wait_for 30 free_again
kill -KILL "$capturing"
wait "$capturing" || true

assert_eq "no value is in the region" 0 \
    "$(cat "$PERFSPY_DIR"/*.region | grep -ac 'marker-\|s3cr3t\|by a thread\|lit..eral')"
assert_eq "nor in the log" 0 "$(grep -ac 'marker-\|s3cr3t\|by a thread\|lit..eral' "$TEST_DIR/log")"
assert_match "which is there" 't.left' "$(grep -a -m1 t.left "$TEST_DIR/log")"

# ---- whose it is -----------------------------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
    socket=$(echo "$PERFSPY_DIR/$victim"-*.sock)
    other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    assert_status "another user is refused" 77 "${other[@]}" "$PERFSPY_CTL" capture t.kinds -p "$victim"
    chmod 711 "$TEST_DIR" "$PERFSPY_DIR"
    chmod 777 "$socket"
    answer=$("${other[@]}" /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"capture 1 1000 0 t.kinds\n")
print(s.makefile().read())' "$socket" 2>&1 || true)
    assert_match "by the library itself, too" '^error [0-9]+.refused: ' "$answer"
else
    skip "another user is refused" "needs root to become another user"
fi

# ---- requests --------------------------------------------------------------------------------

parts_init --parts 10 >"$TEST_DIR/init.log" 2>&1
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$PWD/rules/parts.yml"
parts_login
victim=$SERVER_PID
arm api.get_part --next 2
parts_call GET '/parts/7?lang=d%C3%A9%1b&note=a+b%00&access_token=s3cr3t' >"$TEST_DIR/status"
parts_call GET '/parts/8' >"$TEST_DIR/status"
captured 0 "a request has its target and all of its parameters" \
    '.[0] | .method == "GET" and (.target | startswith("/parts/7?lang=d%C3%A9%1b&")) and
    .parameters[0] == {name: "lang", value: "dé\u001b", encoding: "text"} and
    .parameters[1].value == "a b\u0000" and (.parameters[2].value | test("^\\*+$"))'
assert_json "and its status" "$got.all" '.[1] | .status == "200" and .parameters == [] and .tid > 0'
assert_eq "no token came" 0 "$(grep -c s3cr3t "$got")"

arm parts_crud.get_part --next 1
parts_call GET '/parts/9' >"$TEST_DIR/status"
captured 0 "and its statement the value" '.[0].statements[0].values[0].value == "9"'
