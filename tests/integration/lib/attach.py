#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Attaches to a process that works again and again, and tells what that took.

    attach.py cycle PID TIMES FILE   attach, see the first time and then now and again that
                                     statements are counted, detach; prints how many of TIMES failed,
                                     why on standard error. A line of FILE for each: ms for which the
                                     thread was away, its system calls, ms in all
    attach.py table NAME FILE        a row of that: cycles; of the first, which loads the library, ms
                                     away and in all; of the others median, 90th and 99th percentile,
                                     greatest
"""
import json
import os
import re
import subprocess
import sys
import time

CTL = os.environ["PERFSPY_CTL"]
PATIENCE_S = 120
COUNT_EVERY = 10  # reading all that was counted takes longer than attaching
STAY_S = 0.02
TOLD = re.compile(r"borrowed for ([0-9.]+) ms \(([0-9]+) system calls\).* ([0-9.]+) ms in all")


def ctl(*args):
    """In a session of its own, as a person's is: among those the kernel shares out processor time."""
    return subprocess.run(
        [CTL, *args], capture_output=True, text=True, check=False, start_new_session=True
    )


def counted(pid):
    answer = ctl("stats", "-p", pid, "--json").stdout
    operations = json.loads(answer)["operations"] if answer else []
    return sum(o["calls"] for o in operations if o["kind"] == "sql")


def goes_up(pid, before):
    deadline = time.monotonic() + PATIENCE_S
    while counted(pid) <= before:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def cycle(pid, times, look):
    """Once; what went wrong, or None. It is the very first where nothing is in TIMES."""
    first = times.tell() == 0
    done = ctl("attach", pid, "--timeout", "30s", "-v")
    told = TOLD.search(done.stdout)
    if done.returncode != 0 or told is None:
        return f"attach: status {done.returncode}: {done.stdout}{done.stderr}"
    print(*told.groups(), file=times, flush=True)
    if not look:
        time.sleep(STAY_S)
    elif not goes_up(pid, 0 if first else counted(pid)):
        return "attached, but nothing is counted"
    done = ctl("detach", pid)
    return f"detach: {done.stderr}" if done.returncode != 0 else None


def cycles(pid, number, path):
    failed = 0
    with open(path, "a", encoding="ascii") as times:
        for i in range(int(number)):
            wrong = cycle(pid, times, i % COUNT_EVERY == 0)
            if wrong is not None:
                failed += 1
                print("#", wrong.strip(), file=sys.stderr)
            if not os.path.exists(f"/proc/{pid}"):
                break
    print(failed)


def ranks(values):
    """By nearest rank."""
    values = sorted(values)
    return " / ".join(f"{values[(len(values) * p + 99) // 100 - 1]}" for p in (50, 90, 99, 100))


def table(name, path):
    with open(path, encoding="ascii") as lines:
        rows = [[float(n) for n in line.split()] for line in lines]
    if len(rows) > 1:
        print(f"| {name} | {len(rows)} | {rows[0][0]} / {rows[0][2]} |"
              f" {ranks([r[0] for r in rows[1:]])} | {ranks([r[2] for r in rows[1:]])} |")


{"cycle": cycles, "table": table}[sys.argv[1]](*sys.argv[2:])
