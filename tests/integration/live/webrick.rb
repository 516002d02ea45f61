# SPDX-License-Identifier: MIT
# webrick.rb PORT
require 'webrick'
require_relative 'items'

class Items < WEBrick::HTTPServlet::AbstractServlet
  def service(request, response)
    response.body = request.path == '/children' ? "#{CHILDREN[0]}\n" : item(request.query['n'].to_i)
  end
end

server = WEBrick::HTTPServer.new(BindAddress: '127.0.0.1', Port: ARGV[0].to_i, AccessLog: [],
                                 Logger: WEBrick::Log.new(File::NULL))
server.mount('/', Items)
trap('TERM') { server.shutdown }
server.start
