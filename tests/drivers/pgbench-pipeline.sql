-- SPDX-License-Identifier: MIT
--
-- pgbench: the same in a pipeline.
\set a random(1, 20)
\startpipeline
BEGIN;
SELECT name, price FROM items WHERE id = :a;
SELECT id FROM items WHERE id < :a;
INSERT INTO sink VALUES (:client_id, 'piped');
END;
\endpipeline
SELECT count(*) FROM items;
