-- SPDX-License-Identifier: MIT
-- Each answer is looked at: a wrong one divides by zero, which ends the client. And each transaction
-- is counted by the server.
\set x random(1, 1000000)
SELECT :x::int + :client_id::int AS y \gset
\set right case when :y = :x + :client_id then 1 else 0 end
\set looked 1 / :right
UPDATE pulse SET n = n + 1 WHERE client = :client_id;
