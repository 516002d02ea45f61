# SPDX-License-Identifier: MIT
# The same answers from WEBrick: webrick.rb PORT [KEY CERTIFICATE]
require 'webrick'
port, key, cert = ARGV
options = { BindAddress: '127.0.0.1', Port: port.to_i, AccessLog: [],
            Logger: WEBrick::Log.new(File::NULL) }
if key
  require 'webrick/https'
  options.update(SSLEnable: true, SSLPrivateKey: OpenSSL::PKey.read(File.read(key)),
                 SSLCertificate: OpenSSL::X509::Certificate.new(File.read(cert)))
end

class Answers < WEBrick::HTTPServlet::AbstractServlet
  def service(request, response)
    found = { '/hello' => 'hello', '/large' => 'x' * 8 * 1024 * 1024 }[request.path]
    found = request.body.to_s if request.path == '/echo'
    if request.path == '/stream'
      response.chunked = true
      found = 'x' * 3 * 65_536
    end
    response.status = found ? 200 : 404
    response.body = found || ''
  end
end

server = WEBrick::HTTPServer.new(options)
server.mount('/', Answers)
trap('TERM') { server.shutdown }
server.start
