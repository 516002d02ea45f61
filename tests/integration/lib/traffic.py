#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a client and a PostgreSQL server said to each other, from a trace.

    traffic.py same SOCKET TRACE TRACE    did they say the same in two runs?
    traffic.py count SOCKET TRACE STATS   was it as many operations of libpq's own, other than
                                          statements, as `perfspy-ctl stats --json` says?

Traces are those of `strace -f -y -xx -s 1000000 -e trace=%network`.

Of each connection to the server's SOCKET, the bytes of either direction are put together, whatever
the pieces in which they passed, and taken apart into messages of the protocol. What differs between
any two runs is blanked: process ids, cancel keys, and ids of temporary tables. A notification comes
when it comes, so those are compared apart from the rest. Connections are compared in no order,
since those of several threads have none. Says how much it compared, and ends with status 1, with
the first difference or all wrong counts on standard output, where anything is not the same.
"""
import collections
import json
import re
import struct
import sys

# A descriptor comes with what it is, which for a socket is its unique id: 3<socket:[291]>.
CALL = re.compile(r"^(\w+)\(\d+<([\\x0-9a-f]+)>, (.*)\) += (-?\d+)")
TEXT = re.compile(r'"([\\x0-9a-f]*)"(\.\.\.)?')
CANCEL_REQUEST = 80877102
# Large objects are functions that the server is asked to call.
COUNTED = ("connect", "cancel", "prepare", "describe", "function", "notify")
# DBD::Pg's names of prepared statements and psycopg2's of cursors hold the client's process id.
PROCESS_NAMES = re.compile(rb"(dbdpg_p|CUR_@_)\d+")


def whole_calls(path):
    """Lines of the trace, with calls that others interrupted put together again."""
    begun = {}
    with open(path, encoding="ascii") as trace:
        for line in trace:
            pid, _, call = line.rstrip("\n").partition(" ")
            call = call.lstrip()
            if call.endswith("<unfinished ...>"):
                begun[pid] = call.removesuffix("<unfinished ...>").rstrip()
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed> ?", call)
            if resumed:
                start = begun.pop(pid)
                call = start + (" " if start.endswith(",") else "") + call[resumed.end():]
            yield call


def payload(call, arguments, count):
    text = TEXT.search(arguments)
    if text is None or text.group(2):
        raise ValueError(f"{call} with payload that is not to be seen: {arguments[:80]}")
    return bytes.fromhex(text.group(1).replace("\\x", ""))[:count]


def streams(path, socket):
    """For each connection to SOCKET what was sent and what was received."""
    target = "".join(f"\\x{byte:02x}" for byte in socket.encode())
    found, connections = {}, []
    for line in whole_calls(path):
        match = CALL.match(line)
        if match is None:
            continue
        call, inode, arguments, result = match.groups()
        if call == "connect" and f'"{target}"' in arguments:
            found[inode] = (bytearray(), bytearray())
            connections.append(found[inode])
        elif inode in found and int(result) > 0 and call in ("sendto", "recvfrom"):
            found[inode][call == "recvfrom"].extend(payload(call, arguments, int(result)))
        elif inode in found and call.startswith(("send", "recv")) and int(result) > 0:
            raise ValueError(f"a call that libpq does not make: {call}")
    return connections


def messages(data, start):
    """(type, body) of each message; a client's first, the START, has no type."""
    found, at = [], 0
    while at < len(data):
        kind = "start" if start else chr(data[at])
        at += not start
        start = False
        (length,) = struct.unpack_from(">i", data, at)
        found.append((kind, bytes(data[at + 4:at + length])))
        at += length
    return found


def blank_columns(body):
    """A row description without the ids of the tables that the columns are from."""
    (count,) = struct.unpack_from(">h", body)
    at, out = 2, bytearray(body)
    for _ in range(count):
        at = body.index(b"\0", at) + 1
        out[at:at + 4] = bytes(4)
        at += 18
    return bytes(out)


def sent(data):
    found = []
    for kind, body in messages(data, True):
        if kind == "start" and struct.unpack_from(">i", body)[0] == CANCEL_REQUEST:
            body = b"cancel"
        found.append((kind, PROCESS_NAMES.sub(rb"\1PID", body)))
    return found


def received(data):
    """Messages of the server, and notifications by themselves."""
    found, notifications = [], []
    for kind, body in messages(data, False):
        if kind == "A":
            notifications.append((kind, body[4:]))
        else:
            body = b"key" if kind == "K" else blank_columns(body) if kind == "T" else body
            found.append((kind, PROCESS_NAMES.sub(rb"\1PID", body)))
    return found, notifications


def conversation(path, socket):
    found = []
    for to_server, to_client in streams(path, socket):
        said, notified = received(to_client)
        found.append({"sent": sent(to_server), "received": said, "notified": notified})
    return sorted(found, key=repr)


def first_difference(before, after):
    for number, (old, new) in enumerate(zip(before, after), 1):
        for part in old:
            pairs = list(zip(old[part] + [None] * len(new[part]), new[part] + [None] * len(old[part])))
            for place, (one, other) in enumerate(pairs):
                if one != other:
                    return f"connection {number}, {part} {place}:\n  {one}\n  {other}"
    return None


def same(socket, *paths):
    before, after = (conversation(path, socket) for path in paths)
    counts = [sum(len(c[part]) for c in before) for part in ("sent", "received", "notified")]
    print(f"{len(before)} connections to {socket}, {counts[0]} messages sent, {counts[1]} received,"
          f" {counts[2]} notifications")
    if len(before) != len(after):
        print(f"but {len(after)} connections in the second run")
    elif before != after:
        print(first_difference(before, after))
    return before == after and counts[0] > 0


def operation(before, message, after):
    """What of libpq's own a message to the server is, if anything, between messages of two kinds."""
    kind, body = message
    unnamed = body[:1] == b"\0"
    if kind == "start":
        return "cancel" if body == b"cancel" else "connect"
    if kind == "P" and not (unnamed and after == "B"):
        return "prepare"
    if kind == "D" and before != "B":
        return "describe"
    return "function" if kind == "F" else None


def count(socket, trace, stats):
    wanted = collections.Counter()
    for connection in conversation(trace, socket):
        said = connection["sent"]
        kinds = [None] + [kind for kind, _ in said] + [None]
        wanted.update(map(operation, kinds, said, kinds[2:]))
        wanted["notify"] += len(connection["notified"])
    del wanted[None]
    found = collections.Counter()
    with open(stats, encoding="utf-8") as f:
        for entry in json.load(f)["operations"]:
            name = entry["operation"].removeprefix("libpq.")
            if name.startswith("lo_"):
                name = "function"
            if name in COUNTED:
                found[name] += entry["calls"] + entry["aborted"]
    for name in COUNTED:
        print(f"{name}: {wanted[name]} in the trace, {found[name]} in perfspy")
    return all(wanted[name] == found[name] for name in COUNTED)


def main():
    command = {"same": same, "count": count}[sys.argv[1]]
    return 0 if command(*sys.argv[2:]) else 1


if __name__ == "__main__":
    sys.exit(main())
