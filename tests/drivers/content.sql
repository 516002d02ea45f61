-- SPDX-License-Identifier: MIT
--
-- The same content before every run.

TRUNCATE items, sink;
ALTER SEQUENCE steps RESTART;
INSERT INTO items
SELECT i, 'item ' || i, i * 1.25, ARRAY['t' || i % 3], jsonb_build_object('n', i)
FROM generate_series(1, 25) i;
ANALYZE items, sink;
UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0;
