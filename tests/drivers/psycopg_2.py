# SPDX-License-Identifier: MIT
"""psycopg2: client-side binding over PQexec, named cursors, COPY, asynchronous connections."""
import io
import select
import uuid

import psycopg2
import psycopg2.extensions
import psycopg2.extras


def attempt(what, function, *args):
    try:
        function(*args)
        print(what, "worked")
    except psycopg2.Error as e:
        print(what, type(e).__name__, e.pgcode, str(e).strip())


def wait(conn):
    while True:
        state = conn.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        if state == psycopg2.extensions.POLL_READ:
            select.select([conn], [], [])
        else:
            select.select([], [conn], [])


def statements(conn):
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT id, name FROM items WHERE id < %s ORDER BY id", (4,))
        print(cursor.fetchone(), cursor.fetchmany(1), cursor.fetchall(), cursor.rowcount)
        cursor.execute("SELECT id, tags, data, price FROM items WHERE id = %(id)s", {"id": 2})
        print(cursor.fetchall(), [d.name for d in cursor.description])
        cursor.executemany("INSERT INTO sink VALUES (%s, %s)", [(i, f"n'{i}") for i in range(7)])
        print(cursor.rowcount, cursor.statusmessage)
        psycopg2.extras.execute_values(
            cursor, "INSERT INTO sink VALUES %s RETURNING id", [(i, None) for i in range(250)])
        psycopg2.extras.execute_batch(
            cursor, "UPDATE sink SET note = %s WHERE id = %s", [("b", i) for i in range(5)],
            page_size=2)
        cursor.callproc("noisy", ["psycopg2"])
        print(cursor.fetchone(), conn.notices)
        cursor.execute("SELECT %s, %s", (psycopg2.Binary(b"\0\xff"), [1, 2, 3]))
        print(bytes(cursor.fetchone()[0]))
    with conn, conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute("SELECT 1; SELECT id FROM items WHERE id IN %s", ((1, 2, 30),))
        print(cursor.fetchall())


def named_cursors(conn):
    with conn, conn.cursor("walk") as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT id FROM items ORDER BY id")
        print(sum(row[0] for row in cursor))
    with conn, conn.cursor("scroll", scrollable=True) as cursor:
        cursor.execute("SELECT id FROM items ORDER BY id")
        cursor.scroll(5)
        print(cursor.fetchmany(3))
        cursor.scroll(0, mode="absolute")
        print(cursor.fetchone())


def errors(conn):
    for text in ("SELECT 1 / 0", "SELEC", "SELECT * FROM nowhere", "INSERT INTO items VALUES (1, 'x')",
                 "SELECT 1; SELECT 1 / 0; SELECT 2"):
        with conn.cursor() as cursor:
            attempt(text, cursor.execute, text)
            attempt("after it", cursor.execute, "SELECT 'in a failed transaction'")
        conn.rollback()


def copies(conn):
    with conn, conn.cursor() as cursor:
        cursor.copy_expert("COPY sink FROM STDIN WITH CSV", io.StringIO("900,x\n901,y\n902,z\n"))
        print(cursor.rowcount)
        cursor.copy_from(io.StringIO("903\tq\n904\tr\n"), "sink")
        out = io.StringIO()
        cursor.copy_expert("COPY (SELECT id, note FROM sink WHERE id > 900 ORDER BY id) TO STDOUT", out)
        print(repr(out.getvalue()), cursor.rowcount)
        cursor.copy_to(out, "items", columns=("id",))
        print(len(out.getvalue()))
    with conn.cursor() as cursor:
        attempt("a broken COPY", cursor.copy_expert, "COPY sink FROM STDIN", io.StringIO("x\ty\n"))
    conn.rollback()


def transactions(conn):
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sink")
        print(cursor.fetchone())
        cursor.execute("SET statement_timeout = 0")
    conn.autocommit = False
    conn.set_session(isolation_level="SERIALIZABLE", readonly=True)
    with conn.cursor() as cursor:
        attempt("writing", cursor.execute, "DELETE FROM sink")
    conn.rollback()
    conn.set_session(isolation_level="DEFAULT", readonly=False)
    conn.tpc_begin(conn.xid(1, "perf", "spy"))
    attempt("two phases", conn.tpc_prepare)
    conn.tpc_rollback()
    conn.set_client_encoding("LATIN1")
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT %s", ("\xe4",))
        print(cursor.fetchone())
    conn.set_client_encoding("UTF8")


def large_objects(conn):
    with conn:
        made = conn.lobject(0, "wb", 424242)
        print(made.write(b"large " * 1000))
        made.close()
        opened = conn.lobject(424242, "rwb")
        opened.seek(6)
        print(opened.read(11), opened.tell())
        opened.truncate(10)
        opened.unlink()


def notifications(conn, other):
    conn.autocommit = other.autocommit = True
    with conn.cursor() as cursor, other.cursor() as sender:
        cursor.execute("LISTEN news")
        for i in range(3):
            sender.execute("NOTIFY news, %s", (f"headline {i}",))
        while len(conn.notifies) < 3:
            select.select([conn], [], [])
            conn.poll()
        print([(n.channel, n.payload) for n in conn.notifies])


def asynchronous(other):
    conn = psycopg2.connect("", async_=True)
    wait(conn)
    with conn.cursor() as cursor:
        for i in range(3):
            cursor.execute("SELECT id FROM items WHERE id > %s ORDER BY id", (i * 10,))
            wait(conn)
            print(cursor.fetchmany(2))
        cursor.execute("SELECT 1 / %s", (0,))
        attempt("a bad one", wait, conn)
        with other.cursor() as locker:
            locker.execute("SELECT pg_advisory_lock(11)")
            cursor.execute("SELECT pg_advisory_lock(11)")
            locker.execute("SELECT await_waiter(11)")
            conn.cancel()
            attempt("cancelled", wait, conn)
            locker.execute("SELECT pg_advisory_unlock(11)")
    conn.close()


connection, second = psycopg2.connect(""), psycopg2.connect("")
psycopg2.extras.register_uuid(conn_or_curs=connection)
with connection, connection.cursor() as c:
    c.execute("SELECT %s", (uuid.UUID(int=5),))
    print(c.fetchone())
for part in statements, named_cursors, errors, copies, transactions, large_objects:
    print("--", part.__name__)
    part(connection)
notifications(connection, second)
asynchronous(second)
attempt("connecting", psycopg2.connect, "dbname=no_such_database")
connection.close()
second.close()
