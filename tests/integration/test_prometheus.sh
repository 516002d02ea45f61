#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# /metrics: clean for promtool; and Debian's Prometheus scrapes it from a real, watched service with
# a bearer token and, asked through its own API, gives the numbers that were driven.
# shellcheck source=tests/integration/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

token=scraper-token-0123456789
# A name that no other service on the machine has.
name=scraped-$$
metrics=$TEST_DIR/metrics

scrape() {
    curl -sSf -H "Authorization: Bearer $token" "$serve/metrics" >"$metrics"
}

start_prometheus() {
    mkdir "$TEST_DIR/data"
    cat >"$TEST_DIR/prometheus.yml" <<YAML
scrape_configs:
  - job_name: perfspy
    scrape_interval: 3s
    scrape_timeout: 3s
    authorization: {type: Bearer, credentials: $token}
    static_configs:
      - targets: ['${serve#http://}']
YAML
    check 'its configuration is in order' promtool check config "$TEST_DIR/prometheus.yml"
    start_go_server "$TEST_DIR/prometheus.log" /usr/bin/prometheus \
        --config.file="$TEST_DIR/prometheus.yml" --storage.tsdb.path="$TEST_DIR/data" \
        --web.listen-address=127.0.0.1:0
    prometheus=http://$GO_SERVER
    wait_for 60 curl -sf -o /dev/null "$prometheus/-/ready"
}

# query EXPRESSION: the values, one a line, in the order of their labels.
query() {
    curl -sS "$prometheus/api/v1/query" --data-urlencode "query=$1" |
        jq -r '.error // (.data.result | sort_by(.metric | tostring) | .[].value[1])'
}

gives() {
    given=$(query "$1" | xargs)
    [ "$given" = "$2" ]
}

# asks WHAT WANT EXPRESSION: Prometheus gives WANT, at the latest after some scrapes.
asks() {
    local given=
    wait_for 15 gives "$3" "$2" || true
    assert_eq "$1" "$2" "$given"
}

requests=1 # the log-in
drive() {
    local i
    requests=$((requests + $1))
    for ((i = 0; i < $1; i++)); do
        parts_call "$2" "$3" ${4:+"$4"} >/dev/null
    done
}

parts_patient_rules >"$TEST_DIR/rules.yml"
cp "$PARTS_SERVER" "$TEST_DIR/$name"
parts_init --parts 200 >"$TEST_DIR/init.log" 2>&1
PARTS_SERVER=$TEST_DIR/$name parts_start LD_PRELOAD="$PERFSPY_PRELOAD" \
    PERFSPY_RULES="$TEST_DIR/rules.yml" -- --pool 3 --threads 2
watched=$SERVER_PID
parts_login
drive 37 GET /parts/1
drive 4 GET /parts/99999999
drive 1 POST /parts/ '{"part_number": "ONE", "name": "one", "part_type": "tool"}'
drive 3 POST /parts/ '{"part_number": "ONE", "name": "one", "part_type": "tool"}'
drive 6 GET '/parts/?limit=none'
parts_await_requests "$watched" "$requests" "$TEST_DIR/stats"

printf 'super_admin %s\n' "$token" >"$TEST_DIR/tokens"
chmod 600 "$TEST_DIR/tokens"
parts_url=$SERVER_URL
start_server "$PERFSPY_CTL" serve -p "$name" --listen 127.0.0.1:0 --token-file "$TEST_DIR/tokens"
serve=$SERVER_URL
SERVER_URL=$parts_url

scrape
check 'promtool has nothing to say' promtool check metrics <"$metrics"
assert_eq 'nor does it say anything' '' "$(promtool check metrics <"$metrics" 2>&1)"
assert_eq 'the type is that of the text format' 'text/plain; version=0.0.4; charset=utf-8' \
    "$(curl -sS -o /dev/null -w '%{content_type}' -H "Authorization: Bearer $token" "$serve/metrics")"
assert_eq 'labels: no more than these' \
    'db_response_status_code db_system_name exe http_response_status_code kind le level operation part stat state status table version way' \
    "$(grep -v '^#' "$metrics" | grep -oE '[{,][a-z_]+="' | tr -d '{,="' | sort -u | xargs)"

# Within one series the last bucket is the count, and none is smaller than the one before it.
falling_buckets() {
    awk '/_bucket/ {
            series = $1
            sub(/le="[^"]*"/, "", series)
            if (series == before && $NF < value)
                print
            before = series
            value = $NF
        }
        /_count/ && $NF != value' "$metrics"
}
assert_eq 'buckets never fall, and end with the count' '' "$(falling_buckets)"

stat() {
    json "$TEST_DIR/stats" '.operations[] | select(.operation == $o) | '"$2" --arg o "$1"
}

start_prometheus
me="exe=\"$name\""
asks 'the target is up' 1 'up{job="perfspy"}'
asks 'requests' 41 "http_server_request_duration_seconds_count{$me,operation=\"api.get_part\"}"
asks 'statements' "$(stat parts_crud.get_part .calls)" \
    "db_client_operation_duration_seconds_count{$me,operation=\"parts_crud.get_part\",db_system_name=\"postgresql\"}"
asks 'all of them within the last bound' 41 \
    "http_server_request_duration_seconds_bucket{$me,operation=\"api.get_part\",le=\"+Inf\"}"
asks 'by level' 41 "sum(perfspy_operation_calls_total{$me,operation=\"api.get_part\"})"
asks 'by status code' '37 4' "perfspy_http_responses_total{$me,operation=\"api.get_part\"}"
asks 'statements that failed, by SQLSTATE' 3 \
    "perfspy_sql_errors_total{$me,operation=\"parts_crud.create_part\",db_response_status_code=\"23505\"}"
asks 'failed calls' 3 "perfspy_operation_errors_total{$me,operation=\"parts_crud.create_part\"}"
asks 'rows' "$(stat parts_crud.get_part .rows)" \
    "perfspy_operation_rows_total{$me,operation=\"parts_crud.get_part\"}"
asks 'rows affected: one new part and its stock' 2 \
    "perfspy_operation_affected_rows_total{$me,operation=\"parts_crud.create_part\"}"
asks 'all was executed' 0 "sum(perfspy_operation_aborted_total{$me})"
asks 'bytes' "$(stat api.get_part .bytes_out)" \
    "perfspy_operation_sent_bytes_total{$me,operation=\"api.get_part\"}"
asks 'the sum of times' "$(stat api.get_part '.mean_ms * .calls | round')" \
    "round(1000 * http_server_request_duration_seconds_sum{$me,operation=\"api.get_part\"})"
asks 'processes' 1 "perfspy_processes{$me,state=\"live\"}"
asks 'health' 1 "perfspy_health{$me,status=\"healthy\"}"
asks 'one state of health' 1 "sum(perfspy_health{$me})"
asks 'a benchmark is met' 1 "perfspy_benchmark_met{$me,operation=\"api.get_part\"}"
asks 'its limit' 200 "perfspy_benchmark_limit_seconds{$me,operation=\"api.get_part\",stat=\"p95\"}"
asks 'nothing was dropped' 0 "sum({__name__=~\"perfspy_self_.+_(full|high|lost|denied|dropped|unknown|deep|shard)_total\",$me})"
asks 'of either kind its own calls take time where some were timed' 2 \
    "sum((perfspy_self_calls_seconds_total{$me} >bool 0) ==bool (perfspy_self_timed_calls_total{$me} >bool 0))"
asks 'of a processor that the process had' 1 \
    "perfspy_self_process_cpu_seconds_total{$me} >bool perfspy_self_helper_cpu_seconds_total{$me}"
asks 'it does not back off' 0 "perfspy_self_backoff_level{$me}"
asks 'its memory is bounded' 1 \
    "perfspy_self_region_bytes{$me} <=bool perfspy_self_region_limit_bytes{$me}"
asks 'no table is fuller than full' 1 "max(perfspy_self_table_used_ratio{$me}) <=bool 1"

drive 9 GET /parts/2
asks 'more requests arrive' 50 "http_server_request_duration_seconds_count{$me,operation=\"api.get_part\"}"
kill -KILL "$watched"
asks 'the process dies' '1 0' "perfspy_processes{$me}"
asks 'and nothing falls' 50 "http_server_request_duration_seconds_count{$me,operation=\"api.get_part\"}"
asks 'no counter was ever reset' 0 \
    "sum(resets(http_server_request_duration_seconds_count{$me}[5m]))"
