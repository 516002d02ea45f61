#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `perfspy-ctl serve` over a real, watched service: each endpoint as the original's examples call
# it, with every kind of token; its answers against tools/openapi.yaml and the commands' --json; bad
# requests; reload; slow clients; processes that come and go.
#
# time limit: 900
# shellcheck source=tests/integration/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

spec=tools/openapi.yaml
lib=$(dirname "$0")/lib
admin=admin-token-0123456789 reader=reader-token-0123456789 hashed=hashed-token-0123456789
body=$TEST_DIR/answer head=$TEST_DIR/head
# A name that no other service on the machine has.
name=watched-$$
tokens=$TEST_DIR/tokens

# waits_for EVENT: a client of the database waits for that.
waits_for() {
    [ "$(sql "SELECT count(*) > 0 FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event_type || wait_event ~ '$1'")" = t ]
}

write_tokens() {
    printf '%s\n' "$@" >"$tokens"
    chmod 600 "$tokens"
}

# start_watched: a service of that name; sets watched, and SERVER_URL as parts_call wants it.
start_watched() {
    PARTS_SERVER=$TEST_DIR/$name parts_start LD_PRELOAD="$PERFSPY_PRELOAD" \
        PERFSPY_RULES="$TEST_DIR/rules.yml" -- --pool 3 --threads 2
    watched=$SERVER_PID parts_url=$SERVER_URL
}

# drive TIMES PATH: requests to the service.
drive() {
    local i
    for ((i = 0; i < $1; i++)); do
        SERVER_URL=$parts_url parts_call GET "$2" >/dev/null
    done
}

# ask METHOD PATH TOKEN [CURL-OPTION...]: sets STATUS; the answer is in $body and $head.
ask() {
    local method=$1 path=$2 auth=()
    [ -z "$3" ] || auth=(-H "Authorization: Bearer $3")
    shift 3
    : >"$body"
    STATUS=$(curl -sS --max-time 60 -X "$method" -o "$body" -D "$head" -w '%{http_code}' \
        "${auth[@]}" "$@" "$serve$path")
}

header() {
    sed -n "s/^$1: *//Ip" "$head" | tr -d '\r'
}

conforms() {
    "$lib/openapi.py" "$spec" check "$1" "$2" "$STATUS" "$body" "$head"
}

# gives WHAT STATUS METHOD TEMPLATE PATH TOKEN [CURL-OPTION...]: the status, and the answer is as
# the OpenAPI file says of TEMPLATE.
gives() {
    local what=$1 want=$2 method=$3 template=$4
    shift 4
    ask "$method" "$@"
    assert_eq "$what" "$want" "$STATUS"
    check "$what: as the OpenAPI file says" conforms "$method" "$template"
}

# refuses WHAT STATUS CODE FIELD METHOD PATH [CURL-OPTION...]: with the super admin's token.
refuses() {
    local what=$1 want="$2 $3 $4"
    ask "$5" "$6" "$admin" "${@:7}"
    assert_eq "$what" "$want" "$STATUS $(json "$body" '"\(.error.code) \(.error.field)"')"
}

test_start() {
    local file=$TEST_DIR/other
    assert_status 'a token file is needed' 64 "$PERFSPY_CTL" serve --listen 127.0.0.1:0
    assert_status 'and has to be there' 64 "$PERFSPY_CTL" serve --token-file "$TEST_DIR/none"
    echo "super_admin $admin" >"$file"
    chmod 640 "$file"
    assert_status 'and to be closed to others' 77 "$PERFSPY_CTL" serve --token-file "$file"
    chmod 600 "$file"
    ln -s "$file" "$TEST_DIR/link"
    assert_status 'and to be no symbolic link' 64 "$PERFSPY_CTL" serve --token-file "$TEST_DIR/link"
    assert_status 'an address without a port' 64 \
        "$PERFSPY_CTL" serve --token-file "$file" --listen 127.0.0.1
    assert_status 'a port that is taken' 71 \
        "$PERFSPY_CTL" serve --token-file "$file" --listen "${serve#http://}"
    echo "boss $admin" >"$file"
    assert_match 'a wrong role is named by its line' 'other:1: .*super_admin or reader' \
        "$("$PERFSPY_CTL" serve --token-file "$file" 2>&1)"
}

# The original's examples, and the rest of its endpoints; each with every kind of token.
endpoint() {
    local method=$1 template=$2 path=$3
    gives "$method $path" 200 "$method" "$template" "$path" "$admin"
    gives "$method $path with a hashed super admin's token" 200 "$method" "$template" "$path" "$hashed"
    gives "$method $path without a token" 401 "$method" "$template" "$path" ''
    assert_eq 'which is challenged' 'Bearer realm="perfspy"' "$(header WWW-Authenticate)"
    gives "$method $path with a wrong token" 401 "$method" "$template" "$path" nobodys --interface 127.0.0.3
    assert_match 'which is told' 'invalid_token' "$(header WWW-Authenticate)"
    gives "$method $path with a reader's token" 403 "$method" "$template" "$path" "$reader"
}

test_endpoints() {
    local method template
    while read -r method template; do
        endpoint "$method" "$template" "${template/\{operation_name\}/parts_crud.get_part}"
    done < <("$lib/openapi.py" "$spec" list)
    ask HEAD /performance/health "$admin" --head
    assert_match 'HEAD is GET without a body' '^200 [1-9][0-9]+$' "$STATUS $(header Content-Length)"
    assert_eq 'all of it head' '' "$(diff "$head" "$body")"
    assert_eq 'nothing is kept by caches' no-store "$(header Cache-Control)"
    assert_eq 'many clients at once' '80 200' \
        "$(seq 80 | xargs -P 16 -I @ curl -sS --max-time 60 -o /dev/null -w '%{http_code}\n' \
            -H "Authorization: Bearer $admin" "$serve/performance/health?last=@m" | sort | uniq -c | xargs)"
}

# same_as_cli WHAT PATH FILTER COMMAND...: what is left of both by FILTER, which takes out what
# goes on with the clock. The second in which a process started is worked out anew each time, and may
# come out as the one before or behind where it began on the edge: not every time.
same_as_cli() {
    local what=$1 path=$2 filter=$3
    shift 3
    for _ in 1 2 3; do
        ask GET "$path" "$admin"
        "$PERFSPY_CTL" "$@" -p "$name" --json >"$TEST_DIR/cli" || true
        [ "$(jq "$filter" "$TEST_DIR/cli")" != "$(jq "$filter" "$body")" ] || break
    done
    assert_eq "$what: the very JSON of the command" "$(jq "$filter" "$TEST_DIR/cli")" "$(jq "$filter" "$body")"
}

test_answers() {
    same_as_cli stats /performance/metrics/operations 'del(.operations[].rate, .covered_s)' stats
    assert_json 'exact counts' "$body" \
        '[.operations[] | select(.operation == "api.get_part") | .calls, .status["404"]] == [32, 2]'
    assert_json 'of the one process' "$body" '[.processes[].pid] == [$p]' --argjson p "$watched"
    same_as_cli 'stats NAME' /performance/metrics/operations/parts_crud.get_part \
        'del(.operations[].rate, .covered_s)' \
        stats parts_crud.get_part
    same_as_cli benchmarks /performance/benchmarks 'del(.covered_s)' benchmarks
    same_as_cli slow '/performance/metrics/slow-operations?sort=time&limit=3' . slow --sort time --limit 3
    assert_json 'slow and failed calls' "$body" \
        '([.calls[].kind] | unique) == ["http", "sql"] and any(.calls[]; .sqlstate == "23505") and
            any(.calls[]; .operation == "api.get_parts" and .parameters == {"limit": "5"})'
    same_as_cli history '/performance/history?last=2h&step=2h' 'del(.covered_s, .points[].end, .points[].rate)' \
        trend --last 2h --step 2h
    assert_json 'each call is in one of the points' "$body" '[.points[].calls] | add == $n' --argjson n \
        "$("$PERFSPY_CTL" stats -p "$name" --json | jq '[.operations[] | select(.kind == "http").calls] | add')"
    assert_json 'and what the process used' "$body" '.points[-1].use | .rss_bytes > 1000000 and .threads > 1 and .fds > 3'
    ask GET '/performance/history?operation=api.get_part' "$admin"
    assert_json 'one operation' "$body" '.operation == "api.get_part" and ([.points[].calls] | add) == 32'
    refuses 'history of what there is not' 404 no_such_operation operation GET '/performance/history?operation=nothing'
    refuses 'too many steps' 422 invalid_parameter step GET '/performance/history?last=24h&step=1s'
    refuses 'too short a step' 422 invalid_parameter step GET '/performance/history?step=10ms'
    same_as_cli health /performance/health 'del(.covered_s)' health
    assert_json 'healthy' "$body" '.status == "healthy" and .window_s == 300'
    ask GET '/performance/metrics/operations/GET%20%2Fparts%2F%7Bid%7D%2Fnowhere' "$admin"
    assert_json 'a name in percent-encoding' "$body" '.operations[0].calls == 3'
    ask GET "/performance/health?last=10m&pid=$watched" "$admin"
    assert_json 'parameters' "$body" '.window_s == 600 and .processes[0].pid == $p' --argjson p "$watched"
}

test_validate() {
    local path=/performance/benchmarks/validate
    gives 'limits of one'"'"'s own' 200 POST $path $path "$admin" -d \
        '{"limits": {"api.get_part": {"p50": "1us", "errors": "50%"}, "parts_crud.get_part": "10m"}}'
    assert_json 'are validated' "$body" '.missed == 2 and ([.benchmarks[] |
        select(.operation == "api.get_part") | [.stat, .met]] | sort) ==
        [["errors", true], ["p50", false], ["p95", true]]'
    assert_json 'and replace that of the rules' "$body" \
        '[.benchmarks[] | select(.operation == "parts_crud.get_part") | .limit_ms] == [600000]'
    ask GET /performance/benchmarks "$admin"
    assert_json 'and do not stay' "$body" '.missed == 1'
    ask POST "$path?min_calls=1000000" "$admin"
    assert_json 'min_calls' "$body" '.met == 0 and .missed == 0'

    refuses 'no JSON' 400 invalid_json null POST $path -d '{"limits": '
    assert_match 'the place is told' '1:1[0-9]' "$(json "$body" .error.message)"
    refuses 'a list' 422 invalid_body limits POST $path -d '[]'
    refuses 'another key' 422 invalid_body limit POST $path -d '{"limit": {}}'
    refuses 'a number' 422 invalid_body limits.api.get_part POST $path -d '{"limits": {"api.get_part": 200}}'
    refuses 'no statistic' 422 invalid_body limits.api.get_part.p42 POST $path \
        -d '{"limits": {"api.get_part": {"p42": "1s"}}}'
    refuses 'no duration' 422 invalid_body limits.api.get_part.p99 POST $path \
        -d '{"limits": {"api.get_part": {"p99": "soon"}}}'
    refuses 'no such operation' 422 invalid_body limits.api.get_prt POST $path -d '{"limits": {"api.get_prt": "1s"}}'
    assert_match 'near names are told' 'did you mean api.get_part' "$(json "$body" .error.message)"
    head -c 65536 /dev/zero | tr '\0' ' ' >"$TEST_DIR/blanks"
    refuses 'a body of the limit is read' 400 invalid_json null POST $path --data-binary "@$TEST_DIR/blanks"
    echo >>"$TEST_DIR/blanks"
    refuses 'a larger one is not' 413 body_too_large null POST $path --data-binary "@$TEST_DIR/blanks"
    check 'as the OpenAPI file says' conforms POST $path
    refuses 'nor one that does not say its size' 413 body_too_large null POST $path \
        -H 'Transfer-Encoding: chunked' --data-binary "@$TEST_DIR/blanks"
    head -c 3000000 /dev/zero >"$TEST_DIR/zeros"
    refuses 'nor a very large one' 413 body_too_large null POST $path --data-binary "@$TEST_DIR/zeros"
}

test_refusals() {
    local operations=/performance/metrics/operations
    ask GET $operations/parts_crud.nothing "$admin"
    assert_eq 'unknown operation' '404 no_such_operation' "$STATUS $(json "$body" .error.code)"
    check 'as the OpenAPI file says' conforms GET "$operations/{operation_name}"
    refuses 'part of a name is none' 404 no_such_operation operation_name GET $operations/get_parts_by_type
    local path
    for path in / /performance /performance/histories $operations/ /performance/health/ /Metrics; do
        refuses "nothing at $path" 404 not_found null GET "$path"
    done
    refuses 'wrong method' 405 method_not_allowed null DELETE $operations
    assert_eq 'the right ones are told' 'GET, HEAD' "$(header Allow)"
    check 'as the OpenAPI file says' conforms GET $operations
    refuses 'validate is POST' 405 method_not_allowed null GET /performance/benchmarks/validate
    assert_eq 'which is told' POST "$(header Allow)"
    refuses 'unknown parameter' 422 unknown_parameter lasst GET "$operations?lasst=5m"
    refuses 'a parameter of another endpoint' 422 unknown_parameter limit GET "$operations?limit=5"
    refuses 'bad duration' 422 invalid_parameter last GET "$operations?last=5"
    refuses 'bad process' 422 invalid_parameter pid GET "$operations?pid=1e3"
    refuses 'bad limit' 422 invalid_parameter limit GET '/performance/metrics/slow-operations?limit=0'
    refuses 'bad order' 422 invalid_parameter sort GET '/performance/metrics/slow-operations?sort=name'
    refuses 'twice the same' 422 invalid_parameter last GET "$operations?last=5m&last=6m"
    refuses 'metrics take none' 422 unknown_parameter last GET '/metrics?last=5m'
    refuses 'no such process' 404 no_such_process pid GET "$operations?pid=999999999"
    refuses 'a process that -p leaves out' 404 no_such_process pid GET "$operations?pid=$$"
    refuses 'bad encoding of the path' 400 bad_request null GET "$operations/%zz"
    refuses 'a NUL in the path' 400 bad_request null GET "$operations/a%00b"
    refuses 'bad UTF-8 in a parameter' 400 bad_request null GET "$operations?pid=%ff"
    ask GET /metrics '' -H 'Authorization: Basic YTpi' --interface 127.0.0.4
    assert_eq 'another scheme' '401 Bearer realm="perfspy", error="invalid_request"' \
        "$STATUS $(header WWW-Authenticate)"
}

# Each address has its own bucket, and loopback has many addresses.
test_throttle() {
    local seen before=$SECONDS
    # Over one connection, so fast that none is earned back; should one be, the clock says how many.
    seen=$(curl -sS --max-time 60 --interface 127.0.0.2 -o "$body" -w '%{http_code} ' \
        -H 'Authorization: Bearer guess' "$serve/performance/health?last=[1-100]m")
    assert_match 'guesses are held back' '^(401 ){10}(.* )?429 ' "$seen"
    check 'after ten, but for one a second' \
        test "$(wc -w <<<"${seen//429/}")" -le $((10 + SECONDS - before + 1))
    held_back() {
        ask GET /performance/health 'guess' --interface 127.0.0.2
        [ "$STATUS" = 429 ]
    }
    wait_for 10 held_back || true
    assert_eq 'and the next one' 429 "$STATUS"
    assert_eq 'and told for how long' 1 "$(header Retry-After)"
    check 'as the OpenAPI file says' conforms GET /performance/health
    ask GET /performance/health "$admin"
    assert_eq 'another address is not' 200 "$STATUS"
    check 'meanwhile no token is looked at' wait_for 2 right_token_is_held_back
    sleep 1.2
    ask GET /performance/health "$admin" --interface 127.0.0.2
    assert_eq 'a second later the right token is let in' 200 "$STATUS"
}

# After more guesses the right token must not pass, unless the machine is so busy that an attempt was
# earned back just then: not every time.
right_token_is_held_back() {
    local i
    for i in 1 2 3; do
        ask GET /performance/health "more-$i" --interface 127.0.0.2
    done
    ask GET /performance/health "$admin" --interface 127.0.0.2
    [ "$STATUS" = 429 ]
}

read_again() {
    [ "$(grep -c 'token file' "$serve_log")" -eq "$1" ]
}

test_reload() {
    write_tokens "super_admin fresh-token" "reader $reader"
    kill -HUP "$serve_pid"
    check 'SIGHUP is noticed' wait_for 15 read_again 1
    ask GET /performance/health "$admin"
    assert_eq 'a token that was taken away' 401 "$STATUS"
    ask GET /performance/health fresh-token
    assert_eq 'a new token' 200 "$STATUS"
    write_tokens "super_admin $admin" "nobody x"
    kill -HUP "$serve_pid"
    check 'SIGHUP is noticed again' wait_for 15 read_again 2
    assert_match 'a bad file is told' 'tokens:2: .*the tokens read before stay' "$(<"$serve_log")"
    ask GET /performance/health fresh-token
    assert_eq 'and the old tokens stay' 200 "$STATUS"
    write_tokens "super_admin $admin" "reader $reader"
    kill -HUP "$serve_pid"
    check 'SIGHUP is noticed a third time' wait_for 15 read_again 3
}

metric() {
    ask GET /metrics "$admin"
    awk -v series="$1" 'index($0, series) == 1 { print $NF }' "$body"
}

calls_of_get_part() {
    metric "http_server_request_duration_seconds_count{exe=\"$name\",operation=\"api.get_part\"}"
}

# calls_are NUMBER: metrics tell of that many, after a while perhaps, and of no more and never of fewer
# than before.
calls_are() {
    local now
    now=$(calls_of_get_part)
    [ "$now" -ge "$told" ] || not_ok 'metrics never fall' "want: $told or more" "got:  $now"
    told=$now
    [ "$told" -ge "$1" ]
}

assert_calls() {
    wait_for 15 calls_are "$2" || true
    assert_eq "$1" "$2" "$told"
}

test_processes() {
    local told=0
    local first=$watched region
    assert_calls 'metrics: calls' 32
    ask GET '/performance/health' "$admin"
    kill -KILL "$first"
    wait_for 15 process_ended "$first"
    ask GET /performance/metrics/operations "$admin"
    assert_json 'a process that was killed is still told' "$body" \
        '.processes[0].state == "dead" and (.operations | length) > 0'
    assert_calls 'metrics: its calls stay' 32
    start_watched
    drive 5 /parts/3
    assert_calls 'metrics: its successor adds to them' 37
    ask GET /performance/metrics/operations "$admin"
    assert_json 'the living one is told' "$body" '[.processes[].pid] == [$p]' --argjson p "$watched"
    ask GET "/performance/metrics/operations?pid=$first" "$admin"
    assert_json 'the dead one when asked for' "$body" '[.processes[].state] == ["dead"]'

    region=$(echo "$PERFSPY_DIR/$first"-*.region)
    check 'there is its region' rm "$region"
    local i
    for i in 1 2 3 4 5; do
        drive 1 /parts/3
        assert_calls "metrics never fall, look $i after the region is gone" $((37 + i))
    done
    stop_process "$watched" || true
    rm -f "$PERFSPY_DIR"/*.region
    ask GET /performance/metrics/operations "$admin"
    assert_json 'no process at all' "$body" '.processes == [] and .operations == []'
    check 'as the OpenAPI file says' conforms GET /performance/metrics/operations
    ask GET /performance/health "$admin"
    assert_json 'health is then unknown' "$body" '.status == "unknown"'
    assert_calls 'metrics: even now' 42
}

test_end() {
    local status=0
    stop_process "$serve_pid" || status=$?
    assert_eq 'SIGTERM ends it cleanly' 0 "$status"
    start_server "$PERFSPY_CTL" serve -p "$name" --listen 127.0.0.1:0 --token-file "$tokens" --open-metrics
    serve=$SERVER_URL
    ask GET /metrics ''
    assert_eq 'open metrics need no token' 200 "$STATUS"
    ask GET /performance/health ''
    assert_eq 'the rest does' 401 "$STATUS"
    status=0
    stop_process "$SERVER_PID" INT || status=$?
    assert_eq 'so does SIGINT' 0 "$status"
}

# No limit is reached but that of the one request that is made to wait.
parts_patient_rules | sed '/http: GET .parts.$/{n;s/benchmark: .*/benchmark: 500ms/}' \
    >"$TEST_DIR/rules.yml"
cp "$PARTS_SERVER" "$TEST_DIR/$name"
parts_init --parts 200 >"$TEST_DIR/init.log" 2>&1
start_watched
SERVER_URL=$parts_url parts_login
drive 30 /parts/1
drive 2 /parts/99999999
drive 3 /parts/7/nowhere
# A statement that fails, and a request that waits while somebody else has the table locked: from when
# it is seen to wait, for longer than its limit.
part='{"part_number": "ONE", "name": "one", "part_type": "tool"}'
for _ in 1 2; do
    SERVER_URL=$parts_url parts_call POST /parts/ "$part" >/dev/null
done
PGAPPNAME=locker psql -qXc 'BEGIN; LOCK TABLE parts; SELECT pg_sleep(600)' >"$TEST_DIR/locker" 2>&1 &
locker=$!
on_exit stop_process "$locker"
wait_for 15 waits_for PgSleep
drive 1 '/parts/?limit=5' &
driver=$!
wait_for 15 waits_for '^Lock'
sleep 0.8
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'locker'" >"$TEST_DIR/unlocked"
wait "$driver"
wait "$locker" || true
# The log-in, 30 + 2 + 3 of parts, 2 new ones, the one that waited.
parts_await_requests "$watched" 39

write_tokens '# who may read' '' "super_admin $admin" "  reader	$reader" \
    "super_admin sha256:$(printf %s "$hashed" | sha256sum | cut -d ' ' -f 1)"
start_server "$PERFSPY_CTL" serve -p "$name" --listen 127.0.0.1:0 --token-file "$tokens"
serve=$SERVER_URL serve_pid=$SERVER_PID serve_log=$SERVER_LOG
assert_match 'says where it listens' '^perfspy-ctl: listening on 127.0.0.1:[0-9]+$' "$(<"$serve_log")"

# They take 30 seconds to be cut off; everything else has to go on beside them.
address=${serve#http://}
"$lib/trickle.py" "${address%:*}" "${address##*:}" 100 300 "$TEST_DIR/trickle" &
trickle=$!
on_exit stop_process "$trickle"
wait_for 10 grep -qs open "$TEST_DIR/trickle"

test_start
test_endpoints
test_answers
test_validate
test_refusals
test_throttle
test_reload
test_processes
wait "$trickle"
assert_match 'clients that only trickle are cut off' '^0 after ' "$(<"$TEST_DIR/trickle")"
test_end
