// SPDX-License-Identifier: MIT
// The same answers from node: app.js PORT [KEY CERTIFICATE]
const fs = require('fs');
const [port, key, cert] = process.argv.slice(2);
const piece = Buffer.alloc(65536, 'x');
const large = Buffer.alloc(8 * 1024 * 1024, 'x');

function answer(request, response, body) {
  const path = request.url.split('?')[0];
  if (path === '/stream') {
    response.write(piece);
    response.write(piece);
    return response.end(piece);
  }
  const found = { '/hello': Buffer.from('hello'), '/large': large, '/echo': body }[path];
  response.statusCode = found ? 200 : 404;
  response.setHeader('Content-Length', found ? found.length : 0);
  return response.end(found || '');
}

function serve(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => answer(request, response, Buffer.concat(parts)));
}

const secure = key && { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };
const server = secure ? require('https').createServer(secure, serve)
  : require('http').createServer(serve);
server.listen(Number(port), '127.0.0.1');
