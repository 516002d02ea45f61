#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands before a PostgreSQL that has a Unix socket only, as one that insists on TLS.

    tlsproxy.py KEY CERTIFICATE SOCKET   says "listening on 127.0.0.1:PORT"; until it is killed
"""
import socket
import ssl
import struct
import sys
import threading

SSL_REQUEST = 80877103


def relay(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, context, path):
    """Both ways in a thread each, the server's last words being read before the client's end."""
    request = client.recv(8, socket.MSG_WAITALL)
    if struct.unpack("!II", request) != (8, SSL_REQUEST):
        client.close()
        return
    client.sendall(b"S")
    client = context.wrap_socket(client, server_side=True)
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    threading.Thread(target=relay, args=(client, server), daemon=True).start()
    relay(server, client)


def main():
    key, certificate, path = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, context, path), daemon=True).start()


main()
