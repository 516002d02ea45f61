#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Alerting end to end: a slowdown that is injected into a real service is told, and then its end, by
# `perfspy-ctl watch --on-change`, and by Prometheus and Alertmanager with the rules of
# `perfspy-ctl export prometheus-rules` to a webhook.
#
# What is not slowed down stays far below the limits also on a busy machine; the benchmark's statistic
# is the median, which some slow calls do not move.
#
# time limit: 900
. "$(dirname "$0")/lib/check.sh"

# ---- a service whose slowness is one number ------------------------------------------------------

parts_init --parts 500 >"$TEST_DIR/init.log" 2>&1
psql -qXv ON_ERROR_STOP=1 <<'SQL'
CREATE TABLE nap AS SELECT 0.0 AS seconds;
ALTER TABLE usage_history RENAME TO quick_history;
CREATE VIEW usage_history AS
SELECT h.* FROM (SELECT pg_sleep(seconds) FROM nap OFFSET 0) AS slept, quick_history AS h;
SQL
cat >"$TEST_DIR/rules.yml" <<'YAML'
version: 1
levels: {excellent: 1s, good: 2s, acceptable: 4s, slow: 20s}
health: {window: 10s, slow_share: 20%}
operations:
  - name: api.usage
    http: GET /parts/{part_id}/usage
    benchmark: {p50: 4s, errors: 5%}
YAML

slow_down() {
    psql -qXc "UPDATE nap SET seconds = $1"
}

# The load: one request after the other, until the file is gone.
load() {
    local codes=$1
    while [ -e "$TEST_DIR/load" ]; do
        parts_call GET /parts/2/usage >>"$codes" 2>&1
        sleep 0.1
    done
}

# A name that no other process has.
name=alerting-$$
cp "$PARTS_SERVER" "$TEST_DIR/$name"
PARTS_SERVER=$TEST_DIR/$name
# Watches before there is anything to watch.
"$PERFSPY_CTL" watch -p "$name" --every 200ms >"$TEST_DIR/early.out" 2>"$TEST_DIR/early.err" &
on_exit stop_process "$!"
check "a watcher says what it does not find" wait_for 10 grep -q "$name" "$TEST_DIR/early.err"
parts_start LD_PRELOAD="$PERFSPY_PRELOAD" PERFSPY_RULES="$TEST_DIR/rules.yml" -- --query-timeout 60000
service=$SERVER_PID
parts_login
: >"$TEST_DIR/load"
for loader in 1 2 3 4; do
    load "$TEST_DIR/codes-$loader" &
    on_exit wait $!
done
on_exit rm -f "$TEST_DIR/load"

# ---- Prometheus, Alertmanager and who they tell ---------------------------------------------------

# Keeps every alert that it is sent, one a line.
cat >"$TEST_DIR/webhook.py" <<'PYTHON'
import http.server, json, sys

class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[1], "a") as file:
            for alert in sent["alerts"]:
                file.write(json.dumps(alert) + "\n")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Webhook)
print("listening on 127.0.0.1:%d" % server.server_port, file=sys.stderr, flush=True)
server.serve_forever()
PYTHON
alerts=$TEST_DIR/alerts
: >"$alerts"
start_server /usr/bin/python3 "$TEST_DIR/webhook.py" "$alerts"
webhook=$SERVER_URL

(umask 077 && echo 'super_admin only-for-this-test-7Qd2' >"$TEST_DIR/tokens")
echo -n only-for-this-test-7Qd2 >"$TEST_DIR/token"
start_server "$PERFSPY_CTL" serve -p "$service" --listen 127.0.0.1:0 --token-file "$TEST_DIR/tokens"
serve=$SERVER_PID
exporter=${SERVER_URL#http://}

"$PERFSPY_CTL" export prometheus-rules "$TEST_DIR/rules.yml" --for 1s >"$TEST_DIR/alerts.yml"
check "promtool has nothing against the rules" promtool check rules "$TEST_DIR/alerts.yml"
"$PERFSPY_CTL" export prometheus-rules rules/parts.yml >"$TEST_DIR/parts-alerts.yml"
check "nor against those of the parts service" promtool check rules "$TEST_DIR/parts-alerts.yml"

# The alerts that the slowdown does not bring about, on series made by hand.
cat >"$TEST_DIR/alerts-test.yml" <<'YAML'
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'perfspy_benchmark_met{exe="p",operation="api.usage",kind="http",stat="errors"}', values: '0x9'}
      - {series: 'perfspy_benchmark_value_ratio{exe="p",operation="api.usage",kind="http",stat="errors"}', values: '0.0625x9'}
      - {series: 'perfspy_benchmark_value_seconds{exe="few",operation="api.usage",kind="http",stat="p95"}', values: '9x9'}
      - {series: 'perfspy_health{exe="p",status="critical"}', values: '0 0 1x6'}
      - {series: 'perfspy_health{exe="p",status="warning"}', values: '1 1 0x6'}
      - {series: 'perfspy_self_ops_full_total{exe="p"}', values: '0 0 6 6 6 6 6 6'}
      - {series: 'perfspy_self_held_full_total{exe="p"}', values: '7x9'}
      - {series: 'perfspy_build_info{job="j",instance="gone",version="1"}', values: '1 1 1 _ _ _ _ _'}
      - {series: 'up{job="j",instance="gone"}', values: '1 1 1 0 0 0 0 0'}
      - {series: 'up{job="j",instance="another program"}', values: '0x9'}
    alert_rule_test:
      - eval_time: 5m
        alertname: PerfspyErrorRate
        exp_alerts:
          - exp_labels: {exe: p, operation: api.usage, kind: http, stat: errors, severity: warning}
            exp_annotations:
              summary: 'api.usage of p: error share above 5 %'
              description: 'The share of errors is 6.25% in the last 10 s, its limit is 5 %.'
      - {eval_time: 5m, alertname: PerfspyBenchmarkMissed} # too few calls: there is no perfspy_benchmark_met
      - eval_time: 5m
        alertname: PerfspyHealthCritical
        exp_alerts:
          - exp_labels: {exe: p, status: critical, severity: critical}
            exp_annotations:
              summary: 'The health of p: critical'
              description: 'At least one call took 20 s or longer in the last 10 s.'
      - {eval_time: 5m, alertname: PerfspyHealthWarning} # no longer
      - eval_time: 5m
        alertname: PerfspyIncomplete
        exp_alerts:
          - exp_labels: {exe: p, counter: ops_full, severity: info}
            exp_annotations:
              summary: 'perfspy does not see all of p: ops_full'
              description: 'Its counter perfspy_self_ops_full_total went up by 6 in 5m; perfspy-ctl ps explains it.'
      - eval_time: 5m
        alertname: PerfspyDown
        exp_alerts:
          - exp_labels: {job: j, instance: gone, severity: critical}
            exp_annotations:
              summary: 'perfspy-ctl serve at gone cannot be scraped'
              description: 'Nothing is known of the programs it tells about, and none of their alerts can fire.'
YAML
check "promtool's tests of the rules pass" promtool test rules "$TEST_DIR/alerts-test.yml"

cat >"$TEST_DIR/alertmanager.yml" <<YAML
route: {receiver: webhook, group_by: ['...'], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: webhook
    webhook_configs: [{url: '$webhook', send_resolved: true}]
YAML
start_go_server "$TEST_DIR/alertmanager.log" prometheus-alertmanager \
    --config.file="$TEST_DIR/alertmanager.yml" --storage.path="$TEST_DIR/alertmanager" \
    --web.listen-address=127.0.0.1:0 --cluster.listen-address=
alertmanager=$GO_SERVER
cat >"$TEST_DIR/prometheus.yml" <<YAML
global: {scrape_interval: 4s, evaluation_interval: 1s}
rule_files: ['$TEST_DIR/alerts.yml']
alerting: {alertmanagers: [{static_configs: [{targets: ['$alertmanager']}]}]}
scrape_configs:
  - job_name: anything
    authorization: {credentials_file: '$TEST_DIR/token'}
    static_configs: [{targets: ['$exporter']}]
YAML
start_go_server "$TEST_DIR/prometheus.log" prometheus --config.file="$TEST_DIR/prometheus.yml" \
    --storage.tsdb.path="$TEST_DIR/prometheus" --web.listen-address=127.0.0.1:0
prometheus=$GO_SERVER

# query PROMQL: the value, or nothing
query() {
    curl -sS "http://$prometheus/api/v1/query" --data-urlencode "query=$1" |
        jq -r '.data.result[0].value[1] // empty'
}

# scraped_as PROMQL VALUE
scraped_as() {
    [ "$(query "$1")" = "$2" ]
}

# alert STATUS NAME [STAT]: the alert has arrived, with that status last
alert() {
    [ "$(jq -r --arg name "$2" --arg stat "${3:-}" 'select(.labels.alertname == $name and
        (.labels.stat // "") == $stat) | .status' "$alerts" | tail -n 1)" = "$1" ]
} 2>/dev/null

wait_for 30 curl -sf -o /dev/null "http://$alertmanager/-/ready"
wait_for 30 curl -sf -o /dev/null "http://$prometheus/-/ready"

# ---- all is well ----------------------------------------------------------------------------------

healthy() {
    "$PERFSPY_CTL" health -p "$service" && "$PERFSPY_CTL" benchmarks -p "$service" --last 10s \
        --json | jq -e '.met == 2'
} >"$TEST_DIR/healthy.log" 2>&1
wait_for 30 healthy
check "Prometheus scrapes the benchmark as met" \
    wait_for 30 scraped_as 'perfspy_benchmark_met{operation="api.usage",stat="p50"}' 1
curl -sS "http://$prometheus/api/v1/label/__name__/values" | jq -r '.data[]' >"$TEST_DIR/names"
assert_eq "every metric that the rules ask for exists" "" \
    "$(grep -oE 'perfspy_[a-z_]*[a-z][[{ ]' "$TEST_DIR/alerts.yml" | tr -d '[{ ' | sort -u |
        grep -vxF -f "$TEST_DIR/names")"

# ---- the watchers --------------------------------------------------------------------------------

changes=$TEST_DIR/changes
: >"$changes"
# What it is given, and on which descriptors.
cat >"$TEST_DIR/tell.sh" <<'SH'
text=$(cat)
fds=
for fd in 0 1 2 3 4 5 6 7 8 9; do # at 10 the shell has its script
    [ ! -e "/proc/$$/fd/$fd" ] || fds=$fds$fd
done
echo "{\"fds\": \"$fds\", \"change\": $text}" >>"$1"
SH
"$PERFSPY_CTL" watch -p "$service" --every 200ms --json \
    --on-change "sh '$TEST_DIR/tell.sh' '$changes'" >"$TEST_DIR/watch.out" 2>"$TEST_DIR/watch.err" &
watcher=$!
on_exit stop_process "$watcher"
# One whose command always fails, and one whose command never ends and whose output nobody reads.
"$PERFSPY_CTL" watch -p "$service" --every 200ms --on-change 'exit 7' \
    >"$TEST_DIR/failing.out" 2>"$TEST_DIR/failing.err" &
failing=$!
on_exit stop_process "$failing"
"$PERFSPY_CTL" watch -p "$service" --every 200ms --timeout 300ms --on-change 'sleep 1000' \
    > >(true) 2>"$TEST_DIR/hanging.err" &
hanging=$!
on_exit stop_process "$hanging"

# change_of WHAT FILTER: of the changes so far, in order
change_of() {
    jq -r --arg what "$1" "select(.change.what == \$what) | .change | $2" "$changes"
}

health_is() {
    [ "$(change_of health .to | tail -n 1)" = "$1" ]
}

benchmark_is() {
    [ "$(change_of benchmark .to | tail -n 1)" = "$1" ]
}

check "a watcher that was there before the service saw it come" \
    wait_for 10 grep -q ' health: unknown -> healthy: ' "$TEST_DIR/early.out"
assert_eq "and had said once that it was not there" 1 \
    "$(grep -c 'no watched process is called' "$TEST_DIR/early.err")"
"$PERFSPY_CTL" watch -p "$service" --every 100ms --initial >"$TEST_DIR/full" 2>&1 &
initial=$!
check "the first state is told where that is asked for" \
    wait_for 10 grep -q ' health: unknown -> healthy: ' "$TEST_DIR/full"
stop_process "$initial"
# The reader is gone before the first line.
check "a watcher that only prints ends when nobody reads" bash -c 'exec 9> >(true); wait $!
    exec timeout 100 "$0" watch -p "$1" --every 100ms --initial >&9' "$PERFSPY_CTL" "$service"
sleep 1
assert_eq "nothing is told while nothing changes" "" "$(cat "$changes")"
assert_eq "no alert either" "" "$(cat "$alerts")"

# ---- slow ----------------------------------------------------------------------------------------

slow_down 5
check "the benchmark's miss is told" wait_for 30 benchmark_is missed
check "health is told to have become worse" wait_for 30 health_is warning
assert_eq "the miss is told once, by name" "api.usage p50 met missed" \
    "$(change_of benchmark '"\(.operation) \(.stat) \(.from) \(.to)"')"
assert_eq "with its number and its limit" "1 4000 true true true" "$(change_of benchmark \
    '"\(.version) \(.limit_ms) \(.value_ms > 5000 / 1.011) \(.calls >= 2) \(.window_s == 10)"')"
assert_match "and its reason" '^p50 is [0-9.]+ s, limit 4 s, of [0-9]+ calls(, each of .*)?$' \
    "$(change_of benchmark .reason)"
assert_match "health has reasons as well, and names who is to blame" \
    'took 4 s or longer in the last 10 s.*; api\.usage: ' "$(change_of health .reason | tail -n 1)"
check "an alert of the benchmark arrives" wait_for 30 alert firing PerfspyBenchmarkMissed p50
check "an alert of health arrives" wait_for 30 alert firing PerfspyHealthWarning
assert_match "the alert has value and limit" \
    '^p50 is [0-9.]+s in the last 10 s, its limit is 4 s\.$' "$(jq -r 'select(
        .labels.alertname == "PerfspyBenchmarkMissed") | .annotations.description' "$alerts")"
assert_eq "and says what it is about" "api.usage http $name warning $exporter" \
    "$(jq -r 'select(.labels.alertname == "PerfspyBenchmarkMissed") | .labels |
        "\(.operation) \(.kind) \(.exe) \(.severity) \(.instance)"' "$alerts")"

# ---- and well again ------------------------------------------------------------------------------

slow_down 0
check "the benchmark's recovery is told" wait_for 60 benchmark_is met
check "health is told to be healthy again" wait_for 60 health_is healthy
check "the resolution of the benchmark's alert arrives" \
    wait_for 30 alert resolved PerfspyBenchmarkMissed p50
check "and that of health's" wait_for 30 alert resolved PerfspyHealthWarning
assert_eq "nothing else was alerted" "PerfspyBenchmarkMissed PerfspyHealthWarning" \
    "$(jq -r .labels.alertname "$alerts" | sort -u | xargs)"
assert_eq "one miss, one recovery" "met>missed missed>met" \
    "$(change_of benchmark '"\(.from)>\(.to)"' | xargs)"
assert_eq "health changed from state to state without a gap" true \
    "$(jq -s '[.[].change | select(.what == "health")] | .[0].from == "healthy" and
        all(range(1; length) as $i | .[$i].from == .[$i - 1].to; .)' "$changes")"
assert_eq "the command had three descriptors" 012 "$(jq -r .fds "$changes" | sort -u)"

status=0
stop_process "$watcher" || status=$?
assert_eq "SIGTERM ends the watcher well" 0 "$status"
assert_eq "it had nothing to complain of" "" "$(cat "$TEST_DIR/watch.err")"
assert_eq "what it printed is what it told" "$(jq -c .change "$changes")" \
    "$(jq -c . "$TEST_DIR/watch.out")"

# complains FILE NUMBER TEXT: that often, and of nothing else.
complains() {
    [ "$(uniq -c "$1" | xargs)" = "$2 perfspy-ctl: --on-change: the command $3" ]
}

# Each looks at moments of its own, and what lasts a moment only one of them may see. All see these.
fails_for_each() {
    grep -q ' p50 .*: missed -> met: ' "$TEST_DIR/failing.out" &&
        complains "$TEST_DIR/failing.err" "$(wc -l <"$TEST_DIR/failing.out")" "ended with status 7"
}
hangs_for_each() {
    local number
    number=$(wc -l <"$TEST_DIR/hanging.err")
    [ "$number" -ge 4 ] && complains "$TEST_DIR/hanging.err" "$number" \
        "was killed: it ran longer than its --timeout"
}
check "a command that fails is reported, and watching goes on" wait_for 20 fails_for_each
check "a command that hangs is killed, and watching goes on" wait_for 20 hangs_for_each
assert_match "a line is printed for each change" \
    '^[0-9TZ:-]+: benchmark p50 of api\.usage: met -> missed: p50 is [0-9.]+ s, limit 4 s' \
    "$(grep missed: "$TEST_DIR/failing.out")"
assert_eq "the service answered all the time" 200 "$(cat "$TEST_DIR"/codes-* | sort -u | xargs)"

# ---- nobody there to tell ------------------------------------------------------------------------

stop_process "$serve" || true
check "an alert arrives when serve is down" wait_for 30 alert firing PerfspyDown
