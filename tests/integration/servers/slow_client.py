#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client that takes its time, or leaves.

    slow_client.py https|http PORT PATH SECONDS   reads the first byte, waits, then reads the rest;
                                                  prints the bytes sent and the bytes received
    slow_client.py https|http PORT PATH leave     reads the first byte and resets the connection
"""
import re
import socket
import ssl
import struct
import sys
import time


def connect(scheme, port):
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the server's buffers must fill
    plain.connect(("127.0.0.1", port))
    if scheme == "http":
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def read_all(sock, data):
    """Reads what is left of a response with a Content-Length that begins with DATA."""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head = data.index(b"\r\n\r\n") + 4
    length = int(re.search(rb"content-length: *(\d+)", data[:head], re.I).group(1))
    total = len(data)
    while total < head + length:
        piece = sock.recv(65536)
        if not piece:
            sys.exit("the server hung up")
        total += len(piece)
    return total


def main():
    scheme, port, path, what = sys.argv[1:]
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    sock = connect(scheme, int(port))
    sock.sendall(request)
    first = sock.recv(1)
    if what == "leave":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(sock.detach())
        return
    time.sleep(float(what))
    print(len(request), read_all(sock, first))


main()
