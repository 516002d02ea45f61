#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_parts_api.sh: drives every endpoint and every status code of parts_server against a real
# PostgreSQL, and what happens when connections run out, break, or the service has to stop.
#
#   PARTS_SERVER   the binary (default build/parts_server)
#   PG*            a running PostgreSQL whose user may create databases
set -euo pipefail

PARTS_SERVER=${PARTS_SERVER:-build/parts_server}
# shellcheck source=tests/integration/parts_lib.sh
. "$(dirname "$0")/parts_lib.sh"
trap cleanup EXIT
trap 'exit 130' INT TERM
setup

test_command_line() {
    local code=0
    same 'help names the options' 1 "$("$PARTS_SERVER" --help | grep -c -- '--pool-wait')"
    same 'version' 1 "$("$PARTS_SERVER" --version | grep -c '^parts_server [0-9]')"
    local bad
    for bad in '--bogus' '--threads 0' '--threads x' '--pool' '--listen nowhere' '--listen ::1:80' \
        '--parts 5' '--init --threads 3' '--pool 2 --pool 3' 'stray'; do
        code=0
        # shellcheck disable=SC2086
        "$PARTS_SERVER" $bad >/dev/null 2>"$WORK/usage" || code=$?
        same "usage error for '$bad'" "64 1" "$code $(wc -l <"$WORK/usage")"
    done
}

test_init() {
    local code=0
    PARTS_ADMIN_USER='admin' "$PARTS_SERVER" --init --dsn "dbname=$DB" 2>"$WORK/init" || code=$?
    same 'init refuses a user without a password' 64 "$code"
    code=0
    "$PARTS_SERVER" --init --dsn "dbname=parts_none_$$" 2>"$WORK/init" || code=$?
    same 'init without a database' 69 "$code"
    "$PARTS_SERVER" --init --dsn "dbname=$DB" --parts 200 2>"$WORK/init"
    same 'init says that no user was made' 1 "$(grep -c 'no user was made' "$WORK/init")"
    same 'init seeds' '200|t|t' \
        "$(sql "SELECT count(*), (SELECT count(*) FROM inventory) > 200, (SELECT count(*) FROM usage_history) > 200 FROM parts")"
    local before
    before=$(sql "SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM parts AS p")
    PARTS_ADMIN_USER=admin PARTS_ADMIN_PASSWORD='pässword &+%' \
        "$PARTS_SERVER" --init --dsn "dbname=$DB" --parts 300 2>"$WORK/init"
    same 'a second init changes no part' "$before" \
        "$(sql "SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM parts AS p")"
    same 'a second init makes the user' admin "$(sql "SELECT role FROM users WHERE username = 'admin'")"
    sql "INSERT INTO users (username, password_hash, role)
         SELECT 'reader', password_hash, 'reader' FROM users WHERE username = 'admin'"
}

test_service() {
    TOKEN=
    http GET /healthz
    gives 'healthz needs no token' 200 .status ok
    http POST /token -d 'username=admin&password=wrong'
    refuses 'wrong password' 401 bad_credentials null
    same 'a failed sign-in is challenged' 'Bearer realm="parts"' "$(header WWW-Authenticate)"
    http POST /token -d 'username=nobody&password=wrong'
    refuses 'unknown user' 401 bad_credentials null
    http POST /token -d 'username=admin'
    refuses 'sign-in without password' 422 validation_failed password
    http POST /token -d 'username=%zz&password=x'
    refuses 'sign-in with a malformed form' 422 validation_failed username
    http POST /token -H 'Content-Type: application/json' -d '{}'
    refuses 'sign-in with JSON' 415 unsupported_media_type null
    http POST /token --data-urlencode 'username=admin' --data-urlencode 'password=pässword &+%'
    gives 'sign-in' 200 .token_type bearer .expires_in 3600 '.access_token | length' 72
    same 'a token is not stored by caches' no-store "$(header Cache-Control)"

    http GET /parts/
    refuses 'no token' 401 unauthorised null
    same 'no token is challenged' 'Bearer realm="parts"' "$(header WWW-Authenticate)"
    TOKEN=$(printf '%072d' 0)
    http GET /parts/1
    refuses 'unknown token' 401 unauthorised null
    TOKEN=$(login admin 'pässword &+%')
    TOKEN=${TOKEN%?}g
    http GET /parts/1
    refuses 'malformed token' 401 unauthorised null

    TOKEN=$(login reader 'pässword &+%')
    http GET /parts/1
    gives 'a reader reads' 200 .id 1
    send POST /parts/ '{}'
    refuses 'a reader does not write' 403 forbidden null
}

test_lists() {
    http GET /parts/
    gives 'get_parts' 200 '.items | length' 100 .skip 0 .limit 100 .total null '.items[0].id' 1
    http GET '/parts/?skip=198&limit=5'
    gives 'a last page' 200 '.items | map(.id) | join(",")' 199,200
    http GET '/parts/?skip=100000'
    gives 'a page behind the end' 200 '.items | length' 0
    http GET '/parts/?part_type=tool&is_proprietary=true'
    gives 'get_filtered_parts' 200 '.items | length' 20 '[.items[].part_type] | unique | join(",")' tool \
        '[.items[].is_proprietary] | unique | join(",")' true
    http GET '/parts/?manufacturer=Vega&supplier_id=18'
    same 'filters by manufacturer and supplier' \
        "$(sql "SELECT string_agg(id::text, ',' ORDER BY id) FROM parts WHERE manufacturer = 'Vega' AND supplier_id = 18")" \
        "$(body '.items | map(.id) | join(",")')"
    http GET '/parts/?part_type=tool&include_count=true&skip=15&limit=10'
    gives 'get_filtered_parts_with_count' 200 .total 20 '.items | length' 5 '.items[0].id' 159
    http GET '/parts/?include_count=1&limit=1'
    gives 'a count without filters' 200 .total 200 '.items | length' 1
    http GET '/parts/by-type/wear_part?limit=2'
    gives 'by type' 200 '.items | map(.id) | join(",")' 2,3
    http GET '/parts/by-type/wear_part?include_count=true'
    gives 'by type with count' 200 .total 60
    http GET /parts/with-inventory?limit=3
    gives 'get_parts_with_inventory' 200 '.items | length' 3 .total null \
        '.items[0] | .total_quantity == ([.inventory[].quantity] | add)' true
    http GET '/parts/with-inventory?include_count=true&warehouse_id=2&part_type=tool&limit=200'
    gives 'get_parts_with_inventory_with_count' 200 '.total == (.items | length)' true \
        .total "$(sql "SELECT count(*) FROM parts JOIN inventory ON part_id = id WHERE warehouse_id = 2 AND part_type = 'tool'")"
    http GET '/parts/reorder-suggestions?limit=500'
    gives 'get_parts_reorder_suggestions' 200 \
        '.items | length' "$(sql 'SELECT count(*) FROM inventory WHERE quantity <= minimum_level')" \
        '[.items[] | .minimum_level - .quantity] | . == (sort | reverse)' true
    http GET '/parts/reorder-suggestions?warehouse_id=2'
    gives 'suggestions of one warehouse' 200 '[.items[].warehouse_id] | unique | join(",")' 2
}

test_search() {
    http GET '/parts/search?q=oil%20fil&limit=500'
    gives 'search_parts finds all words by their beginnings' 200 '.items | length' 20 \
        '[.items[].part_type] | unique | join(",")' consumable
    http GET '/parts/search?q=of-000010'
    gives 'search_parts by part number' 200 '.items | map(.id) | join(",")' 10
    http GET '/parts/search?q=Nordwerk&limit=500'
    gives 'search_parts by manufacturer' 200 \
        '.items | length' "$(sql "SELECT count(*) FROM parts WHERE manufacturer = 'Nordwerk'")"
    http GET '/parts/search?q=--'
    gives 'a search without words finds nothing' 200 '.items | length' 0
    http GET "/parts/search?q=%27zzz%20%3A*%20%7C%20%21oil%20%5C%20%26%20%27"
    gives 'a search takes operators as separators' 200 '.items | length' 0
    http GET '/parts/search?q=%C3%96LFILTER&lang=de'
    gives 'search_parts_multilingual folds case in other languages' 200 '.items[0].id' 10 \
        '.items[0].display_name | startswith("Ölfilter")' true
    http GET '/parts/search?q=oil&lang=de'
    gives 'a language excludes words of the others' 200 '.items | length' 0
    http GET '/parts/search?q=%CE%A6%CE%9B%CE%86%CE%9D%CE%A4%CE%96%CE%91&multilingual=true&limit=500'
    gives 'search in all languages' 200 '.items | length' 20
    http GET '/parts/search?q=fr&multilingual=true'
    gives 'a language code is no word' 200 '.items | length' 0
    http GET '/parts/search?q=filtr&include_count=true&limit=7&skip=35'
    gives 'search_parts_multilingual_with_count' 200 .total 40 '.items | length' 5
    http GET '/parts/search-with-inventory?q=brush&limit=4'
    gives 'search_parts_with_inventory_with_count' 200 .total 20 '.items | length' 4 \
        '.items[0].inventory | length > 0' true
}

test_one_part() {
    http GET /parts/10
    gives 'get_part' 200 .id 10 .part_number OF-000010 '.names.de | startswith("Ölfilter")' true \
        .created_at 2024-01-01T00:10:00.000Z '.unit_price | type' number
    http GET '/parts/10?include=inventory'
    gives 'get_part_with_inventory' 200 \
        .total_quantity "$(sql 'SELECT sum(quantity)::float FROM inventory WHERE part_id = 10')"
    http GET '/parts/10?include=usage'
    gives 'get_part_with_usage_history' 200 \
        .usage_count "$(sql 'SELECT count(*) FROM usage_history WHERE part_id = 10')" \
        '[.usage_history[].used_at] | . == (sort | reverse)' true
    http GET '/parts/11?include=usage'
    gives 'a part without usage' 200 .usage_count 0 '.usage_history | length' 0
    http GET '/parts/10/usage?limit=5&skip=1'
    gives 'get_part_usage_history' 200 '.items | length' 2 .part_id 10
    http GET /parts/11/usage
    gives 'no usage history' 200 '.items | length' 0
    http GET /parts/99999
    refuses 'missing part' 404 not_found part_id
    http GET '/parts/99999?include=inventory'
    refuses 'missing part with inventory' 404 not_found part_id
    http GET '/parts/99999?include=usage'
    refuses 'missing part with usage' 404 not_found part_id
    http GET /parts/99999/usage
    refuses 'usage of a missing part' 404 not_found part_id
}

test_writes() {
    local id stock
    send POST /parts/ '{"part_number":"T-1","name":"Größe \"x\" 螺丝","part_type":"tool","unit_price":0.1,
        "names":{"de":"Schraube","pt-BR":"Parafuso"},"initial_stock":{"warehouse_id":2,"quantity":1.5,"minimum_level":3}}'
    gives 'create_part' 201 .part_number T-1 .name 'Größe "x" 螺丝' .unit_price 0.1 .names.de Schraube \
        .unit_of_measure pieces .is_proprietary false .manufacturer null
    id=$(body .id)
    same 'created part has a location' "/parts/$id" "$(header Location)"
    http GET "/parts/$id?include=inventory"
    stock='.inventory[0] | "\(.warehouse_id) \(.quantity) \(.minimum_level)"'
    gives 'a new part has its stock' 200 "$stock" '2 1.5 3'
    send POST /parts/ '{"part_number":"T-1","name":"again","part_type":"tool"}'
    refuses 'duplicate part number' 409 duplicate part_number
    send POST /parts/ '{"part_number":"T-2","name":"x","part_type":"tool"}'
    local second
    second=$(body .id)
    http GET "/parts/$second?include=inventory"
    gives 'without initial stock it lies in the central warehouse' 200 "$stock" '1 0 0'
    send POST /parts/ '{"part_number":"T-3","name":"x","part_type":"tool","initial_stock":{"warehouse_id":77}}'
    refuses 'unknown warehouse' 422 validation_failed warehouse_id
    same 'a failed creation leaves nothing' 0 "$(sql "SELECT count(*) FROM parts WHERE part_number = 'T-3'")"
    send POST /parts/ '{"part_number":"T-3","name":"x","part_type":"tool","supplier_id":7777}'
    refuses 'unknown supplier' 422 validation_failed supplier_id

    http GET "/parts/$id"
    send PUT "/parts/$id" "$(jq '.name = "new" | .unit_price = 12.34' "$WORK/body")"
    gives 'update_part takes what get_part gave' 200 .name new .unit_price 12.34 .names.de Schraube \
        '.updated_at > .created_at' true
    send PUT "/parts/$id" '{"part_number":"T-1","name":"bare","part_type":"consumable"}'
    gives 'update_part replaces the whole part' 200 .unit_price null '.names | length' 0
    send PUT "/parts/$second" '{"part_number":"T-1","name":"x","part_type":"tool"}'
    refuses 'update to a duplicate' 409 duplicate part_number
    send PUT /parts/99999 '{"part_number":"T-9","name":"x","part_type":"tool"}'
    refuses 'update of a missing part' 404 not_found part_id
    send PUT "/parts/$id" '{"part_number":"T-1","name":"x","part_type":"tool","initial_stock":{}}'
    refuses 'stock is for new parts' 422 validation_failed initial_stock

    http DELETE "/parts/$id"
    gives 'delete_part' 204
    same 'a 204 has no body' 0 "$(wc -c <"$WORK/body")"
    http GET "/parts/$id"
    refuses 'deleted' 404 not_found part_id
    http DELETE "/parts/$id"
    refuses 'delete twice' 404 not_found part_id
    http DELETE /parts/10
    refuses 'a part with history stays' 409 in_use part_id
    same 'and keeps its stock' t "$(sql 'SELECT count(*) > 0 FROM inventory WHERE part_id = 10')"
    http DELETE "/parts/$second"
    gives 'delete_part again' 204
}

test_bad_parameters() {
    local path field
    while read -r path field; do
        http GET "$path"
        refuses "GET $path" 422 validation_failed "$field"
    done <<'LIST'
/parts/?skip=-1 skip
/parts/?skip=1x skip
/parts/?skip= skip
/parts/?skip=99999999999999999999 skip
/parts/?limit=0 limit
/parts/?limit=1001 limit
/parts/?part_type=spoon part_type
/parts/?is_proprietary=maybe is_proprietary
/parts/?include_count=yes include_count
/parts/?supplier_id=0 supplier_id
/parts/?manufacturer=%FF manufacturer
/parts/?manufacturer=%00a manufacturer
/parts/?manufacturer=+ manufacturer
/parts/?colour=red colour
/parts/?limit=1&limit=2 limit
/parts/by-type/spoon part_type
/parts/by-type/%FF part_type
/parts/search q
/parts/search?q= q
/parts/search?q=x&lang=german lang
/parts/search?q=x&multilingual=2 multilingual
/parts/search-with-inventory q
/parts/with-inventory?warehouse_id=a warehouse_id
/parts/reorder-suggestions?warehouse_id=-3 warehouse_id
/parts/abc part_id
/parts/0 part_id
/parts/-1 part_id
/parts/1.5 part_id
/parts/99999999999999999999 part_id
/parts/1?include=everything include
/parts/x/usage part_id
/parts/1/usage?limit=x limit
LIST
    http GET "/parts/search?q=$(printf 'x%.0s' $(seq 201))"
    refuses 'too long a search' 422 validation_failed q
    http GET "/parts/?$(seq -s '&' -f 'skip%g=1' 40)"
    same 'forty parameters' 422 "$STATUS"
    http GET '/parts/1%00x'
    refuses 'a NUL in the path' 400 bad_request null
}

test_bad_bodies() {
    local json field text
    for text in '' '{' '{"a":1}}' 'null x' $'{"name":"\xff"}' '{"name":"\u0000"}' '{"name":1,"name":2}'; do
        send POST /parts/ "$text"
        same "bad JSON $(printf %q "$text")" '400 bad_json' "$STATUS $(body .error.code)"
    done
    send POST /parts/ '[]'
    refuses 'not an object' 422 validation_failed null
    http POST /parts/ -H 'Content-Type: text/plain' -d '{}'
    refuses 'not JSON at all' 415 unsupported_media_type null
    while read -r field json; do
        send POST /parts/ "$json"
        refuses "POST $json" 422 validation_failed "$field"
    done <<'LIST'
part_number {"name":"x","part_type":"tool"}
part_number {"part_number":7,"name":"x","part_type":"tool"}
part_number {"part_number":"","name":"x","part_type":"tool"}
part_number {"part_number":"a b","name":"x","part_type":"tool"}
name {"part_number":"B-1","part_type":"tool"}
name {"part_number":"B-1","name":"   ","part_type":"tool"}
name {"part_number":"B-1","name":"a\u0007","part_type":"tool"}
part_type {"part_number":"B-1","name":"x"}
part_type {"part_number":"B-1","name":"x","part_type":"spoon"}
is_proprietary {"part_number":"B-1","name":"x","part_type":"tool","is_proprietary":1}
unit_price {"part_number":"B-1","name":"x","part_type":"tool","unit_price":-1}
unit_price {"part_number":"B-1","name":"x","part_type":"tool","unit_price":1.234}
unit_price {"part_number":"B-1","name":"x","part_type":"tool","unit_price":1e15}
unit_price {"part_number":"B-1","name":"x","part_type":"tool","unit_price":"1"}
supplier_id {"part_number":"B-1","name":"x","part_type":"tool","supplier_id":"1"}
names {"part_number":"B-1","name":"x","part_type":"tool","names":[]}
names {"part_number":"B-1","name":"x","part_type":"tool","names":{"german":"x"}}
names {"part_number":"B-1","name":"x","part_type":"tool","names":{"de":5}}
colour {"part_number":"B-1","name":"x","part_type":"tool","colour":"red"}
initial_stock {"part_number":"B-1","name":"x","part_type":"tool","initial_stock":5}
quantity {"part_number":"B-1","name":"x","part_type":"tool","initial_stock":{"quantity":-1}}
place {"part_number":"B-1","name":"x","part_type":"tool","initial_stock":{"place":1}}
LIST
    json=$(jq -nc --arg name "$(printf 'é%.0s' $(seq 200))" '{part_number:"B-2",name:$name,part_type:"tool"}')
    send POST /parts/ "$json"
    gives 'a name of 200 characters' 201 '.name | length' 200
    http DELETE "/parts/$(body .id)"
    send POST /parts/ "${json/\"name\":\"/\"name\":\"x}"
    refuses 'a name of 201 characters' 422 validation_failed name
    send POST /parts/ "{\"$(printf 'é%.0s' $(seq 40))\":1}"
    same 'an unknown member whose name must be cut' '422 validation_failed' "$STATUS $(body .error.code)"

    head -c 70000 /dev/zero | tr '\0' ' ' >"$WORK/large"
    http POST /parts/ -H 'Content-Type: application/json' --data-binary "@$WORK/large"
    refuses 'too large a body' 413 body_too_large null
    http POST /parts/ -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' \
        --data-binary "@$WORK/large"
    refuses 'too large a chunked body' 413 body_too_large null
    head -c 3000000 /dev/zero | tr '\0' ' ' >"$WORK/large"
    http POST /parts/ -H 'Content-Type: application/json' --data-binary "@$WORK/large"
    refuses 'a body much too large' 413 body_too_large null
}

test_http() {
    local method path allow tag
    while read -r method path allow; do
        http "$method" "$path"
        refuses "$method $path" 405 method_not_allowed null
        same "$method $path names what is allowed" "$allow" "$(header Allow)"
    done <<'LIST'
DELETE /parts/ GET, HEAD, POST
POST /parts/1 GET, HEAD, PUT, DELETE
PUT /parts/search GET, HEAD
PATCH /parts/1 GET, HEAD, PUT, DELETE
OPTIONS /parts/ GET, HEAD, POST
GET /token POST
POST /healthz GET, HEAD
LIST
    for path in / /nothing /parts /parts/1/ /parts/1/x /parts//usage /parts/by-type/ /parts/by-type/tool/x; do
        http GET "$path"
        refuses "GET $path" 404 not_found null
    done

    for path in /parts/10 '/parts/?limit=3' '/parts/search?q=oil' '/parts/10/usage'; do
        http GET "$path"
        tag=$(header ETag)
        case $(header Cache-Control) in 'private, max-age='*) ok "$path may be cached" ;; *) not_ok "$path may be cached" ;; esac
        http GET "$path" -H "If-None-Match: \"other\", $tag"
        same "$path is not modified" '304 0' "$STATUS $(wc -c <"$WORK/body")"
        same "$path keeps its tag" "$tag" "$(header ETag)"
        http GET "$path" -H 'If-None-Match: "other"'
        same "$path with another tag" 200 "$STATUS"
    done
    http GET /parts/11
    if [ "$(header ETag)" = "$tag" ]; then not_ok 'tags differ'; else ok 'tags differ'; fi

    http GET '/parts/?limit=3'
    tag=$(header Content-Length)
    http HEAD '/parts/?limit=3' --head
    same 'HEAD has the headers of GET and no body' "200 $tag" "$STATUS $(header Content-Length)"
    same 'several requests use one connection' '1 0 0' \
        "$(curl -s -o /dev/null -H "Authorization: Bearer $TOKEN" -w '%{num_connects} ' \
            "$URL/parts/1" -o /dev/null "$URL/parts/2" -o /dev/null "$URL/parts/zzz" | xargs)"
}

# After tests that break connections: all of the service answers again.
recovers() {
    for _ in $(seq 60); do
        http GET /parts/1
        [ "$STATUS" != 200 ] || break
        sleep 0.1
    done
    same "$1" 200 "$STATUS"
}

# lock_part ID SECONDS: holds a row lock in the background once it has it.
lock_part() {
    : >"$WORK/lock"
    psql -X -q -A -t -d "$DB" -c "BEGIN; SELECT 'locked' FROM parts WHERE id = $1 FOR UPDATE" \
        -c "SELECT pg_sleep($2)" >"$WORK/lock" 2>&1 &
    LOCKER_PID=$!
    for _ in $(seq 100); do
        ! grep -q locked "$WORK/lock" || return 0
        sleep 0.05
    done
    return 1
}

test_exhaustion() {
    start_server small --pool 1 --threads 4 --pool-wait 300 --query-timeout 1500
    TOKEN=$(login admin 'pässword &+%')
    http GET /parts/10
    local part
    part=$(cat "$WORK/body")
    lock_part 10 20
    curl -s -o "$WORK/blocked" -w '%{http_code}' -X PUT -H "Authorization: Bearer $TOKEN" \
        -H 'Content-Type: application/json' --data-binary "$part" "$URL/parts/10" >"$WORK/blocked.status" &
    local writer=$!
    for _ in $(seq 100); do
        [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE datname = '$DB' AND wait_event_type = 'Lock'")" = 0 ] || break
        sleep 0.02
    done
    http GET /parts/11
    refuses 'all connections busy' 503 overloaded null
    same 'a 503 says when to come back' 1 "$(header Retry-After)"
    wait "$writer" || true
    same 'a statement that takes too long' '503 database_unavailable' \
        "$(cat "$WORK/blocked.status") $(jq -r .error.code "$WORK/blocked")"
    recovers 'the connection serves again'
    kill "$LOCKER_PID" 2>/dev/null || true
    wait "$LOCKER_PID" 2>/dev/null || true
    LOCKER_PID=
    stop_server small
    same 'SIGTERM ends an idle server with' 0 "$STOP_CODE"
}

test_broken_connections() {
    start_server broken --pool 2 --threads 2
    TOKEN=$(login admin 'pässword &+%')
    sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = '$DB' AND application_name = 'parts_server'" >/dev/null
    for _ in $(seq 100); do
        [ "$(sql "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = '$DB' AND application_name = 'parts_server'")" != 0 ] || break
        sleep 0.02
    done
    http GET /parts/1
    gives 'a connection that died idle costs no request' 200 .id 1
    psql -X -q -d "${PGDATABASE:-postgres}" -c "ALTER DATABASE $DB ALLOW_CONNECTIONS false" \
        -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$DB'" >/dev/null
    http GET /healthz
    refuses 'healthz without a database' 503 database_unavailable null
    http GET /parts/1
    refuses 'a request without a database' 503 database_unavailable null
    local url=$URL
    start_server early --pool 1 --threads 1
    http GET /healthz
    refuses 'a server started without a database' 503 database_unavailable null
    stop_server early
    same 'and stopped without one' 0 "$STOP_CODE"
    URL=$url
    psql -X -q -d "${PGDATABASE:-postgres}" -c "ALTER DATABASE $DB ALLOW_CONNECTIONS true" >/dev/null
    recovers 'the service comes back with the database'
    http GET /healthz
    gives 'healthz comes back' 200 .status ok
    stop_server broken
    same 'stopped after all that with' 0 "$STOP_CODE"
}

# blocked_put: begins a PUT to the locked part 10; its status will be in $WORK/drained.
blocked_put() {
    http GET /parts/11
    jq '.part_number = "OF-000010" | .name = "drained"' "$WORK/body" >"$WORK/part"
    curl -s -o /dev/null -w '%{http_code}' -X PUT -H "Authorization: Bearer $TOKEN" \
        -H 'Content-Type: application/json' --data-binary "@$WORK/part" "$URL/parts/10" \
        >"$WORK/drained" &
    PUT_PID=$!
    for _ in $(seq 100); do
        [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE datname = '$DB' AND wait_event_type = 'Lock'")" = 0 ] || return 0
        sleep 0.02
    done
    return 1
}

test_drain() {
    start_server drain --pool 2 --threads 2
    TOKEN=$(login admin 'pässword &+%')
    lock_part 10 20
    blocked_put
    kill -TERM "${SERVER_PID[drain]}"
    sleep 0.3
    same 'a draining server accepts no more' 7 "$(curl -s -o /dev/null --max-time 5 "$URL/healthz"; echo $?)"
    kill "$LOCKER_PID"
    wait "$LOCKER_PID" 2>/dev/null || true
    sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = '$DB' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()" >/dev/null
    wait "$PUT_PID" || true
    same 'the request in flight is answered' 200 "$(cat "$WORK/drained")"
    stop_server drain
    same 'a drained server ends with' 0 "$STOP_CODE"

    start_server cut --pool 2 --threads 2 --drain 300
    TOKEN=$(login admin 'pässword &+%')
    lock_part 10 20
    blocked_put
    local began=$SECONDS
    stop_server cut
    same 'the wait for requests is bounded' '0 yes' "$STOP_CODE $([ $((SECONDS - began)) -lt 4 ] && echo yes)"
    wait "$PUT_PID" || true
    same 'the request cut off is told so' 503 "$(cat "$WORK/drained")"
    kill "$LOCKER_PID" 2>/dev/null || true
    wait "$LOCKER_PID" 2>/dev/null || true
    LOCKER_PID=
}

test_token_expiry() {
    start_server expiry --token-ttl 1 --threads 1 --pool 1
    TOKEN=$(login admin 'pässword &+%')
    http GET /parts/1
    gives 'a fresh token' 200 .id 1
    sleep 1.2
    http GET /parts/1
    refuses 'an expired token' 401 unauthorised null
    stop_server expiry
    same 'a server of one thread ends with' 0 "$STOP_CODE"
}

# A header that the HTTP library itself refuses must not count as a request in flight for ever.
test_garbage() {
    local port=${URL##*:}
    printf 'GET /parts/ HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n' |
        timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; cat >&3; head -c 12 <&3" >"$WORK/garbage" || true
    printf 'GET /parts/1 HTTP/1.1\r\nHost: x\r\n' |
        timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; cat >&3; sleep 0.2" || true
    http GET /healthz
    gives 'garbage does no harm' 200 .status ok
}

test_command_line
test_init
start_server main
test_service
TOKEN=$(login admin 'pässword &+%')
test_lists
test_search
test_one_part
test_writes
test_bad_parameters
test_bad_bodies
test_http
test_garbage
stop_server main
same 'SIGTERM ends the server with' 0 "$STOP_CODE"
test_token_expiry
test_exhaustion
test_broken_connections
test_drain
summary
