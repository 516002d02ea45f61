#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Web servers of other people, watched, under load with known answers: requests, statuses and bytes
# in both directions are those of the load generator, to the last one. Plain and with TLS.
# time limit: 600
. "$(dirname "$0")/lib/check.sh"

here=$(dirname "$(readlink -f "$0")")
site=$TEST_DIR/site
key=$TEST_DIR/key.pem
cert=$TEST_DIR/cert.pem
answers=$TEST_DIR/answers
run_dir=$TEST_DIR/perfspy

mkdir "$site"
printf hello >"$site/hello"
head -c $((8 * 1024 * 1024)) /dev/zero | tr '\0' x >"$site/large"
head -c 200000 /dev/zero | tr '\0' y >"$TEST_DIR/upload"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$key" -out "$cert" -days 2 -subj /CN=localhost \
    2>"$TEST_DIR/openssl.log"

# ---- the servers: each says how to start it on $port ------------------------------------------
# server_NAME sets `command`, for http, or for https where $scheme says so.

free_port() {
    /usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

tls_files() {
    [ "$scheme" = http ] || echo "$key" "$cert"
}

server_microhttpd() {
    # shellcheck disable=SC2046,SC2207 # two names without blanks, or none
    command=("$BUILD/victims/microhttpd" "$port" "$site" $(tls_files))
}

server_nginx() {
    local tls=
    [ "$scheme" = http ] || tls="ssl; ssl_certificate $cert; ssl_certificate_key $key"
    cat >"$TEST_DIR/nginx.conf" <<CONF
daemon off;
user $(id -un) $(id -gn);
worker_processes 2;
pid $TEST_DIR/nginx.pid;
error_log $TEST_DIR/nginx.log;
events { worker_connections 256; }
http {
    access_log off;
    sendfile on;
    root $site;
    client_body_temp_path $TEST_DIR/nginx-1;
    proxy_temp_path $TEST_DIR/nginx-2;
    fastcgi_temp_path $TEST_DIR/nginx-3;
    uwsgi_temp_path $TEST_DIR/nginx-4;
    scgi_temp_path $TEST_DIR/nginx-5;
    keepalive_requests 100000;
    server {
        listen 127.0.0.1:$port $tls;
        location = /echo { proxy_pass http://unix:$TEST_DIR/up.sock:/upstream; }
    }
    server {
        listen unix:$TEST_DIR/up.sock;
        location = /upstream { return 200 "thank you"; }
    }
}
CONF
    command=(nginx -p "$TEST_DIR" -c "$TEST_DIR/nginx.conf" -e "$TEST_DIR/nginx.log")
}

# $1: the multi-processing module.
apache() {
    local modules=/usr/lib/apache2/modules module
    {
        for module in "mpm_$1" authz_core reqtimeout ssl socache_shmcb; do
            echo "LoadModule ${module}_module $modules/mod_$module.so"
        done
        cat <<CONF
ServerRoot $TEST_DIR
ServerName localhost
PidFile $TEST_DIR/apache.pid
Mutex file:$TEST_DIR default
ErrorLog $TEST_DIR/apache.log
Listen 127.0.0.1:$port
DocumentRoot $site
MaxKeepAliveRequests 0
StartServers 2
CONF
        [ "$scheme" = http ] || cat <<CONF
SSLEngine on
SSLCertificateFile $cert
SSLCertificateKeyFile $key
CONF
    } >"$TEST_DIR/apache.conf"
    command=(apache2 -f "$TEST_DIR/apache.conf" -DFOREGROUND)
}

server_apache_event() {
    apache event
}

server_apache_prefork() {
    apache prefork
}

# In front of a server that is not watched; large bodies are spliced.
server_haproxy() {
    local tls='' backend
    [ "$scheme" = http ] || tls="ssl crt $TEST_DIR/both.pem"
    cat "$key" "$cert" >"$TEST_DIR/both.pem"
    backend=$(free_port)
    unwatched "$backend" "$BUILD/victims/microhttpd" "$backend" "$site"
    cat >"$TEST_DIR/haproxy.conf" <<CONF
global
    nbthread 2
defaults
    mode http
    option splice-auto
    timeout connect 20s
    timeout client 60s
    timeout server 60s
listen web
    bind 127.0.0.1:$port $tls
    server back 127.0.0.1:$backend
CONF
    command=(haproxy -db -f "$TEST_DIR/haproxy.conf")
}

server_gunicorn() {
    command=(gunicorn -w 2 --threads 2 --chdir "$here/servers" -b "127.0.0.1:$port"
        --worker-tmp-dir "$TEST_DIR" wsgi_app:application)
    [ "$scheme" = http ] || command+=(--keyfile "$key" --certfile "$cert")
}

server_uvicorn() {
    command=(uvicorn --app-dir "$here/servers" --host 127.0.0.1 --port "$port" --log-level warning
        asgi_app:application)
    [ "$scheme" = http ] || command+=(--ssl-keyfile "$key" --ssl-certfile "$cert")
}

server_node() {
    # shellcheck disable=SC2046,SC2207
    command=(node "$here/servers/app.js" "$port" $(tls_files))
}

server_php() {
    command=(php -S "127.0.0.1:$port" "$here/servers/app.php")
}

server_webrick() {
    # shellcheck disable=SC2046,SC2207
    command=(ruby "$here/servers/webrick.rb" "$port" $(tls_files))
}

server_puma() {
    local bind=tcp://127.0.0.1:$port
    [ "$scheme" = http ] || bind="ssl://127.0.0.1:$port?key=$key&cert=$cert&verify_mode=none"
    command=(puma -q -e production -t 2:2 -w 0 -b "$bind" "$here/servers/config.ru")
}

# ---- starting and stopping them ---------------------------------------------------------------

accepts() {
    # shellcheck disable=SC2188 # only to connect
    (exec 5<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# unwatched PORT COMMAND...: a helper of the server under test.
unwatched() {
    local at=$1
    shift
    "$@" <"$TEST_DIR/never" >"$TEST_DIR/helper.log" 2>&1 &
    on_exit stop_process "$!"
    wait_for 20 accepts "$at"
}

accepts_or_dead() {
    accepts "$port" || ! running "$server"
}

# Starts the server named, watched. Its port may be taken between the choice and the start.
start() {
    rm -rf "$run_dir"
    for _ in 1 2 3; do
        port=$(free_port)
        "server_$1"
        # In a session of its own: Apache ends by signalling its process group.
        PERFSPY_DIR=$run_dir PYTHONDONTWRITEBYTECODE=1 LD_PRELOAD=$PERFSPY_PRELOAD \
            setsid "${command[@]}" \
            <"$TEST_DIR/never" >"$TEST_DIR/$1-$scheme.log" 2>&1 &
        server=$!
        wait_for 30 accepts_or_dead || true
        ! running "$server" || return 0
    done
    not_ok "$1 $scheme starts" "$(tail -n 20 "$TEST_DIR/$1-$scheme.log")"
    return 1
}

mkfifo "$TEST_DIR/never"
exec 8<>"$TEST_DIR/never"

# ---- load -------------------------------------------------------------------------------------

# $answers has a line a request, or many alike: status, how many, bytes in, bytes out.

# ask CURL-OPTION...: requests by curl.
ask() {
    curl -sk --http1.1 --no-alpn --raw --no-progress-meter --max-time 60 -o /dev/null \
        -w '%{http_code} 1 %{size_request} %{size_upload} %{size_header} %{size_download}\n' \
        "$@" 2>"$TEST_DIR/curl.err" | awk '{ print $1, $2, $3 + $4, $5 + $6 }' >>"$answers" || true
}

# Everything that curl does to a server that takes posts at this path.
drive() {
    local base=$1 post=$2
    ask "$base/hello?n=[1-150]"
    ask -Z --parallel-max 6 "$base/hello?n=[1-150]"
    ask "$base/missing?n=[1-9]"
    ask -I "$base/hello?n=[1-7]"
    ask --http1.0 "$base/hello?n=[1-5]"
    ask "$base/large?n=[1-3]"
    ask --data-binary "@$TEST_DIR/upload" -H 'Content-Type: text/plain' -H 'Expect: 100-continue' \
        "$base$post?n=[1-4]"
}

# load REQUESTS OPTION...: by h2load, which does not tell what it sent: that is taken as perfspy
# has it.
load() {
    local n=$1 before
    shift
    before=$(expected | cut -d ' ' -f 2)
    h2load --h1 -n "$n" "$@" >"$TEST_DIR/h2load.log" 2>&1 || true
    wait_for 10 counted "$(($(expected | cut -d ' ' -f 1) + n))" || true
    awk -v n="$n" -v sent=$(($(seen | cut -d ' ' -f 2) - before)) '
        /^status codes:/ && $3 == n { complete = 1 }
        /^traffic:/ { gsub(/[()]/, "", $3); received = $3 }
        END { print complete ? 200 : "failed", n, sent, received }' "$TEST_DIR/h2load.log" >>"$answers"
}

counted() {
    [ "$(seen | cut -d ' ' -f 1)" = "$1" ]
}

# A client that reads the first byte, and the rest of the large file more than a second later.
stall() {
    local sent received
    read -r sent received < <(/usr/bin/python3 "$here/servers/slow_client.py" "$scheme" "$port" \
        /large 1.2)
    echo "200 1 $sent $received" >>"$answers"
}

# What the clients saw: requests, bytes in and out, and how often which status.
expected() {
    awk '{ n += $2; bytes_in += $3; bytes_out += $4; status[$1] += $2 }
        END { printf "%d %d %d", n, bytes_in, bytes_out
              for (s in status) print " " s ":" status[s] | "sort"
              close("sort") }' "$answers" | tr '\n' ' ' | tr -s ' '
}

# ctl COMMAND: what it says of each of the server's processes. There may be other watched ones.
ctl() {
    local region pid
    for region in "$run_dir"/*.region; do
        pid=${region##*/}
        PERFSPY_DIR=$run_dir "$PERFSPY_CTL" "$1" -p "${pid%%-*}" --json 2>>"$TEST_DIR/ctl.err" || true
    done
}

# The same as perfspy tells it. An upstream's requests are the server's own.
seen() {
    ctl stats >"$TEST_DIR/stats.json"
    jq -rs '[.[].operations[] | select(.kind == "http" and .calls > 0
                                       and (.operation | contains("upstream") | not))] as $all
        | [$all[].status | to_entries[]] | group_by(.key)
        | map(" \(.[0].key):\(map(.value) | add)") | sort | join("")
        | "\([$all[].calls] | add) \([$all[].bytes_in] | add) \([$all[].bytes_out] | add)\(.) "' \
        "$TEST_DIR/stats.json"
}

as_expected() {
    [ "$(seen)" = "$(expected)" ]
}

# examine NAME POST-PATH LOADS: drives the server that runs and compares.
examine() {
    local what="$1 $scheme" base="$scheme://127.0.0.1:$port"
    : >"$answers"
    # shellcheck disable=SC2086 # loads are options
    case $3 in
        -) ;;
        *) load 2000 -c 10 "$base/hello" ;;&
        *pipeline*) load 2000 -c 4 -m 8 "$base/hello" ;;&
        *slow*) stall ;;
    esac
    drive "$base" "$2"
    wait_for 10 as_expected || true # what the last answers were counted as
    assert_eq "$what: requests, bytes in, bytes out, statuses" "$(expected)" "$(seen)"
    assert_eq "$what: nobody was aborted, and every connection was understood" "0 0" \
        "$(total aborted) $(ctl ps | jq -s '[.[].processes[].self.streams_lost] | add')"
    if [[ $3 = *slow* ]]; then
        assert_eq "$what: a slow client's second is in the time, and known as blocked" "true true" \
            "$(jq -rs '[.[].operations[] | select(.operation == "GET /large")]
                | "\([.[].max_ms] | max >= 1200) \([.[] | .blocked_ms * .calls] | add >= 500)"' \
                "$TEST_DIR/stats.json")"
        /usr/bin/python3 "$here/servers/slow_client.py" "$scheme" "$port" /large leave
        check "$what: a client that leaves is counted as such" wait_for 10 one_aborted
    fi
}

# total KEY: the sum over all operations.
total() {
    jq -s "[.[].operations[].$1] | add" "$TEST_DIR/stats.json"
}

one_aborted() {
    seen >"$TEST_DIR/seen"
    [ "$(total aborted)" = 1 ]
}

# serve NAME PROGRAM SCHEME POST-PATH LOADS
serve() {
    scheme=$3
    if ! command -v "$2" >/dev/null; then
        skip "$1 $scheme" "$2 is not installed"
        return
    fi
    if [ "$1 ${SAN:-}" = "php address" ]; then
        skip "$1 $scheme" "it opens its extensions RTLD_DEEPBIND, which AddressSanitizer refuses"
        return
    fi
    if [ "$1 $scheme" = "node https" ] && ! ldd "$(command -v node)" | grep -q libssl; then
        skip "$1 $scheme" "this node has its TLS library inside (Debian's has not)"
        return
    fi
    start "$1" || return 0
    examine "$1" "$4" "$5"
    stop_process "$server" || true
}

# Name, program, schemes, where it takes posts, and what load it bears beside curl's: keep-alive,
# pipelined; slow: it waits for its clients itself (the others hand a response over whole).
PATH=$PATH:/usr/sbin
while read -r name program schemes post loads; do
    for scheme in ${schemes//,/ }; do
        serve "$name" "$program" "$scheme" "$post" "$loads" </dev/null
    done
done <<LIST
microhttpd     $BUILD/victims/microhttpd http,https /echo keep,pipeline,slow
nginx          nginx    http,https /echo   keep,pipeline,slow
apache_event   apache2  http,https /hello  keep,pipeline,slow
apache_prefork apache2  http,https /hello  keep,pipeline,slow
haproxy        haproxy  http,https /echo   keep,pipeline,slow
gunicorn       gunicorn http,https /echo   keep
uvicorn        uvicorn  http,https /echo   keep
node           node     http,https /echo   keep,pipeline
php            php      http       /echo   -
webrick        ruby     http,https /echo   keep
puma           puma     http,https /echo   -
LIST
