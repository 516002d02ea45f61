# SPDX-License-Identifier: MIT
"""Items by psycopg2, one connection a thread: for WSGI, and for ASGI with a pool of threads."""
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import psycopg2

local = threading.local()
pool = ThreadPoolExecutor(4)


def answer(query):
    n = int(parse_qs(query)["n"][0])
    if not hasattr(local, "connection"):
        local.connection = psycopg2.connect("")
        local.connection.autocommit = True
    with local.connection.cursor() as cursor:
        cursor.execute("SELECT name FROM live WHERE id = %s", (n % 100,))
        return f"{n} {cursor.fetchone()[0]}\n".encode()


def wsgi(environ, start_response):
    body = answer(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    query = scope["query_string"].decode()
    body = await asyncio.get_running_loop().run_in_executor(pool, answer, query)
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
