# SPDX-License-Identifier: MIT
"""psycopg 3: server-side binding, statements prepared by themselves, pipelines, COPY, asyncio.

Debian has the implementation on ctypes only, which finds libpq's functions by dlsym().
"""
import asyncio

import psycopg
from psycopg import pq, rows, sql


def attempt(what, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
        print(what, "worked")
    except psycopg.Error as e:
        print(what, type(e).__name__, e.sqlstate, str(e).strip())


def statements(conn):
    with conn.transaction():
        cursor = conn.execute("SELECT id, name FROM items WHERE id < %s ORDER BY id", (4,))
        print(cursor.fetchone(), cursor.fetchall(), cursor.rowcount)
        for i in range(8):  # prepared from the sixth on
            cursor.execute("SELECT name FROM items WHERE id = %s", (i,))
            print(cursor.fetchone())
        cursor.execute("SELECT name FROM items WHERE price > %s", (30,), prepare=True)
        print(cursor.fetchall())
        cursor.executemany("INSERT INTO sink VALUES (%s, %s)", [(i, str(i)) for i in range(6)])
        print(cursor.rowcount)
        cursor.executemany(
            "INSERT INTO sink VALUES (%s, %s) RETURNING id", [(i, None) for i in (7, 8)],
            returning=True)
        print(cursor.fetchall(), cursor.nextset(), cursor.fetchall())
        query = sql.SQL("SELECT {} FROM items WHERE id = ANY(%s)").format(sql.Identifier("name"))
        print(cursor.execute(query, ([1, 2, 3],)).fetchall())
        cursor.execute("SELECT 1; SELECT id FROM items WHERE id < 3")
        print(cursor.fetchall(), cursor.nextset(), cursor.fetchall())
        with conn.transaction():
            conn.execute("UPDATE sink SET note = 'savepoint'")
    dicts = conn.cursor(row_factory=rows.dict_row, binary=True)
    print(dicts.execute("SELECT id, price, tags FROM items WHERE id = %s", (3,)).fetchone())
    client = psycopg.ClientCursor(conn)
    print(client.execute("SELECT id FROM items WHERE id IN (%s, %s)", (1, 2)).fetchall())


def cursors(conn):
    with conn.transaction(), conn.cursor("walk") as cursor:
        cursor.execute("SELECT id FROM items WHERE id > %s ORDER BY id", (2,))
        cursor.itersize = 7
        print(sum(row[0] for row in cursor))
    print([row for row in conn.cursor().stream("SELECT id FROM items WHERE id < %s", (5,))])


def errors(conn):
    for text in ("SELECT 1 / 0", "SELEC", "SELECT * FROM nowhere",
                 "SELECT 1; SELECT 1 / 0; SELECT 2"):
        attempt(text, conn.execute, text)
    attempt("a parameter", conn.execute, "SELECT 1 / %s", (0,))
    with conn.transaction(force_rollback=True):
        attempt("a duplicate", conn.execute, "INSERT INTO items VALUES (%s, %s)", (1, "x"))
        attempt("after it", conn.execute, "SELECT 'in a failed transaction'")


def copies(conn):
    cursor = conn.cursor()
    with conn.transaction():
        with cursor.copy("COPY sink FROM STDIN") as copy:
            for i in range(900, 905):
                copy.write_row((i, f"copied {i}"))
        print(cursor.rowcount)
        with cursor.copy("COPY (SELECT id, note FROM sink WHERE id > 902) TO STDOUT") as copy:
            print([bytes(block) for block in copy])
        with cursor.copy("COPY items (id, name) TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "text"])
            print(len(list(copy.rows())))

    def broken():
        with cursor.copy("COPY sink FROM STDIN") as copy:
            copy.write("not a number\tx\n")

    attempt("a broken COPY", broken)


def pipelines(conn):
    with conn.pipeline() as pipeline, conn.cursor() as cursor, conn.cursor() as other:
        cursor.execute("SELECT id FROM items WHERE id < %s", (5,))
        other.execute("INSERT INTO sink VALUES (%s, %s)", (700, "piped"))
        pipeline.sync()
        print(cursor.fetchall(), other.rowcount)
        cursor.executemany("INSERT INTO sink VALUES (%s, 'many')", [(i,) for i in range(50)])
        other.execute("SELECT count(*) FROM sink WHERE note = %s", ("many",))
        print(other.fetchone(), cursor.rowcount)
    attempt("a broken pipeline", broken_pipeline, conn)


def broken_pipeline(conn):
    """The error comes last: the server sends it at once, so where it meets what is still being sent
    would be chance."""
    with conn.pipeline(), conn.cursor() as cursor:
        cursor.execute("SELECT 1 / %s", (1,))
        cursor.execute("SELECT 1 / %s", (0,))


def low_level():
    conn = pq.PGconn.connect(b"")
    print(pq.__impl__, pq.ExecStatus(conn.prepare(b"named", b"SELECT $1::int + 1").status).name)
    print(conn.exec_prepared(b"named", [b"41"]).get_value(0, 0))
    print(conn.describe_prepared(b"named").nparams)
    conn.enter_pipeline_mode()
    conn.send_query_params(b"SELECT $1::text", [b"low"])
    conn.send_query_prepared(b"named", [b"1"])
    conn.pipeline_sync()
    for _ in range(5):
        result = conn.get_result()
        print(result and (pq.ExecStatus(result.status).name, result.get_value(0, 0)))
    conn.exit_pipeline_mode()
    conn.finish()


async def asynchronous():
    async with await psycopg.AsyncConnection.connect("", autocommit=True) as conn:
        cursor = await conn.execute("SELECT name FROM items WHERE id = %s", (9,))
        print(await cursor.fetchone())
        async with conn.transaction(), conn.cursor("walk") as walk:
            await walk.execute("SELECT id FROM items")
            print(len([row async for row in walk]))
        async with conn.cursor() as cursor, cursor.copy("COPY sink FROM STDIN") as copy:
            await copy.write_row((800, "async"))
        async with conn.pipeline():
            cursors = [await conn.execute("SELECT %s::int", (i,)) for i in range(5)]
            print([await c.fetchone() for c in cursors])
        await conn.execute("LISTEN news")
        other = await psycopg.AsyncConnection.connect("", autocommit=True)
        await other.execute("SELECT pg_notify('news', 'headline')")
        async for notify in conn.notifies():
            print(notify.channel, notify.payload)
            break
        await other.execute("SELECT pg_advisory_lock(12)")
        waiting = asyncio.create_task(conn.execute("SELECT pg_advisory_lock(12)"))
        await other.execute("SELECT await_waiter(12)")
        conn.cancel()
        try:
            await waiting
        except psycopg.errors.QueryCanceled as e:
            print(e.sqlstate)
        await other.close()


with psycopg.connect("", autocommit=True) as connection:
    connection.add_notice_handler(lambda d: print("notice", d.message_primary))
    connection.execute("SELECT noisy('psycopg')")
    for part in statements, cursors, errors, copies, pipelines:
        print("--", part.__name__)
        part(connection)
low_level()
asyncio.run(asynchronous())
attempt("connecting", psycopg.connect, "dbname=no_such_database")
