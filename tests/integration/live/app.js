// SPDX-License-Identifier: MIT
// Items by node's libpq, asynchronously, over four connections: app.js PORT
'use strict';
const http = require('http');
const { spawn } = require('child_process');
const Libpq = require('libpq');

const idle = [];
const waiting = [];

function next() {
    if (idle.length > 0 && waiting.length > 0)
        query(idle.pop(), ...waiting.shift());
}

function query(pq, n, then) {
    let name;
    const readable = () => {
        if (!pq.consumeInput())
            throw new Error(pq.errorMessage());
        while (!pq.isBusy()) {
            if (!pq.getResult()) {
                pq.stopReader();
                pq.removeListener('readable', readable);
                idle.push(pq);
                then(name);
                return next();
            }
            name = pq.getvalue(0, 0);
        }
    };
    pq.on('readable', readable);
    if (!pq.sendQueryPrepared('item', [String(n % 100)]))
        throw new Error(pq.errorMessage());
    pq.flush();
    pq.startReader();
}

// Children, one after the other: libuv learns of their ends by SIGCHLD.
let children = 0;
function begetChild() {
    spawn('/bin/true', { stdio: 'ignore' }).on('exit', () => {
        children++;
        setTimeout(begetChild, 100);
    });
}

http.createServer((request, response) => {
    const end = (body) => response.end(`${body}\n`);
    if (request.url === '/children')
        return end(children);
    const n = Number(request.url.split('=')[1]);
    waiting.push([n, (name) => end(`${n} ${name}`)]);
    return next();
}).listen(Number(process.argv[2]), '127.0.0.1');

for (let i = 0; i < 4; i++) {
    const pq = new Libpq();
    pq.connectSync('');
    pq.prepare('item', 'SELECT name FROM live WHERE id = $1', 1);
    pq.setNonBlocking(true);
    idle.push(pq);
}
begetChild();
