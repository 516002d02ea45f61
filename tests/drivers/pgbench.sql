-- SPDX-License-Identifier: MIT
--
-- pgbench: a transaction whose results do not depend on what other clients do meanwhile.
\set a random(1, 20)
\set b random(21, 25)
BEGIN;
SELECT name, price FROM items WHERE id = :a;
SELECT count(*) AS n FROM items WHERE id BETWEEN :a AND :b \gset
\if :n > 10
INSERT INTO sink VALUES (:client_id, 'many');
\else
INSERT INTO sink VALUES (:client_id, 'few');
\endif
SELECT max(id) AS top FROM items WHERE id < 3 \aset
END;
