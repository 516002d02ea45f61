# SPDX-License-Identifier: MIT
require_relative 'items'

run(lambda do |env|
  body = env['PATH_INFO'] == '/children' ? "#{CHILDREN[0]}\n" : item(env['QUERY_STRING'][/n=(\d+)/, 1].to_i)
  [200, { 'Content-Length' => body.bytesize.to_s }, [body]]
end)
