<?php
// SPDX-License-Identifier: MIT
//
// PDO's pgsql driver, which PHP loads with RTLD_DEEPBIND: prepared on the server, emulated, and by
// PQexecParams; COPY, large objects, transactions, notifications.

function show(...$values)
{
    echo json_encode($values), "\n";
}

function attempt($what, $function)
{
    try {
        show($what, $function());
    } catch (PDOException $e) {
        show($what, $e->getCode(), $e->getMessage());
    }
}

$options = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_NUM];
$dsn = 'pgsql:dbname=' . getenv('PGDATABASE');
$db = new PDO($dsn, null, null, $options);
$other = new PDO($dsn, null, null, $options);

echo "-- statements\n";
show($db->query('SELECT id, name FROM items WHERE id < 4 ORDER BY id')->fetchAll());
$statement = $db->prepare('SELECT name FROM items WHERE id = ?');
foreach ([1, 2, 3] as $id) {
    $statement->execute([$id]);
    show($statement->fetchAll());
}
$statement = $db->prepare('SELECT name FROM items WHERE id = :id', [PDO::ATTR_EMULATE_PREPARES => true]);
foreach ([4, 5] as $id) {
    $statement->bindValue(':id', $id, PDO::PARAM_INT);
    $statement->execute();
    show($statement->fetchColumn());
}
$statement = $db->prepare('SELECT name FROM items WHERE id > :id', [PDO::PGSQL_ATTR_DISABLE_PREPARES => true]);
$statement->execute(['id' => 23]);
show($statement->rowCount(), $statement->fetchAll());
show($db->exec("INSERT INTO sink VALUES (1, 'a'), (2, 'b')"));
show($db->exec("UPDATE sink SET note = 'c'"));
$walk = $db->prepare('SELECT id FROM items ORDER BY id', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
$db->beginTransaction();
$walk->execute();
show($walk->fetch(), $walk->fetch(), $walk->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_LAST));
$walk = null;
$db->commit();
$db->beginTransaction();
$db->exec('DELETE FROM sink');
$db->rollBack();
show($db->query('SELECT count(*) FROM sink')->fetchColumn(), $db->inTransaction());
show($db->query('SELECT noisy(\'pdo\')')->fetchColumn());

echo "-- errors\n";
attempt('division', fn () => $db->query('SELECT 1 / 0'));
attempt('syntax', fn () => $db->exec('SELEC'));
attempt('parameter', fn () => $db->prepare('SELECT 1 / ?::int')->execute([0]));
attempt('duplicate', fn () => $db->prepare('INSERT INTO items VALUES (?, ?)')->execute([1, 'x']));
attempt('several', fn () => $db->exec('SELECT 1; SELECT 1 / 0; SELECT 2'));

echo "-- copy\n";
show($db->pgsqlCopyFromArray('sink', ["10\tten", "11\televen"]));
show($db->pgsqlCopyToArray('(SELECT id FROM sink ORDER BY id)'));
attempt('broken', fn () => $db->pgsqlCopyFromArray('sink', ['x']));

echo "-- others\n";
$db->exec('LISTEN news');
$other->exec("NOTIFY news, 'headline'");
$notify = $db->pgsqlGetNotify(PDO::FETCH_ASSOC, 10000);
show($notify['message'], $notify['payload']);
$db->beginTransaction();
$object = $db->query('SELECT lo_create(444444)')->fetchColumn();
$stream = $db->pgsqlLOBOpen($object, 'w');
show(fwrite($stream, 'large object'));
fclose($stream);
show(stream_get_contents($db->pgsqlLOBOpen($object, 'r')), $db->pgsqlLOBUnlink($object));
$db->rollBack();
show($db->getAttribute(PDO::ATTR_SERVER_VERSION) !== '', $db->query('SELECT 1')->getColumnMeta(0)['native_type']);
attempt('connecting', fn () => new PDO('pgsql:dbname=no_such_database'));
