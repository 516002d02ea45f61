# SPDX-License-Identifier: MIT
"""The test's answers as a WSGI application. /stream is chunked, or ends with the connection."""

HELLO = b"hello"
LARGE = 8 * 1024 * 1024
PIECE = b"x" * 65536


def answer(path, body):
    if path == "/hello":
        return "200 OK", len(HELLO), [HELLO]
    if path == "/large":
        return "200 OK", LARGE, (PIECE for _ in range(LARGE // len(PIECE)))
    if path == "/stream":
        return "200 OK", None, (PIECE for _ in range(3))
    if path == "/echo":
        return "200 OK", len(body), [body]
    return "404 Not Found", 0, []


def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    status, length, pieces = answer(environ["PATH_INFO"], body)
    start_response(status, [] if length is None else [("Content-Length", str(length))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else pieces
