#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What a call costs more under perfspy and under others that time calls: against the stand-in for
# libpq, so that nothing else is seen.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"
export LOOP_PATH=$BUILD/bench/plain LOOP_LIBPQ=$BUILD/bench/plain/libpq.so.5
# shellcheck source=tests/bench/tracers.sh
. "$(dirname "$0")/../tracers.sh"

run_all tracers "$(scaled 5000 100)" "$(scaled 10 2)" bare perfspy bpftrace uftrace ltrace
