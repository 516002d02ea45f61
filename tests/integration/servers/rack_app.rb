# SPDX-License-Identifier: MIT
# The same answers as a Rack application.
class Pieces
  def each
    3.times { yield 'x' * 65_536 }
  end
end

RACK_APP = lambda do |env|
  body = env['rack.input'] ? env['rack.input'].read : ''
  found = { '/hello' => ['hello'], '/large' => ['x' * 8 * 1024 * 1024], '/echo' => [body],
            '/stream' => Pieces.new }[env['PATH_INFO']]
  return [404, { 'Content-Length' => '0' }, []] unless found
  headers = found.is_a?(Array) ? { 'Content-Length' => found[0].bytesize.to_s } : {}
  [200, headers, env['REQUEST_METHOD'] == 'HEAD' ? [] : found]
end
