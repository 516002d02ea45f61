#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the wrappers of socket calls add, in one process: see bench_calls.c.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/../lib.sh"

as_variant watched
env "${VARIANT_ENV[@]}" "${PIN[@]}" "$BUILD/bench/bench_calls"
as_variant dormant
env "${VARIANT_ENV[@]}" "${PIN[@]}" "$BUILD/bench/bench_calls" | sed 's/\tsockets\./&dormant./'
