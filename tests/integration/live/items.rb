# SPDX-License-Identifier: MIT
# Items by ruby-pg, one connection a thread of the server's.
require 'pg'

POOL = Queue.new
4.times { POOL << PG.connect }

def item(number)
  connection = POOL.pop
  row = connection.exec_params('SELECT name FROM live WHERE id = $1', [number % 100])
  "#{number} #{row.getvalue(0, 0)}\n"
ensure
  POOL << connection if connection
end

# Children, one after the other: Ruby learns of their ends by SIGCHLD.
CHILDREN = [0]
Thread.new do
  loop do
    Process.wait(spawn('/bin/true'))
    CHILDREN[0] += 1
    sleep 0.1
  end
end
