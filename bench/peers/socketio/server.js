// What one would write in an afternoon instead of Deskbell: socket.io and better-sqlite3, every
// message and every receipt committed (WAL, synchronous=FULL) before anybody hears of it.
//
// Usage: node server.js PORT DATABASE
'use strict';

const http = require('http').createServer();
const { Server } = require('socket.io');
const Database = require('better-sqlite3');

const [port, path] = process.argv.slice(2);

const db = new Database(path);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`
  CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY, conversation TEXT, sender TEXT, number INTEGER, at INTEGER, body TEXT);
  CREATE INDEX IF NOT EXISTS message_by_conversation ON message (conversation, id);
  CREATE TABLE IF NOT EXISTS receipt (
    message INTEGER, person TEXT, at INTEGER, PRIMARY KEY (message, person)) WITHOUT ROWID;
`);

const insertMessage = db.prepare(
  'INSERT INTO message (conversation, sender, number, at, body) VALUES (?, ?, ?, ?, ?)');
const insertReceipt = db.prepare('INSERT OR REPLACE INTO receipt VALUES (?, ?, ?)');
const lastMessages = db.prepare(
  'SELECT id, sender, number, at, body FROM message WHERE conversation = ? ' +
  'ORDER BY id DESC LIMIT ?');

const io = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  pingInterval: 60000,
});

io.use((socket, next) => {
  const { person, secret } = socket.handshake.auth;
  if (!person || secret !== 'pw') return next(new Error('unauthenticated'));
  socket.data.person = person;
  next();
});

io.on('connection', (socket) => {
  const me = socket.data.person;
  socket.join(`person:${me}`);
  socket.join(`conversation:${socket.handshake.auth.conversation}`);

  socket.on('message', ({ conversation, number, body }, ack) => {
    const id = insertMessage.run(conversation, me, number, Date.now(), body).lastInsertRowid;
    socket.to(`conversation:${conversation}`).emit('message', { number, id, from: me, body });
    ack({ number, id });
  });

  socket.on('receipt', ({ number, id, to }) => {
    insertReceipt.run(id, me, Date.now());
    io.to(`person:${to}`).emit('receipt', { number, by: me });
  });

  socket.on('history', ({ conversation, limit }, ack) => {
    ack({ messages: lastMessages.all(conversation, limit).reverse() });
  });
});

http.listen(Number(port), '127.0.0.1', 4096);
