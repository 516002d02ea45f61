# SPDX-License-Identifier: MIT
#
# ruby-pg, which runs everything by libpq's asynchronous calls: exec, exec_params, prepared
# statements, single rows, COPY, pipelines, cancelling, and the sync_ family beside it.
require 'pg'

$stdout.sync = true

def attempt(what)
  puts "#{what} worked #{yield.inspect}"
rescue PG::Error => e
  state = e.respond_to?(:result) && e.result&.error_field(PG::PG_DIAG_SQLSTATE)
  puts "#{what} #{e.class} #{state} #{e.message.strip}"
end

conn = PG.connect
other = PG.connect
conn.set_notice_processor { |text| puts "notice #{text.strip}" }

puts '-- statements'
p conn.exec('SELECT id, name FROM items WHERE id < 4 ORDER BY id').values
p conn.exec_params('SELECT name FROM items WHERE id = $1', [5]).values
p conn.exec('SELECT 1; SELECT 2 + 2 AS sum').to_a
p conn.exec('').result_status
conn.prepare('by_id', 'SELECT name FROM items WHERE id = $1')
3.times { |i| p conn.exec_prepared('by_id', [i + 1]).getvalue(0, 0) }
p conn.describe_prepared('by_id').nparams
p conn.exec('INSERT INTO sink VALUES (1, \'a\'), (2, \'b\') RETURNING id').cmd_tuples
conn.exec('SELECT noisy(\'ruby\')')
p conn.async_exec('SELECT count(*) FROM items').getvalue(0, 0)
p conn.sync_exec('SELECT count(*) FROM sink').getvalue(0, 0)
p conn.sync_exec_params('SELECT $1::int * 2', [21]).getvalue(0, 0)
conn.sync_prepare('sync', 'SELECT $1::text')
p conn.sync_exec_prepared('sync', ['x']).getvalue(0, 0)
conn.transaction do |c|
  c.exec('INSERT INTO sink VALUES (3, \'c\')')
  c.exec('DECLARE walk CURSOR FOR SELECT id FROM items ORDER BY id')
  p c.exec('FETCH 4 FROM walk').column_values(0)
end
attempt('a rolled back transaction') { conn.transaction { |c| c.exec('SELECT 1 / 0') } }

puts '-- errors'
attempt('division') { conn.exec('SELECT 1 / 0') }
attempt('syntax') { conn.exec('SELEC') }
attempt('parameter') { conn.exec_params('SELECT 1 / $1::int', [0]) }
attempt('unknown') { conn.exec_prepared('unknown') }
attempt('prepare') { conn.prepare('bad', 'SELECT * FROM nowhere') }
attempt('duplicate') { conn.exec_params('INSERT INTO items VALUES ($1, $2)', [1, 'x']) }

puts '-- single rows'
conn.send_query('SELECT id FROM items ORDER BY id')
conn.set_single_row_mode
p conn.get_result.stream_each_row.sum { |row| row[0].to_i }, conn.get_result
conn.send_query_params('SELECT id, name FROM items WHERE id > $1 ORDER BY id', [22])
conn.set_single_row_mode
while (result = conn.get_result)
  p [result.res_status(result.result_status), result.values]
end

puts '-- copy'
conn.copy_data('COPY sink FROM STDIN') { 5.times { |i| conn.put_copy_data("#{i}\trow\n") } }
conn.copy_data('COPY sink FROM STDIN CSV', PG::TextEncoder::CopyRow.new) { }
conn.copy_data('COPY (SELECT id FROM items WHERE id < 5 ORDER BY id) TO STDOUT') do
  while (row = conn.get_copy_data)
    p row
  end
end
attempt('broken') { conn.copy_data('COPY sink FROM STDIN') { conn.put_copy_data("x\n") } }

puts '-- pipeline'
conn.enter_pipeline_mode
conn.send_query_params('SELECT id FROM items WHERE id < $1', [3])
conn.send_query_prepared('by_id', [9])
conn.send_query_params('INSERT INTO sink VALUES ($1, $2)', [50, 'piped'])
conn.pipeline_sync
conn.send_query_params('SELECT 1 / $1::int', [0])
conn.send_query_params('SELECT 3', [])
conn.send_prepare('piped', 'SELECT 4')
conn.pipeline_sync
statuses = []
until statuses.count('PGRES_PIPELINE_SYNC') == 2
  result = conn.sync_get_result
  statuses << result.res_status(result.result_status) if result
end
p statuses
conn.exit_pipeline_mode

puts '-- asynchronous'
conn.setnonblocking(true)
conn.send_query('SELECT id FROM items WHERE id IN (1, 2, 3)')
conn.block
p conn.get_last_result.ntuples
conn.setnonblocking(false)
other.exec('SELECT pg_advisory_lock(14)')
conn.send_query('SELECT pg_advisory_lock(14)')
other.exec('SELECT await_waiter(14)')
p conn.cancel
attempt('cancelled') { conn.get_last_result }
other.exec('SELECT pg_advisory_unlock_all()')
conn.exec('LISTEN news')
other.exec('NOTIFY news, \'headline\'')
p conn.wait_for_notify { |channel, _, payload| p [channel, payload] }
conn.reset
p conn.exec('SELECT \'after a reset\'').getvalue(0, 0)
conn.set_client_encoding('LATIN1')
p conn.exec_params('SELECT $1::text', ['plain']).getvalue(0, 0)
thread = Thread.new { other.exec('SELECT \'in a thread\'').getvalue(0, 0) }
p conn.exec('SELECT \'beside it\'').getvalue(0, 0), thread.value
attempt('connecting') { PG.connect(dbname: 'no_such_database') }
conn.finish
other.finish
