#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes of the samples of the measurements a table, JSON and Markdown.

usage: report.py [--json FILE] [--markdown FILE] <SAMPLES

The form of the samples is in lib.sh, what is made of them in metrics.txt. Beside each value stands
what it is to reach, and whether it does; nothing is judged by the exit status.
"""
import argparse
import collections
import datetime
import json
import operator
import os
import platform
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

Metric = collections.namedtuple("Metric", "section name goal unit how a b title")


def read_metrics():
    section, metrics = "", []
    with open(os.path.join(HERE, "metrics.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("## "):
                section = line[3:].strip()
            elif line.strip() and not line.startswith("#"):
                metrics.append(Metric(section, *line.split(None, 6)[:6], line.split(None, 6)[6].strip()))
    return metrics


class Input:
    """What the measurements said."""

    def __init__(self, lines):
        self.series = collections.defaultdict(list)
        self.skipped, self.measured, self.load = {}, [], None
        for line in lines:
            kind, *words = line.rstrip("\n").split("\t")
            if kind == "sample":
                self.series[words[0]].append(float(words[1]))
            elif kind == "skip":
                self.skipped[words[0]] = words[1]
            elif kind == "measured":
                self.measured.append(words[0])
            elif kind == "begin":
                self.load = float(words[0])
            else:
                sys.exit(f"report: no line begins with '{kind}': {line!r}")

    def why_skipped(self, name):
        parts = name.split(".")
        for n in range(len(parts), 0, -1):
            reason = self.skipped.get(".".join(parts[:n]))
            if reason:
                return reason
        return None


def quartiles(values):
    """First and third; of few values the ends."""
    if len(values) < 4:
        return min(values), max(values)
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def spread_of(values):
    first, third = quartiles(values)
    return {"rounds": len(values), "min": min(values), "median": statistics.median(values),
            "q1": first, "q3": third}


def margin_of(spread):
    """What the median is known to, with 95 % confidence: twice its standard error, which for values
    that are about normally distributed is 0.93 quartile distances by the root of their number."""
    return 1.86 * (spread["q3"] - spread["q1"]) / spread["rounds"] ** 0.5


def compute(metric, given, values):
    """The value and its spread, or None where samples are missing."""
    if metric.how == "times":
        if values.get(metric.a) is None or values.get(metric.b) is None or values[metric.b] <= 0:
            return None
        return {"value": values[metric.a] / values[metric.b]}
    a, b = given.series.get(metric.a), given.series.get(metric.b)
    if not a or (metric.b != "-" and not b):
        return None
    if metric.how == "least":
        return {"value": min(a), **spread_of(a)}
    if metric.how == "median":
        return {"value": statistics.median(a), **spread_of(a)}
    if metric.how == "share":
        spread = spread_of([100 * (x / y - 1) for x, y in zip(a, b)])
        return {"value": spread["median"], "margin": margin_of(spread), **spread}
    if metric.how == "least_share":
        return {"value": 100 * (min(a) / min(b) - 1)}
    spread = spread_of([x - y for x, y in zip(a, b)])
    value = min(a) - min(b) if metric.how == "added" else spread["median"]
    return {"value": value, **spread}


def instructions(metric, given):
    """Added, where they were counted."""
    if metric.how != "added":
        return None
    a, b = (given.series.get(series + ".instructions") for series in (metric.a, metric.b))
    return a[0] - b[0] if a and b else None


def meets(goal, result):
    """Whether the goal is reached; None where there is none, or no telling."""
    value = result["value"]
    if goal == "-" or value is None:
        return None
    limit = float(goal[2:])
    if abs(value - limit) < result.get("margin", 0):
        return None
    return {"<=": operator.le, ">=": operator.ge}[goal[:2]](value, limit)


def make_rows(given):
    rows, values = [], {}
    for metric in read_metrics():
        if metric.name.split(".")[0] not in given.measured:
            continue
        result = compute(metric, given, values) or {"value": None}
        values[metric.name] = result["value"]
        row = {"name": metric.name, "section": metric.section, "title": metric.title,
               "unit": metric.unit, "how": metric.how, **result,
               "goal": None if metric.goal == "-" else metric.goal,
               "met": meets(metric.goal, result)}
        if result["value"] is None:
            row["skipped"] = given.why_skipped(metric.name) or "the measurement gave no samples"
        added = instructions(metric, given)
        if added is not None:
            row["instructions"] = added
        rows.append(row)
    return rows


def said_by(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True,
                              cwd=HERE).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def content_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def facts(given):
    """Of the machine, the compiler and the tree."""
    cpuinfo = content_of("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    compiler = said_by(os.environ.get("CC") or "cc", "--version")
    return {"time": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "tree": said_by("git", "describe", "--always", "--dirty", "--tags"),
            "cpu": model.group(1) if model else platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "virtual": bool(re.search(r"^flags.*\bhypervisor\b", cpuinfo, re.M)),
            "kernel": platform.release(), "clocksource": content_of(clock),
            "compiler": compiler.split("\n")[0] if compiler else None,
            "load_before": given.load, "load_after": os.getloadavg()[0],
            "rounds": int(os.environ.get("ROUNDS", "0")),
            "tiny": "BENCH_TINY" in os.environ}


def number(value):
    """Three digits that count; no more than are meant."""
    if value is None:
        return ""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 or size == 0 else 2
    return f"{value:,.{digits}f}"


def cells(row):
    """Title, value, spread, instructions, goal, verdict."""
    if row["value"] is None:
        return [row["title"], "skipped", "", "", row["goal"] or "", row["skipped"]]
    spread = f"{number(row['q1'])} .. {number(row['q3'])}" if "q1" in row else ""
    count = f"{row['instructions']:+,.0f}" if "instructions" in row else ""
    unclear = "too noisy to tell" if row["goal"] else ""
    verdict = {None: unclear, True: "met", False: "missed"}[row["met"]]
    unit = "" if row["unit"] == "-" else " " + row["unit"]
    return [row["title"], number(row["value"]) + unit, spread, count, row["goal"] or "",
            verdict]


HEADINGS = ["", "value", "spread", "instructions", "goal", ""]


def sections(rows):
    found = collections.OrderedDict()
    for row in rows:
        found.setdefault(row["section"], []).append(cells(row))
    return found.items()


def notes(given, rows):
    """What was skipped and is no row of its own."""
    names = [row["name"] for row in rows]
    return [f"skipped: {name}: {reason}" for name, reason in given.skipped.items()
            if not any(n == name or n.startswith(name + ".") for n in names)]


def machine(about):
    return [f"{about['cpu']}, {about['cores']} cores{', virtual' if about['virtual'] else ''}; "
            f"Linux {about['kernel']}, clocksource {about['clocksource'] or 'unknown'}; "
            f"{about['compiler']}",
            f"tree {about['tree']}, {about['time']}, {about['rounds']} rounds; load "
            f"{about['load_before']} before, {about['load_after']:.2f} after"
            + ("; tiny: the numbers mean nothing" if about["tiny"] else "")]


def table(about, rows, said):
    lines = machine(about)
    for heading, body in sections(rows):
        widths = [max(len(line[i]) for line in [HEADINGS] + body) for i in range(5)]
        lines += ["", heading]
        for line in [HEADINGS] + body:
            text = f"  {line[0]:<{widths[0]}}  " + "  ".join(
                f"{line[i]:>{widths[i]}}" for i in range(1, 5)) + f"  {line[5]}"
            lines.append(text.rstrip())
    return "\n".join(lines + [""] * bool(said) + said) + "\n"


def markdown(about, rows, said):
    lines = machine(about)
    lines.insert(1, "")
    for heading, body in sections(rows):
        lines += ["", f"**{heading}**", "", "| | value | spread | instructions | goal | |",
                  "| --- | ---: | ---: | ---: | ---: | --- |"]
        lines += ["| " + " | ".join(line) + " |" for line in body]
    return "\n".join(lines + [""] * bool(said) + said) + "\n"


def write(path, text):
    if path:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser(description="tables of what the measurements said")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--markdown", metavar="FILE")
    wanted = parser.parse_args()
    given = Input(sys.stdin)
    about, rows = facts(given), make_rows(given)
    said = notes(given, rows)
    write(wanted.json, json.dumps({"version": 1, "host": about, "metrics": rows,
                                   "skipped": given.skipped}, indent=2) + "\n")
    write(wanted.markdown, markdown(about, rows, said))
    sys.stdout.write(table(about, rows, said))


if __name__ == "__main__":
    main()
