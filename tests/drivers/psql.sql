-- SPDX-License-Identifier: MIT
--
-- psql: variables, \copy, \gdesc, \gset, \gexec, \watch, cursors by FETCH_COUNT, savepoints by
-- ON_ERROR_ROLLBACK, several statements at once, errors, utility statements, \d.

\set n 3
\set name 'item 7'
\set col price
SELECT id, name FROM items WHERE id < :n ORDER BY id;
SELECT id, :"col" FROM items WHERE name = :'name';
select   id,NAME from /* the first again, but for its spelling */ Items where ID<5 order by id;
SELECT count(*) AS items FROM items WHERE id IN (1, 2, 3) \gset
\echo :items
SELECT count(*) AS items FROM items WHERE id IN (1, 2, 3, 4, 5) \gset
\echo :items
SELECT id, name, price FROM items WHERE id = 1 \gdesc
SELECT id, name FROM items WHERE id = 1 \g (format=unaligned)
SELECT format('SELECT %s + 1', i) FROM generate_series(1, 3) i \gexec
SELECT id, id % 3 AS third, name FROM items WHERE id < 7 \crosstabview id third name
SELECT 10 / (3 - nextval('steps')) AS q \watch 0.01
SELECT noisy('hello');
SELECT refill(5);
DO $$ BEGIN PERFORM count(*) FROM items; RAISE NOTICE 'done'; END $$;

-- Several statements in one message; one of them fails.
SELECT 1\; SELECT id FROM items WHERE id < 4 ORDER BY id\; UPDATE items SET price = 0 WHERE id = 2;
SELECT 2\; SELECT 1 / 0 AS bad\; SELECT 'never';
BEGIN\; INSERT INTO sink VALUES (100, 'a')\; COMMIT;
SELEC 1;
\errverbose

TRUNCATE sink;
\copy (SELECT id, name FROM items ORDER BY id) TO STDOUT
\copy (SELECT id FROM items WHERE id < 4 ORDER BY id) TO STDOUT WITH CSV HEADER
\copy sink FROM STDIN
11	eleven
12	twelve
\.
\copy sink FROM STDIN
not a number	broken
\.
COPY sink (id, note) FROM STDIN;
13	thirteen
\.
COPY sink TO STDOUT;

INSERT INTO sink VALUES (1, 'a'), (2, 'b'), (3, 'c') RETURNING id, note;
INSERT INTO items (id, name) VALUES (1, 'twice');
INSERT INTO items (id, name) VALUES (1, 'twice') ON CONFLICT (id) DO NOTHING;
WITH moved AS (DELETE FROM sink WHERE id < 3 RETURNING *) SELECT count(*) FROM moved;
UPDATE sink SET note = note || '!' WHERE id > 2;
MERGE INTO sink s USING (VALUES (3, 'm'), (4, 'n')) v(id, note) ON s.id = v.id
WHEN MATCHED THEN UPDATE SET note = v.note WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.note);
DELETE FROM sink WHERE id = 3;
CREATE TEMPORARY TABLE copy_of AS SELECT * FROM items WHERE id <= 10 ORDER BY id;
SELECT * INTO TEMPORARY copy_of_copy FROM copy_of ORDER BY id LIMIT 4;
CREATE TABLE items (id int);
VALUES (1, 'x'), (2, 'y');
TABLE pg_am ORDER BY amname LIMIT 1;
SELECT * FROM copy_of_copy ORDER BY id;
EXPLAIN (COSTS OFF) SELECT * FROM items WHERE id = 1;
SHOW standard_conforming_strings;
SET search_path = public;
RESET search_path;
ANALYZE items;
VACUUM items;
TRUNCATE sink;

\set FETCH_COUNT 10
SELECT id, name FROM items ORDER BY id;
SELECT 1 / (15 - id) AS fails FROM items ORDER BY id;
\unset FETCH_COUNT

\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO sink VALUES (1, 'kept');
INSERT INTO nowhere VALUES (1);
INSERT INTO sink VALUES (2, 'kept');
COMMIT;
\unset ON_ERROR_ROLLBACK
\set AUTOCOMMIT off
INSERT INTO sink VALUES (3, 'undone');
ROLLBACK;
\set AUTOCOMMIT on
BEGIN;
SELECT 1 / 0;
SELECT 'in a failed transaction';
COMMIT;

PREPARE by_id (int) AS SELECT id, name FROM items WHERE id = $1;
EXECUTE by_id (1);
EXECUTE by_id (2);
DEALLOCATE by_id;
EXECUTE by_id (3);
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM items ORDER BY id;
FETCH 3 FROM c;
FETCH FORWARD 4 FROM c;
MOVE BACKWARD ALL FROM c;
FETCH NEXT FROM c;
CLOSE c;
COMMIT;

LISTEN news;
NOTIFY news, 'headline';
SELECT pg_notify('news', 'more');
UNLISTEN *;

\encoding LATIN1
SELECT 'ä';
\encoding UTF8
\d items
\dt public.*
\df refill
\x on
SELECT * FROM items WHERE id = 3;
\connect
SELECT 'connected again';
