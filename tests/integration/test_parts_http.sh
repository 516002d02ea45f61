#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What parts_server makes of requests as such: parameters and bodies that it refuses, methods and
# paths, entity tags, HEAD, connections that are kept, and clients that speak no HTTP.
. "$(dirname "$0")/lib/check.sh"

# raw TEXT [BYTES]: sends TEXT, with printf's escapes, and prints what comes back: all of it until
# the server hangs up, or that many bytes.
raw() (
    port=${SERVER_URL##*:}
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    # shellcheck disable=SC2059 # the text is the format
    printf "$1" >&3
    timeout 60 head -c "${2:-1000000}" <&3
)

parts_init --parts 200 >"$TEST_DIR/init.log" 2>&1
parts_start --
parts_login

# ---- parameters -------------------------------------------------------------------------------

while read -r path field; do
    parts_request GET "$path"
    parts_refuses "GET $path" 422 validation_failed "$field"
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
parts_request GET "/parts/search?q=$(printf 'x%.0s' $(seq 201))"
parts_refuses 'too long a search' 422 validation_failed q
parts_request GET "/parts/?$(seq -s '&' -f 'skip%g=1' 40)"
assert_eq 'forty parameters' 422 "$STATUS"
parts_request GET '/parts/1%00x'
parts_refuses 'a NUL in the path' 400 bad_request null

# ---- bodies -----------------------------------------------------------------------------------

for text in '' '{' '{"a":1}}' 'null x' $'{"name":"\xff"}' '{"name":"\u0000"}' \
    '{"name":1,"name":2}'; do
    parts_send POST /parts/ "$text"
    assert_eq "bad JSON $(printf %q "$text")" '400 bad_json' "$STATUS $(parts_body .error.code)"
done
parts_send POST /parts/ '[]'
parts_refuses 'not an object' 422 validation_failed null
parts_request POST /parts/ -H 'Content-Type: text/plain' -d '{}'
parts_refuses 'not JSON at all' 415 unsupported_media_type null
while read -r field json; do
    parts_send POST /parts/ "$json"
    parts_refuses "POST $json" 422 validation_failed "$field"
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
json=$(jq -nc --arg name "$(printf 'é%.0s' $(seq 200))" \
    '{part_number:"B-2",name:$name,part_type:"tool"}')
parts_send POST /parts/ "$json"
parts_gives 'a name of 200 characters' 201 '.name | length' 200
parts_request DELETE "/parts/$(parts_body .id)"
parts_send POST /parts/ "${json/\"name\":\"/\"name\":\"x}"
parts_refuses 'a name of 201 characters' 422 validation_failed name
parts_send POST /parts/ "{\"$(printf 'é%.0s' $(seq 40))\":1}"
assert_eq 'an unknown member whose name must be cut' '422 validation_failed' \
    "$STATUS $(parts_body .error.code)"

head -c 70000 /dev/zero | tr '\0' ' ' >"$TEST_DIR/large"
parts_request POST /parts/ -H 'Content-Type: application/json' --data-binary "@$TEST_DIR/large"
parts_refuses 'too large a body' 413 body_too_large null
parts_request POST /parts/ -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' \
    --data-binary "@$TEST_DIR/large"
parts_refuses 'too large a chunked body' 413 body_too_large null
head -c 3000000 /dev/zero | tr '\0' ' ' >"$TEST_DIR/large"
parts_request POST /parts/ -H 'Content-Type: application/json' --data-binary "@$TEST_DIR/large"
parts_refuses 'a body much too large' 413 body_too_large null

# ---- methods, paths, caching ------------------------------------------------------------------

while read -r method path allow; do
    parts_request "$method" "$path"
    parts_refuses "$method $path" 405 method_not_allowed null
    assert_eq "$method $path names what is allowed" "$allow" "$(parts_header Allow)"
done <<'LIST'
DELETE /parts/ GET, HEAD, POST
POST /parts/1 GET, HEAD, PUT, DELETE
PUT /parts/search GET, HEAD
PATCH /parts/1 GET, HEAD, PUT, DELETE
OPTIONS /parts/ GET, HEAD, POST
GET /token POST
POST /healthz GET, HEAD
LIST
for path in / /nothing /parts /parts/1/ /parts/1/x /parts//usage /parts/by-type/ \
    /parts/by-type/tool/x; do
    parts_request GET "$path"
    parts_refuses "GET $path" 404 not_found null
done

for path in /parts/10 '/parts/?limit=3' '/parts/search?q=oil' '/parts/10/usage'; do
    parts_request GET "$path"
    tag=$(parts_header ETag)
    assert_match "$path may be cached" '^private, max-age=[0-9]' "$(parts_header Cache-Control)"
    parts_request GET "$path" -H "If-None-Match: \"other\", $tag"
    assert_eq "$path is not modified" '304 0' "$STATUS $(wc -c <"$TEST_DIR/body")"
    assert_eq "$path keeps its tag" "${tag:-a tag}" "$(parts_header ETag)"
    parts_request GET "$path" -H 'If-None-Match: "other"'
    assert_eq "$path with another tag" 200 "$STATUS"
done
parts_request GET /parts/11
other=$(parts_header ETag)
check 'tags differ' test -n "$other" -a "$other" != "$tag"

parts_request GET '/parts/?limit=3'
size=$(wc -c <"$TEST_DIR/body")
parts_request HEAD '/parts/?limit=3' --head
assert_eq 'HEAD has the headers of GET' "200 $size" "$STATUS $(parts_header Content-Length)"
assert_match 'HEAD has no body' $'^HTTP/1.1 200 .*\r\n\r\nEND$' \
    "$(raw 'HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'; echo END)"
assert_eq 'several requests use one connection' '1 0 0' \
    "$(curl -s -o /dev/null -H "Authorization: Bearer $PARTS_TOKEN" -w '%{num_connects} ' \
        "$SERVER_URL/parts/1" -o /dev/null "$SERVER_URL/parts/2" \
        -o /dev/null "$SERVER_URL/parts/zzz" | xargs)"

# ---- garbage ----------------------------------------------------------------------------------

assert_eq 'garbage is refused' 'HTTP/1.1 400' \
    "$(raw 'GET /parts/ HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n' 12)"
check 'half a request is begun' raw 'GET /parts/1 HTTP/1.1\r\nHost: x\r\n' 0
parts_request GET /healthz
parts_gives 'garbage does no harm' 200 .status ok
# A header that the HTTP library itself refuses must not count as a request in flight for ever.
parts_ends 'SIGTERM ends the server with'
