#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every endpoint and every data function of the parts service a known, distinct number of times:
# perfspy-ctl reports exactly those counts, statuses and errors.
. "$(dirname "$0")/lib/check.sh"

parts_init --parts 200 >"$TEST_DIR/init.log" 2>&1
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$PWD/rules/parts.yml" -- --pool 3 --threads 2
parts_login

declare -A want_calls want_status want_errors
requests=1 # the log-in
# expect OPERATION CALLS: adds to what is expected.
expect() {
    want_calls[$1]=$((${want_calls[$1]:-0} + $2))
}

# drive TIMES STATUS METHOD PATH API FUNCTION [JSON]: calls an endpoint, and notes what must be seen.
drive() {
    local times=$1 status=$2 method=$3 path=$4 api=$5 function=$6 i got
    requests=$((requests + times))
    for ((i = 0; i < times; i++)); do
        got=$(parts_call "$method" "${path//%n/$i}" ${7:+"${7//%n/$i}"})
        [ "$got" = "$status" ] || not_ok "$method $path" "want $status, got $got: $(<"$TEST_DIR/body")"
    done
    expect "$api" "$times"
    want_status[$api/$status]=$((${want_status[$api/$status]:-0} + times))
    if [ -n "$function" ]; then
        expect "parts_crud.$function" "$times"
    fi
}

new='{"part_number": "COUNT-%n", "name": "counted", "part_type": "tool"}'
drive 1 200 GET '/parts/1' api.get_part get_part
drive 2 200 GET '/parts/' api.get_parts get_parts
drive 3 201 POST '/parts/' api.create_part create_part "$new"
first=$(psql -XAtc "SELECT id FROM parts WHERE part_number = 'COUNT-0'")
drive 4 200 PUT "/parts/$first" api.update_part update_part "${new//%n/0}"
drive 5 200 GET '/parts/?part_type=tool' api.get_parts get_filtered_parts
drive 6 200 GET '/parts/?include_count=true' api.get_parts get_filtered_parts_with_count
drive 7 200 GET '/parts/search?q=oil' api.search_parts search_parts
drive 8 200 GET '/parts/search?q=filter&lang=de' api.search_parts search_parts_multilingual
drive 9 200 GET '/parts/search?q=oil&include_count=true' api.search_parts \
    search_parts_multilingual_with_count
drive 10 200 GET '/parts/2?include=inventory' api.get_part get_part_with_inventory
drive 11 200 GET '/parts/with-inventory' api.get_parts_with_inventory get_parts_with_inventory
drive 12 200 GET '/parts/with-inventory?include_count=true' api.get_parts_with_inventory \
    get_parts_with_inventory_with_count
drive 13 200 GET '/parts/3/usage' api.get_part_usage get_part_usage_history
drive 14 200 GET '/parts/3?include=usage' api.get_part get_part_with_usage_history
drive 15 200 GET '/parts/reorder-suggestions' api.get_reorder_suggestions \
    get_parts_reorder_suggestions
drive 16 200 GET '/parts/search-with-inventory?q=oil' api.search_parts_with_inventory \
    search_parts_with_inventory_with_count
drive 17 200 GET '/parts/by-type/tool' api.get_parts_by_type get_filtered_parts
drive 1 204 DELETE "/parts/$first" api.delete_part delete_part

# Failures: the client's, and statements that the server refuses.
drive 2 404 GET '/parts/99999999' api.get_part get_part
drive 3 404 DELETE '/parts/99999999' api.delete_part delete_part
drive 4 409 POST '/parts/' api.create_part create_part "${new//%n/1}"
drive 5 409 DELETE '/parts/2' api.delete_part delete_part
drive 6 422 GET '/parts/?limit=none' api.get_parts ''
drive 7 400 POST '/parts/' api.create_part '' 'not json'
PARTS_TOKEN=wrong drive 8 401 GET '/parts/1' api.get_part ''
expect api.login 1
expect parts_auth.get_user 1
want_errors[parts_crud.create_part/23505]=4
want_errors[parts_crud.delete_part/23503]=5
# create: 3 good, 4 refused; delete: 1 good, 3 that find nothing, 5 refused.
expect parts_db.begin 16
expect parts_db.commit 4
expect parts_db.rollback 12

stats=$TEST_DIR/stats.json
parts_await_requests "$SERVER_PID" "$requests" "$stats"
for operation in "${!want_calls[@]}"; do
    assert_eq "calls of $operation" "${want_calls[$operation]}" \
        "$(json "$stats" '[.operations[] | select(.operation == $o) | .calls] | add' \
            --arg o "$operation")"
done
for key in "${!want_status[@]}"; do
    assert_eq "status $key" "${want_status[$key]}" \
        "$(json "$stats" '.operations[] | select(.operation == $o) | .status[$s]' \
            --arg o "${key%/*}" --arg s "${key##*/}")"
done
for key in "${!want_errors[@]}"; do
    assert_eq "errors $key" "${want_errors[$key]} ${want_errors[$key]}" \
        "$(json "$stats" '.operations[] | select(.operation == $o) | "\(.errors) \(.sqlstate[$s])"' \
            --arg o "${key%/*}" --arg s "${key##*/}")"
done

assert_json "no mapped operation was missed" "$stats" \
    '[.operations[] | select(.mapped and .calls == 0) | .operation] == []'
assert_json "nothing else is counted" "$stats" \
    '[.operations[] | select(.mapped and .calls > 0) | .operation] - $want
     - ["api.healthz", "parts_db.ping"] == []' \
    --argjson want "$(printf '%s\n' "${!want_calls[@]}" | jq -R . | jq -s .)"
assert_json "nothing is unmapped but the pool's own housekeeping" "$stats" \
    '[.operations[] | select((.mapped | not) and .calls > 0) | .operation] | sort
     == ["libpq.connect", "libpq.prepare"]'
assert_json "the pool connected as often as it is large" "$stats" \
    '.operations[] | select(.operation == "libpq.connect") | .calls == 3'
assert_json "levels add up to calls" "$stats" \
    '[.operations[] | (.levels | add) == .calls] | all'
assert_json "rows of a listing are counted" "$stats" \
    '.operations[] | select(.operation == "parts_crud.get_parts") | .rows == 200'

for endpoint in get_parts search_parts get_parts_with_inventory search_parts_with_inventory \
    get_part create_part update_part delete_part get_parts_by_type; do
    assert_json "api.$endpoint is there" "$stats" \
        '[.operations[] | select(.operation == $o and .kind == "http")] | length == 1' \
        --arg o "api.$endpoint"
done

"$PERFSPY_CTL" slow -p "$SERVER_PID" --json >"$TEST_DIR/slow.json"
assert_eq "failed statements tell the requests that they were part of" \
    '["api.create_part","api.delete_part"]' "$(jq -c '[.calls[] |
        select(.sqlstate == "23505" or .sqlstate == "23503") | .request] | unique' \
        "$TEST_DIR/slow.json")"

# The same numbers when the process is gone, by whatever end.
cp "$stats" "$TEST_DIR/before.json"
kill -KILL "$SERVER_PID"
wait_for 10 process_ended "$SERVER_PID"
"$PERFSPY_CTL" stats -p "$SERVER_PID" --json >"$stats"
assert_json "the region outlives a kill -9" "$stats" '.processes[0].state == "dead"'
counts='[.operations[] | {operation, calls, errors, rows, status, sqlstate}] | sort_by(.operation)'
assert_eq "and holds every count" "$(jq -c "$counts" "$TEST_DIR/before.json")" \
    "$(jq -c "$counts" "$stats")"
