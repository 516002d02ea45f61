<?php
// SPDX-License-Identifier: MIT
//
// PHP's pgsql extension, which PHP loads with RTLD_DEEPBIND.

function show(...$values)
{
    echo json_encode($values), "\n";
}

$db = pg_connect('');
$other = pg_connect('', PGSQL_CONNECT_FORCE_NEW);

echo "-- statements\n";
show(pg_fetch_all(pg_query($db, 'SELECT id, name FROM items WHERE id < 4 ORDER BY id')));
show(pg_fetch_row(pg_query_params($db, 'SELECT name FROM items WHERE id = $1', [5])));
pg_prepare($db, 'by_id', 'SELECT name FROM items WHERE id = $1');
for ($i = 1; $i <= 3; $i++) {
    show(pg_fetch_result(pg_execute($db, 'by_id', [$i]), 0, 0));
}
show(pg_fetch_all(pg_query($db, 'SELECT 1; SELECT 2 + 2 AS sum')));
show(pg_affected_rows(pg_query($db, "INSERT INTO sink VALUES (1, 'a'), (2, 'b')")));
show(pg_insert($db, 'sink', ['id' => 3, 'note' => 'inserted']) !== false);
show(pg_update($db, 'sink', ['note' => 'updated'], ['id' => 3]));
show(pg_select($db, 'sink', ['id' => 3]));
show(pg_delete($db, 'sink', ['id' => 3]));
pg_query($db, "SELECT noisy('php')");
show(pg_last_notice($db));

echo "-- errors\n";
foreach (['SELECT 1 / 0', 'SELEC', 'SELECT 1; SELECT 1 / 0; SELECT 2'] as $text) {
    show(@pg_query($db, $text), pg_last_error($db));
}
show(@pg_query_params($db, 'SELECT 1 / $1::int', [0]), pg_last_error($db));
show(@pg_execute($db, 'unknown', []), pg_last_error($db));
pg_query($db, 'BEGIN');
show(@pg_query($db, "INSERT INTO items VALUES (1, 'x')"), pg_transaction_status($db));
pg_query($db, 'ROLLBACK');

echo "-- copy\n";
show(pg_copy_from($db, 'sink', ["10\tten\n", "11\televen\n"]));
show(count(pg_copy_to($db, 'items')));
pg_query($db, 'COPY sink FROM STDIN');
pg_put_line($db, "12\ttwelve\n");
pg_put_line($db, "\\.\n");
show(pg_end_copy($db));

echo "-- asynchronous\n";
show(pg_send_query($db, 'SELECT id FROM items WHERE id < 3 ORDER BY id; SELECT 7'));
while ($result = pg_get_result($db)) {
    show(pg_fetch_all($result));
}
pg_send_query_params($db, 'SELECT name FROM items WHERE id = $1', [6]);
show(pg_fetch_row(pg_get_result($db)), pg_get_result($db));
pg_send_prepare($db, 'sent', 'SELECT $1::int + 1');
show(pg_result_status(pg_get_result($db)), pg_get_result($db));
pg_send_execute($db, 'sent', [1]);
show(pg_fetch_row(pg_get_result($db)), pg_get_result($db));
pg_query($other, 'SELECT pg_advisory_lock(15)');
pg_send_query($db, 'SELECT pg_advisory_lock(15)');
pg_query($other, 'SELECT await_waiter(15)');
show(pg_cancel_query($db), pg_transaction_status($db));

echo "-- others\n";
pg_query($db, 'LISTEN news');
pg_query($other, "NOTIFY news, 'headline'");
pg_query($db, "SELECT 'whatever brings it'");
$notify = pg_get_notify($db);
show($notify['message'], $notify['payload']);
pg_query($db, 'BEGIN');
$object = pg_lo_create($db, 434343);
$handle = pg_lo_open($db, $object, 'w+');
show(pg_lo_write($handle, 'large object'), pg_lo_seek($handle, 6, PGSQL_SEEK_SET), pg_lo_read($handle, 6));
show(pg_lo_tell($handle), pg_lo_close($handle), pg_lo_unlink($db, $object));
pg_query($db, 'COMMIT');
show(array_keys(pg_meta_data($db, 'items')));
show(pg_set_client_encoding($db, 'LATIN1'), pg_client_encoding($db));
show(pg_ping($db), pg_connection_reset($other));
show(pg_fetch_result(pg_query($other, "SELECT 'after a reset'"), 0, 0));
$start = pg_connect('', PGSQL_CONNECT_FORCE_NEW | PGSQL_CONNECT_ASYNC);
while (($state = pg_connect_poll($start)) !== PGSQL_POLLING_OK) {
    $read = $write = [pg_socket($start)];
    $none = null;
    $state === PGSQL_POLLING_READING ? $write = null : $read = null;
    stream_select($read, $write, $none, null);
}
show(pg_fetch_result(pg_query($start, "SELECT 'connected asynchronously'"), 0, 0));
show(@pg_connect('dbname=no_such_database'));
