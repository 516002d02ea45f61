#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The endpoints of parts_server: who may sign in and do what, and what each of them gives, refuses
# and leaves in the database.
. "$(dirname "$0")/lib/check.sh"

PARTS_ADMIN_PASSWORD='pässword &+%'
parts_init --parts 200 >"$TEST_DIR/init.log" 2>&1
sql "INSERT INTO users (username, password_hash, role)
     SELECT 'reader', password_hash, 'reader' FROM users WHERE username = 'admin'"
parts_start --

# ---- signing in -------------------------------------------------------------------------------

parts_request GET /healthz
parts_gives 'healthz needs no token' 200 .status ok
parts_request POST /token -d 'username=admin&password=wrong'
parts_refuses 'wrong password' 401 bad_credentials null
assert_eq 'a failed sign-in is challenged' 'Bearer realm="parts"' "$(parts_header WWW-Authenticate)"
parts_request POST /token -d 'username=nobody&password=wrong'
parts_refuses 'unknown user' 401 bad_credentials null
parts_request POST /token -d 'username=admin'
parts_refuses 'sign-in without password' 422 validation_failed password
parts_request POST /token -d 'username=%zz&password=x'
parts_refuses 'sign-in with a malformed form' 422 validation_failed username
parts_request POST /token -H 'Content-Type: application/json' -d '{}'
parts_refuses 'sign-in with JSON' 415 unsupported_media_type null
parts_request POST /token --data-urlencode 'username=admin' \
    --data-urlencode "password=$PARTS_ADMIN_PASSWORD"
parts_gives 'sign-in' 200 .token_type bearer .expires_in 3600 '.access_token | length' 72
assert_eq 'a token is not stored by caches' no-store "$(parts_header Cache-Control)"

parts_request GET /parts/
parts_refuses 'no token' 401 unauthorised null
assert_eq 'no token is challenged' 'Bearer realm="parts"' "$(parts_header WWW-Authenticate)"
PARTS_TOKEN=$(printf '%072d' 0)
parts_request GET /parts/1
parts_refuses 'unknown token' 401 unauthorised null
parts_login
PARTS_TOKEN=${PARTS_TOKEN%?}g
parts_request GET /parts/1
parts_refuses 'malformed token' 401 unauthorised null

PARTS_ADMIN_USER=reader parts_login
parts_request GET /parts/1
parts_gives 'a reader reads' 200 .id 1
parts_send POST /parts/ '{}'
parts_refuses 'a reader does not write' 403 forbidden null

# ---- lists ------------------------------------------------------------------------------------

parts_login
parts_request GET /parts/
parts_gives 'get_parts' 200 '.items | length' 100 .skip 0 .limit 100 .total null '.items[0].id' 1
parts_request GET '/parts/?skip=198&limit=5'
parts_gives 'a last page' 200 '.items | map(.id) | join(",")' 199,200
parts_request GET '/parts/?skip=100000'
parts_gives 'a page behind the end' 200 '.items | length' 0
parts_request GET '/parts/?part_type=tool&is_proprietary=true'
parts_gives 'get_filtered_parts' 200 '.items | length' 20 \
    '[.items[].part_type] | unique | join(",")' tool \
    '[.items[].is_proprietary] | unique | join(",")' true
parts_request GET '/parts/?manufacturer=Vega&supplier_id=18'
assert_eq 'filters by manufacturer and supplier' \
    "$(sql "SELECT string_agg(id::text, ',' ORDER BY id) FROM parts
            WHERE manufacturer = 'Vega' AND supplier_id = 18")" \
    "$(parts_body '.items | map(.id) | join(",")')"
parts_request GET '/parts/?part_type=tool&include_count=true&skip=15&limit=10'
parts_gives 'get_filtered_parts_with_count' 200 .total 20 '.items | length' 5 '.items[0].id' 159
parts_request GET '/parts/?include_count=1&limit=1'
parts_gives 'a count without filters' 200 .total 200 '.items | length' 1
parts_request GET '/parts/by-type/wear_part?limit=2'
parts_gives 'by type' 200 '.items | map(.id) | join(",")' 2,3
parts_request GET '/parts/by-type/wear_part?include_count=true'
parts_gives 'by type with count' 200 .total 60
parts_request GET /parts/with-inventory?limit=3
parts_gives 'get_parts_with_inventory' 200 '.items | length' 3 .total null \
    '.items[0] | .total_quantity == ([.inventory[].quantity] | add)' true
parts_request GET '/parts/with-inventory?include_count=true&warehouse_id=2&part_type=tool&limit=200'
parts_gives 'get_parts_with_inventory_with_count' 200 '.total == (.items | length)' true \
    .total "$(sql "SELECT count(*) FROM parts JOIN inventory ON part_id = id
                   WHERE warehouse_id = 2 AND part_type = 'tool'")"
parts_request GET '/parts/reorder-suggestions?limit=500'
parts_gives 'get_parts_reorder_suggestions' 200 \
    '.items | length' "$(sql 'SELECT count(*) FROM inventory WHERE quantity <= minimum_level')" \
    '[.items[] | .minimum_level - .quantity] | . == (sort | reverse)' true
parts_request GET '/parts/reorder-suggestions?warehouse_id=2'
parts_gives 'suggestions of one warehouse' 200 '[.items[].warehouse_id] | unique | join(",")' 2

# ---- search -----------------------------------------------------------------------------------

parts_request GET '/parts/search?q=oil%20fil&limit=500'
parts_gives 'search_parts finds all words by their beginnings' 200 '.items | length' 20 \
    '[.items[].part_type] | unique | join(",")' consumable
parts_request GET '/parts/search?q=of-000010'
parts_gives 'search_parts by part number' 200 '.items | map(.id) | join(",")' 10
parts_request GET '/parts/search?q=Nordwerk&limit=500'
parts_gives 'search_parts by manufacturer' 200 \
    '.items | length' "$(sql "SELECT count(*) FROM parts WHERE manufacturer = 'Nordwerk'")"
parts_request GET '/parts/search?q=--'
parts_gives 'a search without words finds nothing' 200 '.items | length' 0
parts_request GET "/parts/search?q=%27zzz%20%3A*%20%7C%20%21oil%20%5C%20%26%20%27"
parts_gives 'a search takes operators as separators' 200 '.items | length' 0
parts_request GET '/parts/search?q=%C3%96LFILTER&lang=de'
parts_gives 'search_parts_multilingual folds case in other languages' 200 '.items[0].id' 10 \
    '.items[0].display_name | startswith("Ölfilter")' true
parts_request GET '/parts/search?q=oil&lang=de'
parts_gives 'a language excludes words of the others' 200 '.items | length' 0
parts_request GET '/parts/search?q=%CE%A6%CE%9B%CE%86%CE%9D%CE%A4%CE%96%CE%91&multilingual=true&limit=500'
parts_gives 'search in all languages' 200 '.items | length' 20
parts_request GET '/parts/search?q=fr&multilingual=true'
parts_gives 'a language code is no word' 200 '.items | length' 0
parts_request GET '/parts/search?q=filtr&include_count=true&limit=7&skip=35'
parts_gives 'search_parts_multilingual_with_count' 200 .total 40 '.items | length' 5
parts_request GET '/parts/search-with-inventory?q=brush&limit=4'
parts_gives 'search_parts_with_inventory_with_count' 200 .total 20 '.items | length' 4 \
    '.items[0].inventory | length > 0' true

# ---- one part ---------------------------------------------------------------------------------

parts_request GET /parts/10
parts_gives 'get_part' 200 .id 10 .part_number OF-000010 \
    '.names.de | startswith("Ölfilter")' true .created_at 2024-01-01T00:10:00.000Z \
    '.unit_price | type' number
parts_request GET '/parts/10?include=inventory'
parts_gives 'get_part_with_inventory' 200 \
    .total_quantity "$(sql 'SELECT sum(quantity)::float FROM inventory WHERE part_id = 10')"
parts_request GET '/parts/10?include=usage'
parts_gives 'get_part_with_usage_history' 200 \
    .usage_count "$(sql 'SELECT count(*) FROM usage_history WHERE part_id = 10')" \
    '[.usage_history[].used_at] | . == (sort | reverse)' true
parts_request GET '/parts/11?include=usage'
parts_gives 'a part without usage' 200 .usage_count 0 '.usage_history | length' 0
parts_request GET '/parts/10/usage?limit=5&skip=1'
parts_gives 'get_part_usage_history' 200 '.items | length' 2 .part_id 10
parts_request GET /parts/11/usage
parts_gives 'no usage history' 200 '.items | length' 0
parts_request GET /parts/99999
parts_refuses 'missing part' 404 not_found part_id
parts_request GET '/parts/99999?include=inventory'
parts_refuses 'missing part with inventory' 404 not_found part_id
parts_request GET '/parts/99999?include=usage'
parts_refuses 'missing part with usage' 404 not_found part_id
parts_request GET /parts/99999/usage
parts_refuses 'usage of a missing part' 404 not_found part_id

# ---- writing ----------------------------------------------------------------------------------

parts_send POST /parts/ '{"part_number":"T-1","name":"Größe \"x\" 螺丝","part_type":"tool",
    "unit_price":0.1,"names":{"de":"Schraube","pt-BR":"Parafuso"},
    "initial_stock":{"warehouse_id":2,"quantity":1.5,"minimum_level":3}}'
parts_gives 'create_part' 201 .part_number T-1 .name 'Größe "x" 螺丝' .unit_price 0.1 \
    .names.de Schraube .unit_of_measure pieces .is_proprietary false .manufacturer null
id=$(parts_body .id)
assert_eq 'created part has a location' "/parts/$id" "$(parts_header Location)"
parts_request GET "/parts/$id?include=inventory"
stock='.inventory[0] | "\(.warehouse_id) \(.quantity) \(.minimum_level)"'
parts_gives 'a new part has its stock' 200 "$stock" '2 1.5 3'
parts_send POST /parts/ '{"part_number":"T-1","name":"again","part_type":"tool"}'
parts_refuses 'duplicate part number' 409 duplicate part_number
parts_send POST /parts/ '{"part_number":"T-2","name":"x","part_type":"tool"}'
second=$(parts_body .id)
parts_request GET "/parts/$second?include=inventory"
parts_gives 'without initial stock it lies in the central warehouse' 200 "$stock" '1 0 0'
parts_send POST /parts/ \
    '{"part_number":"T-3","name":"x","part_type":"tool","initial_stock":{"warehouse_id":77}}'
parts_refuses 'unknown warehouse' 422 validation_failed warehouse_id
assert_eq 'a failed creation leaves nothing' 0 \
    "$(sql "SELECT count(*) FROM parts WHERE part_number = 'T-3'")"
parts_send POST /parts/ '{"part_number":"T-3","name":"x","part_type":"tool","supplier_id":7777}'
parts_refuses 'unknown supplier' 422 validation_failed supplier_id

parts_request GET "/parts/$id"
parts_send PUT "/parts/$id" "$(jq '.name = "new" | .unit_price = 12.34' "$TEST_DIR/body")"
parts_gives 'update_part takes what get_part gave' 200 .name new .unit_price 12.34 \
    .names.de Schraube '.updated_at > .created_at' true
parts_send PUT "/parts/$id" '{"part_number":"T-1","name":"bare","part_type":"consumable"}'
parts_gives 'update_part replaces the whole part' 200 .unit_price null '.names | length' 0
parts_send PUT "/parts/$second" '{"part_number":"T-1","name":"x","part_type":"tool"}'
parts_refuses 'update to a duplicate' 409 duplicate part_number
parts_send PUT /parts/99999 '{"part_number":"T-9","name":"x","part_type":"tool"}'
parts_refuses 'update of a missing part' 404 not_found part_id
parts_send PUT "/parts/$id" '{"part_number":"T-1","name":"x","part_type":"tool","initial_stock":{}}'
parts_refuses 'stock is for new parts' 422 validation_failed initial_stock

parts_request DELETE "/parts/$id"
parts_gives 'delete_part' 204
assert_eq 'a 204 has no body' 0 "$(wc -c <"$TEST_DIR/body")"
parts_request GET "/parts/$id"
parts_refuses 'deleted' 404 not_found part_id
parts_request DELETE "/parts/$id"
parts_refuses 'delete twice' 404 not_found part_id
parts_request DELETE /parts/10
parts_refuses 'a part with history stays' 409 in_use part_id
assert_eq 'and keeps its stock' t "$(sql 'SELECT count(*) > 0 FROM inventory WHERE part_id = 10')"
parts_request DELETE "/parts/$second"
parts_gives 'delete_part again' 204
