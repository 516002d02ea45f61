# SPDX-License-Identifier: MIT
#
# DBD::Pg: server-side prepared statements, placeholders in three spellings, asynchronous queries,
# COPY, savepoints, large objects.
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:async :pg_types);

$| = 1;
my $dbh = DBI->connect('dbi:Pg:', '', '', {RaiseError => 0, PrintError => 0, AutoCommit => 1});

sub show {
    print join(' ', map { defined $_ ? ref $_ ? '[' . join(',', map { $_ // 'undef' } @$_) . ']' : $_ : 'undef' } @_), "\n";
}

sub failed {
    my ($what) = @_;
    show($what, $dbh->state, $dbh->errstr);
}

# ---- placeholders --------------------------------------------------------------------------------
my $sth = $dbh->prepare('SELECT id, name FROM items WHERE id < ? ORDER BY id');
for my $limit (2, 3, 4) {
    $sth->execute($limit);
    show($sth->rows, map { @$_ } @{$sth->fetchall_arrayref});
}
$sth = $dbh->prepare('SELECT name FROM items WHERE id = $1 OR id = $2');
$sth->execute(1, 20);
show(@$_) while $_ = $sth->fetch;
$sth = $dbh->prepare('SELECT name FROM items WHERE id = :id');
$sth->bind_param(':id', 5, {pg_type => PG_INT4});
$sth->execute;
show($sth->fetchrow_array);
$sth = $dbh->prepare('SELECT name FROM items WHERE id = ?', {pg_server_prepare => 0});
for (6, 7) {
    $sth->execute($_);
    show($sth->fetchrow_array);
}
show(@{$dbh->selectcol_arrayref('SELECT id FROM items WHERE id > ? ORDER BY id', {}, 20)});
show($dbh->selectrow_array('SELECT tags, price FROM items WHERE id = 2'));

# ---- do ------------------------------------------------------------------------------------------
show($dbh->do('INSERT INTO sink VALUES (1, \'one\'), (2, \'two\')'));
show($dbh->do('UPDATE sink SET note = ? WHERE id = ?', undef, 'zwei', 2));
show($dbh->do('DELETE FROM sink WHERE id > 100'));
show($dbh->do('SELECT 1; SELECT 2'));
local $SIG{__WARN__} = sub { print 'warning ', @_ };
$dbh->do('SELECT noisy(\'perl\')');
$sth = $dbh->prepare('INSERT INTO sink VALUES (?, ?)');
my @status;
show($sth->execute_array({ArrayTupleStatus => \@status}, [10 .. 14], 'array'), @status);

# ---- errors --------------------------------------------------------------------------------------
$dbh->do('SELECT 1 / 0') or failed('do');
$dbh->prepare('SELEC')->execute or failed('prepare');
$dbh->prepare('SELECT 1 / ?::int')->execute(0) or failed('execute');
$dbh->begin_work;
$dbh->do('INSERT INTO items VALUES (1, \'x\')') or failed('duplicate');
$dbh->do('SELECT 1') or failed('after it');
$dbh->rollback;

# ---- transactions --------------------------------------------------------------------------------
$dbh->{AutoCommit} = 0;
$dbh->do('INSERT INTO sink VALUES (20, \'kept\')');
$dbh->pg_savepoint('here');
$dbh->do('INSERT INTO sink VALUES (21, \'undone\')');
$dbh->pg_rollback_to('here');
$dbh->pg_release('here');
$dbh->commit;
$dbh->do('DELETE FROM sink');
$dbh->rollback;
$dbh->{AutoCommit} = 1;
show($dbh->ping, $dbh->selectrow_array('SELECT count(*) FROM sink'));

# ---- COPY ----------------------------------------------------------------------------------------
$dbh->do('COPY sink FROM STDIN');
$dbh->pg_putcopydata("$_\tcopied\n") for 30 .. 39;
show($dbh->pg_putcopyend);
$dbh->do('COPY (SELECT id FROM sink WHERE id > 30 ORDER BY id) TO STDOUT');
my $line;
print $line while $dbh->pg_getcopydata($line) >= 0;
$dbh->do('COPY sink FROM STDIN');
$dbh->pg_putcopydata("broken\n");
show($dbh->pg_putcopyend // 'undef');
failed('a broken COPY');

# ---- asynchronous --------------------------------------------------------------------------------
$dbh->do('SELECT count(*) FROM items', {pg_async => PG_ASYNC});
show($dbh->pg_result);
$sth = $dbh->prepare('SELECT id FROM items WHERE id < ? ORDER BY id', {pg_async => PG_ASYNC});
$sth->execute(4);
show($dbh->pg_result, map { @$_ } @{$sth->fetchall_arrayref});
$dbh->do('SELECT 1 / 0', {pg_async => PG_ASYNC});
$dbh->pg_result or failed('asynchronous');
my $locker = DBI->connect('dbi:Pg:', '', '', {PrintError => 0});
$locker->do('SELECT pg_advisory_lock(13)');
$dbh->do('SELECT pg_advisory_lock(13)', {pg_async => PG_ASYNC});
$locker->do('SELECT await_waiter(13)');
show('cancelled', $dbh->pg_cancel);
$dbh->do('SELECT 1 + 1', {pg_async => PG_ASYNC});
show($dbh->do('SELECT 2 + 2', {pg_async => PG_OLDQUERY_WAIT}));

# ---- others --------------------------------------------------------------------------------------
$dbh->do('LISTEN news');
$locker->do('NOTIFY news, \'headline\'');
$dbh->do('SELECT \'whatever brings it\'');
my $notify = $dbh->pg_notifies;
show($notify->[0], $notify->[2]);
show(map { $_->{TABLE_NAME} } @{$dbh->table_info('', 'public', 'items')->fetchall_arrayref({})});
show(sort { $a cmp $b } map { $_->{COLUMN_NAME} }
        @{$dbh->column_info('', 'public', 'items', '%')->fetchall_arrayref({})});
$dbh->begin_work;
my $object = $dbh->selectrow_array('SELECT lo_create(454545)');
my $fd = $dbh->pg_lo_open($object, $dbh->{pg_INV_WRITE} | $dbh->{pg_INV_READ});
show($dbh->pg_lo_write($fd, 'large object', 12), $dbh->pg_lo_lseek($fd, 6, 0));
my $read = '';
show($dbh->pg_lo_read($fd, $read, 6), $read, $dbh->pg_lo_tell($fd), $dbh->pg_lo_close($fd));
$dbh->rollback;
my $clone = $dbh->clone;
show($clone->selectrow_array('SELECT \'cloned\''));
$_->disconnect for $clone, $locker, $dbh;
DBI->connect('dbi:Pg:dbname=no_such_database', '', '', {PrintError => 0}) or show($DBI::errstr);
