// SPDX-License-Identifier: MIT
//
// node's libpq: the synchronous calls, and the asynchronous ones on libuv's loop.
'use strict';
const Libpq = require('libpq');

const show = (...values) => console.log(JSON.stringify(values));

function rows(pq) {
    const all = [];
    for (let i = 0; i < pq.ntuples(); i++)
        all.push(Array.from({ length: pq.nfields() }, (_, j) => pq.getvalue(i, j)));
    return all;
}

function synchronous(pq) {
    pq.exec('SELECT id, name FROM items WHERE id < 4 ORDER BY id');
    show(pq.resultStatus(), rows(pq));
    pq.execParams('SELECT name FROM items WHERE id = $1', ['5']);
    show(rows(pq));
    pq.prepare('by_id', 'SELECT name FROM items WHERE id = $1', 1);
    for (const id of ['1', '2', '3']) {
        pq.execPrepared('by_id', [id]);
        show(rows(pq));
    }
    pq.exec('SELECT 1; SELECT 2');
    show(rows(pq));
    pq.exec("INSERT INTO sink VALUES (1, 'a'), (2, 'b')");
    show(pq.cmdStatus(), pq.cmdTuples());
    for (const bad of ['SELECT 1 / 0', 'SELEC']) {
        pq.exec(bad);
        show(pq.resultStatus(), pq.resultErrorMessage());
    }
    pq.execParams('SELECT 1 / $1::int', ['0']);
    show(pq.resultErrorFields().sqlState);
    pq.clear();
}

// What one sent statement brings, once it is all there.
function collect(pq, done) {
    const results = [];
    const readable = () => {
        if (!pq.consumeInput())
            throw new Error(pq.errorMessage());
        while (!pq.isBusy()) {
            if (!pq.getResult()) {
                pq.stopReader();
                pq.removeListener('readable', readable);
                return done(results);
            }
            results.push([pq.resultStatus(), rows(pq)]);
        }
    };
    pq.on('readable', readable);
    pq.startReader();
}

function copyIn(pq) {
    const flags = [];
    pq.exec('COPY sink FROM STDIN');
    for (let i = 10; i < 15; i++)
        flags.push(pq.putCopyData(Buffer.from(`${i}\tcopied\n`)));
    flags.push(pq.putCopyEnd());
    while (pq.getResult())
        flags.push(pq.resultStatus());
    show(flags);
}

function copyOut(pq) {
    pq.exec('COPY (SELECT id FROM items WHERE id < 5 ORDER BY id) TO STDOUT');
    const lines = [];
    for (let line = pq.getCopyData(); line !== -1; line = pq.getCopyData())
        lines.push(line.toString());
    while (pq.getResult());
    show(lines);
}

const steps = [
    (pq) => pq.sendQuery('SELECT id FROM items WHERE id < 3 ORDER BY id; SELECT 7'),
    (pq) => pq.sendQueryParams('SELECT name FROM items WHERE id > $1 ORDER BY id', ['23']),
    (pq) => pq.sendPrepare('sent', 'SELECT $1::int + 1', 1),
    (pq) => pq.sendQueryPrepared('sent', ['41']),
    (pq) => pq.sendQuery('SELECT 1 / 0'),
];

function asynchronous(pq, then) {
    const step = steps.shift();
    if (!step)
        return then();
    pq.setNonBlocking(true);
    show(step(pq), pq.flush());
    collect(pq, (results) => {
        show(results);
        asynchronous(pq, then);
    });
}

function notifications(pq, other) {
    pq.setNonBlocking(false);
    pq.exec('LISTEN news');
    pq.once('readable', () => {
        pq.consumeInput();
        const notice = pq.notifies();
        show(notice.relname, notice.extra);
        pq.stopReader();
        pq.finish();
        other.finish();
    });
    pq.startReader();
    other.exec("NOTIFY news, 'headline'");
}

const pq = new Libpq();
const other = new Libpq();
other.connectSync('');
try {
    new Libpq().connectSync('dbname=no_such_database');
} catch (e) {
    show(e.message);
}
pq.connect('', (error) => {
    show(error || 'connected');
    synchronous(pq);
    copyIn(pq);
    copyOut(pq);
    asynchronous(pq, () => notifications(pq, other));
});
