#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds perfspy's counts against those of the server, statement by statement.

    statements.py CLIENT SERVER STATS DIFFERENCES NORMALISE USED

SERVER is what pg_stat_statements has, as a JSON list of query, calls, rows; STATS what `perfspy-ctl
stats --json` says. NORMALISE, a program, puts the server's texts into perfspy's form. What is
argued to be different is a line `CLIENTS :: SIDE :: REGEX :: VERDICT :: REASON` of DIFFERENCES, for
the CLIENT whose name matches. The verdict is one of

    drop        the statement is not compared
    rows        its calls are, its rows are not
    as TEXT     what matched is read as that text (\\1 is the expression's group)

and the expression is about the normalised text, on the SIDE (server, perfspy, both). Lines apply
one after the other; each that was of use is added to USED. The server counts statements that worked, so from perfspy's calls those
that failed are taken off. Prints every statement that is not the same, and how many are.
"""
import json
import re
import subprocess
import sys


def normalised(program, texts):
    data = "".join(text + "\0" for text in texts).encode()
    out = subprocess.run([program], input=data, capture_output=True, check=True).stdout
    return out.decode().split("\0")[:-1]


class Differences:
    def __init__(self, path, client):
        self.used = set()
        self.lines = []
        with open(path, encoding="utf-8") as table:
            for line in table.read().splitlines():
                clients, side, regex, verdict, reason = line.split(" :: ")
                assert reason and verdict.split(" ")[0] in ("drop", "rows", "as"), line
                if not re.search(clients, client):
                    continue
                self.lines.append((line, side, re.compile(regex), verdict))

    def judge(self, side, text):
        """The text to compare under, None for not at all; and whether rows are compared."""
        rows = True
        for line, of, regex, verdict in self.lines:
            if of not in (side, "both") or not regex.search(text):
                continue
            self.used.add(line)
            if verdict == "drop":
                return None, False
            rows = rows and verdict != "rows"
            if verdict.startswith("as "):
                text = regex.sub(verdict[3:], text)
        return text, rows


def summed(side, counted, differences):
    """[calls, rows] of each text; rows is None where they are not compared."""
    sums = {}
    for text, calls, rows in counted:
        text, compare_rows = differences.judge(side, text)
        if text is None or calls == 0:
            continue
        entry = sums.setdefault(text, [0, 0])
        entry[0] += calls
        entry[1] = entry[1] + rows if compare_rows and entry[1] is not None else None
    return sums


def agree(one, other):
    if one is None or other is None:
        return False
    return one[0] == other[0] and (None in (one[1], other[1]) or one[1] == other[1])


def main():
    client, server_path, stats_path, table, program, used = sys.argv[1:]
    with open(server_path, encoding="utf-8") as f:
        server = json.load(f) or []
    with open(stats_path, encoding="utf-8") as f:
        stats = json.load(f)
    differences = Differences(table, client)
    texts = normalised(program, [s["query"] for s in server])
    theirs = summed("server", [(t, s["calls"], s["rows"]) for t, s in zip(texts, server)],
                    differences)
    ours = summed("perfspy", [(o["statement"] or o["operation"], o["calls"] - o["errors"], o["rows"])
                              for o in stats["operations"]
                              if not o["operation"].startswith("libpq.")], differences)
    wrong = [t for t in sorted(theirs.keys() | ours.keys()) if not agree(theirs.get(t), ours.get(t))]
    for text in wrong:
        print(f"server {theirs.get(text)}, perfspy {ours.get(text)}: {text}")
    with open(used, "a", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in sorted(differences.used))
    print(f"{len(theirs)} statements with {sum(c for c, _ in theirs.values())} calls on the server,"
          f" {len(ours)} with {sum(c for c, _ in ours.values())} in perfspy")
    return 1 if wrong or not theirs else 0


if __name__ == "__main__":
    sys.exit(main())
