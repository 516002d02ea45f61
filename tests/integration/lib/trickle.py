#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client that never finishes: sends a byte of a request now and then.

    trickle.py HOST PORT CLIENTS SECONDS REPORT

Opens CLIENTS connections and writes `open` to REPORT; then sends a byte a second on each until all
have been closed by the other side or SECONDS are over. Writes how many are still open at the end.
"""
import select
import socket
import sys
import time

REQUEST = b"GET /performance/health HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * 1000


def report(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def is_closed(client):
    try:
        return bool(select.select([client], [], [], 0)[0]) and client.recv(4096) == b""
    except OSError:
        return True


def main():
    host, port, count, seconds, path = sys.argv[1:]
    clients = [socket.create_connection((host, int(port))) for _ in range(int(count))]
    report(path, "open")
    end = time.monotonic() + float(seconds)
    sent = 0
    while clients and time.monotonic() < end:
        for client in clients:
            try:
                client.send(REQUEST[sent:sent + 1])
            except OSError:
                pass
        sent += 1
        time.sleep(1)
        clients = [client for client in clients if not is_closed(client)]
    report(path, f"{len(clients)} after {sent} s")


main()
