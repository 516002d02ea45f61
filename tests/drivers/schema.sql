-- SPDX-License-Identifier: MIT
--
-- What the drivers' scripts work on. Made once, so that object ids are the same in every run;
-- content.sql puts the content back before each.

CREATE TABLE items (
    id int PRIMARY KEY,
    name text NOT NULL,
    price numeric(8, 2),
    tags text[],
    data jsonb
);
CREATE TABLE sink (id int, note text);
CREATE SEQUENCE steps;

CREATE FUNCTION noisy(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'noisy: %', $1;
    RETURN upper($1);
END $$;

-- Statements inside a function are the function's: the client sent one.
CREATE FUNCTION refill(rows int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM sink;
    INSERT INTO sink SELECT i, 'row ' || i FROM generate_series(1, rows) i;
    RETURN (SELECT count(*) FROM sink);
END $$;

-- Returns when a session of this database waits for the advisory lock: whoever cancels that session
-- then knows that it is executing.
CREATE FUNCTION await_waiter(lock bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                      AND (classid::bigint << 32) + objid::bigint = lock
                      AND database = (SELECT oid FROM pg_database
                                      WHERE datname = current_database())) LOOP
        PERFORM pg_sleep(0.002);
    END LOOP;
END $$;
