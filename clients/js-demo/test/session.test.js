import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deskbell } from '../deskbell.js';
import {
  conversation,
  FakeClock,
  FakeNetwork,
  FakeStorage,
  message,
  scene,
  settled,
  T,
} from './scripted.js';

test('a reload resumes from storage: the model is there before the network is', async () => {
  const first = scene();
  await first.online();
  first.network.says(message(1));
  first.desk.save();
  const second = scene({ storage: first.storage, clock: first.clock });
  assert.equal(second.desk.conversations.get('c1').messages[0].text, 'message 1');
  second.desk.connect();
  await settled();
  const hello = second.network.accept();
  assert.deepEqual(hello.cursor, { epoch: 'e1', revision: 101 });
  assert.equal(hello.token, 'session');
});

test('what is too big to keep is not kept, and the next start is a fresh one', async () => {
  const first = scene();
  await first.online([
    conversation({ last_seq: 1, last_message: message(1, { text: 'x'.repeat(2_000_000) }) }),
  ]);
  first.desk.save();
  const second = scene({ storage: first.storage });
  second.desk.connect();
  await settled();
  assert.equal(second.network.accept().cursor, undefined);
});

test('another person under the same name in storage does not inherit the model', async () => {
  const first = scene();
  await first.online([conversation({ last_seq: 1, last_message: message(1) })]);
  first.desk.save();
  const second = scene({ storage: first.storage, clock: first.clock });
  await second.online([], { person: 'sam', resume: 'complete' });
  second.answerList([]);
  assert.equal(second.desk.conversations.size, 0);
  assert.equal(second.desk.person, 'sam');
});

test('4501 forgets the session and asks for a new token', async () => {
  const tokens = ['first', 'second'];
  const { desk, network, clock, online } = scene({ getToken: () => tokens.shift() });
  await online();
  network.drops(4501);
  await clock.advance(1_000);
  assert.equal(network.accept().token, 'second');
  network.drops(4501);
  await clock.advance(60_000);
  assert.equal(desk.status.state, 'stopped', 'no token any more');
  assert.equal(desk.status.code, 4501);
});

test('a given token is used once, then the session; refused without another one it stops', async () => {
  const { desk, network, clock, online } = scene({ token: 'given', getToken: undefined });
  await online();
  assert.equal(network.socket.sent[0].token, 'given');
  network.drops(4000);
  await clock.advance(1_000);
  assert.equal(network.accept().token, 'session');
  network.drops(4501);
  assert.equal(desk.status.state, 'stopped');
});

test('a session that has run out is not used', async () => {
  const { network, clock, online } = scene();
  await online([conversation()], { session_token_expires_at: T });
  network.drops();
  await clock.advance(1_000);
  assert.equal(network.accept().token, 'token');
});

test('a getToken that fails is tried again later', async () => {
  let asked = 0;
  const { desk, network, clock } = scene({
    getToken: () => {
      asked += 1;
      if (asked < 3) throw new Error('backend down');
      return 'token';
    },
  });
  desk.connect();
  await clock.advance(10_000);
  assert.equal(asked, 3);
  assert.equal(network.sockets.length, 1);
});

test('the device id is made once and kept; without storage everything works from memory', async () => {
  const storage = new FakeStorage();
  const options = {
    storage,
    getToken: () => 't',
    WebSocket: new FakeNetwork().WebSocket,
    clock: new FakeClock(),
  };
  const first = new Deskbell(options);
  assert.match(first.device, /^web-[0-9a-f]{32}$/);
  assert.equal(new Deskbell(options).device, first.device);
  const forbidden = {
    getItem() {
      throw new Error('no');
    },
    setItem() {
      throw new Error('no');
    },
    removeItem() {
      throw new Error('no');
    },
  };
  const { desk, network, online } = scene({ storage: forbidden, device: undefined });
  await online();
  desk.send('c1', 'kept in memory');
  assert.equal(network.sent('send').length, 1);
});

/** What somebody's visit leaves on a device, and no session any more. */
const left = async () => {
  const first = scene();
  await first.online([conversation({ last_seq: 1, last_message: message(1) })]);
  first.desk.save();
  first.storage.removeItem('deskbell:session');
  return { storage: first.storage, clock: first.clock };
};
const KEPT = 'deskbell:state';

test('with a token given anew nothing of an earlier visit is shown before the welcome', async () => {
  const device = await left();
  const { desk, network } = scene({ ...device, token: 'given', getToken: undefined });
  const shown = () => [desk.person, desk.list().length, desk.cursor];
  assert.deepEqual(shown(), ['', 0, null]);
  desk.connect();
  await settled();
  assert.deepEqual(network.accept().cursor, { epoch: 'e1', revision: 100 });
  assert.deepEqual(shown(), ['', 0, null]);
  desk.save();
  assert.ok(device.storage.getItem(KEPT), 'and it is not written over meanwhile');
});

test('the same person goes on where they were; another one, or of another business, does not', async () => {
  for (const [who, held] of [
    [{}, 1],
    [{ person: 'sam' }, 0],
    [{ business: 'meow' }, 0],
  ]) {
    const { desk, network, online, answerList } = scene({ ...(await left()), token: 'given' });
    await online([], { ...who, resume: 'complete' });
    assert.equal(desk.list().length, held, JSON.stringify(who));
    if (held) network.says({ type: 'resumed', revision: 100 });
    else answerList([]);
    assert.equal(desk.list().length, held, JSON.stringify(who));
    assert.equal(desk.cursor.revision, 100);
  }
});

test('whose access ends leaves nothing to read on the device, but what waits to be sent', async () => {
  for (const code of [4501, 4503]) {
    const { desk, network, storage, online } = scene({ token: 'given', getToken: undefined });
    await online([conversation({ last_seq: 1, last_message: message(1) })]);
    desk.save();
    desk.send('c1', 'waits');
    assert.ok(storage.getItem(KEPT));
    network.drops(code);
    desk.save(); // as a page does that goes away
    assert.equal(storage.getItem(KEPT), null, String(code));
    assert.equal(scene({ storage }).desk.list().length, 0);
    assert.equal(desk.outbox().length, 1);
  }
});

test('a token that is refused shows nothing and leaves nothing', async () => {
  const device = await left();
  const { desk, network } = scene({ ...device, token: 'rubbish', getToken: undefined });
  desk.connect();
  await settled();
  network.accept();
  network.drops(4501);
  assert.equal(desk.status.state, 'stopped');
  assert.equal(desk.list().length, 0);
  assert.equal(device.storage.getItem(KEPT), null);
});

test('where the browser forbids storage, memory is used', async () => {
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get() {
      throw new Error('Access is denied for this document.');
    },
  });
  try {
    const { online, desk } = scene({ storage: undefined, device: undefined });
    await online();
    assert.equal(desk.status.state, 'online');
  } finally {
    delete globalThis.localStorage;
  }
});

test('what is forgotten before it was sent is refused to who waits for it', async () => {
  const { desk, online } = scene();
  await online();
  desk.close();
  const sent = desk.send('c1', 'never');
  desk.forget();
  await assert.rejects(sent, { code: 'forgotten' });
  const given_up = desk.send('c1', 'given up');
  desk.discard(desk.outbox()[0].client_message_id);
  await assert.rejects(given_up, { code: 'discarded' });
});

test('what one person has read is not told as another who comes after them', async () => {
  const { desk, network, online, clock } = scene();
  await online([conversation({ last_seq: 2, unread: 2, last_message: message(2) })]);
  desk.watch(['sam']);
  desk.read('c1', 2);
  await clock.advance(1_000);
  assert.equal(network.sent('receipt').length > 0, true);
  desk.forget();
  await online([conversation()], { person: 'mia', role: 'staff' });
  await clock.advance(5_000);
  assert.deepEqual(network.sent('receipt'), []);
  assert.deepEqual(network.sent('watch'), []);
});

test('a tab that was replaced puts nothing back on the device', async () => {
  const storage = new FakeStorage();
  const replaced = scene({ storage });
  await replaced.online([conversation({ last_message: message(1), last_seq: 1 })]);
  replaced.network.drops(4509, 'replaced');
  const second = scene({ storage });
  await second.online([]);
  second.desk.forget();
  replaced.desk.save();
  assert.equal([...storage.values.values()].some((kept) => kept.includes('message 1')), false);
});

test('a conversation that is asked for while news of it comes is whole', async () => {
  const { desk, network, online } = scene();
  await online([]);
  const opened = desk.open('c1');
  const [first] = network.sent('open');
  network.says(message(5));
  const [, second] = network.sent('open');
  const picture = conversation({ last_seq: 4, last_message: message(4), revision: 104 });
  const newer = conversation({ last_seq: 5, last_message: message(5), revision: 105 });
  network.says({ type: 'conversation', id: first.id, conversation: picture });
  await settled();
  network.says(message(6));
  network.says({ type: 'conversation', id: second.id, conversation: newer });
  assert.equal(await opened, true);
  assert.equal(desk.status.state, 'online');
  const seqs = desk.conversations.get('c1').messages.map((each) => each.seq);
  assert.deepEqual(seqs.slice(-2), [5, 6]);
});
