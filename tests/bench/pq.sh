#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What a statement costs more with the library than without: against a stand-in for libpq that takes
# no time, linked as Debian does (it calls its own functions by way of the library) and as Ubuntu
# does. Prints nanoseconds; judges nothing.
#
#   BUILD=build pq.sh
set -euo pipefail

BUILD=$(readlink -f "${BUILD:-build}")
dir=$(mktemp -d "$BUILD/bench/pq.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cat >"$dir/rules.yml" <<'RULES'
version: 1
operations:
  - name: parts_crud.get_part
    sql: SELECT * FROM parts WHERE id = ?
RULES
export PERFSPY_DIR=$dir PERFSPY_RULES=$dir/rules.yml

printf '%-12s %-30s %8s %8s %8s\n' libpq statement bare watched added
for linked in plain symbolic; do
    for how in prepared async exec; do
        case $how in
            prepared) what='PQexecPrepared' ;;
            async) what='PQsendQueryPrepared, fetched' ;;
            exec) what='PQexec, 200 bytes' ;;
        esac
        export LD_LIBRARY_PATH=$BUILD/bench/$linked
        bare=$("$BUILD/bench/pq_calls" "$how")
        watched=$(LD_PRELOAD=$BUILD/libperfspy.so "$BUILD/bench/pq_calls" "$how")
        printf '%-12s %-30s %8s %8s %8s\n' "$linked" "$what" "$bare" "$watched" \
            "$(awk -v a="$bare" -v b="$watched" 'BEGIN { printf "%.1f", b - a }')"
    done
done
