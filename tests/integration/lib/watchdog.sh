#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Undoes a run whose shell died without doing so (SIGKILL, the out-of-memory killer):
#
#   watchdog.sh PID START_TICKS MARK DIR
#
# Started by run_begin in a session of its own; ended by run_end. PID alone would not do, since an
# id is given out again. It asks twice a second and sleeps in `read`, which needs no process.
set -uo pipefail

# shellcheck source=tests/integration/lib/run.sh
. "$(dirname "$(readlink -f "$0")")/run.sh"

pid=$1 ticks=$2 mark=$3 dir=$4
cd /
exec {never}<> <(:)
while [ "$(process_field "$pid" 22)" = "$ticks" ]; do
    read -rt 0.5 -u "$never"
done
run_sweep "$mark" "$dir"
