<?php
// SPDX-License-Identifier: MIT
// Items by pgsql and by PDO, in turn, over connections that last.
$n = (int) ($_GET['n'] ?? 0);
if ($n % 2) {
    $result = pg_query_params(pg_pconnect(''), 'SELECT name FROM live WHERE id = $1', [$n % 100]);
    $name = pg_fetch_result($result, 0, 0);
} else {
    $pdo = new PDO('pgsql:', null, null, [PDO::ATTR_PERSISTENT => true]);
    $statement = $pdo->prepare('SELECT name FROM live WHERE id = ?');
    $statement->execute([$n % 100]);
    $name = $statement->fetchColumn();
}
$body = "$n $name\n";
header('Content-Length: ' . strlen($body));
echo $body;
return true;
