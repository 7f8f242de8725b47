import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ackOf,
  conversation,
  FakeStorage,
  message,
  scene,
  settled,
  T,
  welcome,
} from './scripted.js';

const texts = (desk) => desk.conversations.get('c1').messages.map((each) => each.text);
const mine = (seq, rest) => message(seq, { author: 'carla', ...rest });

test('a message waits with a clock, is stored at the ack, and is shown once', async () => {
  const { desk, network, online } = scene();
  await online();
  const sent = desk.send('c1', 'Is Rex ready?');
  const [entry] = desk.outbox('c1');
  const held = desk.conversations.get('c1');
  assert.equal(desk.ticks(held, entry).state, 'waiting');
  const [send] = network.sent('send');
  assert.deepEqual(send, {
    type: 'send',
    id: send.id,
    conversation: 'c1',
    client_message_id: 'm1',
    text: 'Is Rex ready?',
  });
  network.says(ackOf(send, 1));
  assert.equal((await sent).seq, 1);
  assert.deepEqual(desk.outbox('c1'), []);
  assert.deepEqual(texts(desk), ['Is Rex ready?']);
  assert.equal(desk.ticks(held, held.messages[0]).state, 'sent');
  assert.equal(held.unread, 0);
});

test('one conversation is first in, first out; another does not wait for it', async () => {
  const { desk, network, online } = scene();
  await online([conversation(), conversation({ id: 'c2' })]);
  for (const text of ['one', 'two', 'three']) desk.send('c1', text);
  desk.send('c2', 'elsewhere');
  const wire = () => network.sent('send').map((each) => each.text);
  assert.deepEqual(wire(), ['one', 'elsewhere']);
  network.says(ackOf(network.sent('send')[0], 1));
  assert.deepEqual(wire(), ['one', 'elsewhere', 'two']);
});

test('exactly once over reconnects: the same id until the ack, whichever half was lost', async () => {
  const { desk, network, online, again } = scene();
  await online();
  const sent = desk.send('c1', 'lost before it arrived');
  await again();
  assert.deepEqual(
    network.sent('send').map((each) => each.client_message_id),
    ['m1'],
  );
  await again(mine(1, { text: 'lost before it arrived', client_message_id: 'm1' })); // stored; the ack was lost
  assert.deepEqual(network.sent('send'), [], 'the resume showed it');
  assert.equal((await sent).seq, 1);
  assert.deepEqual(texts(desk), ['lost before it arrived']);
  assert.deepEqual(desk.outbox(), []);
});

test('an ack that repeats what the resume has shown changes nothing', async () => {
  const { desk, network, online } = scene();
  await online();
  desk.send('c1', 'once');
  const [send] = network.sent('send');
  network.says(mine(1, { text: 'once', client_message_id: 'm1' }), ackOf(send, 1));
  assert.deepEqual(texts(desk), ['once']);
});

test('an ack may come before older messages: it keeps its place at the end until they are here', async () => {
  const { desk, network, online } = scene();
  await online();
  const sent = desk.send('c1', 'mine');
  network.says(ackOf(network.sent('send')[0], 3));
  assert.equal((await sent).seq, 3);
  const held = desk.conversations.get('c1');
  assert.equal(desk.ticks(held, desk.outbox('c1')[0]).state, 'sent');
  network.says(message(1));
  assert.deepEqual(texts(desk), ['message 1']);
  network.says(message(2));
  assert.deepEqual(texts(desk), ['message 1', 'message 2', 'mine']);
  assert.deepEqual(desk.outbox(), []);
  assert.equal(network.sockets.length, 1, 'no gap was seen');
});

test('a newer message may come before the ack: it waits for it, and so does the cursor', async () => {
  const { desk, network, online } = scene();
  await online();
  desk.send('c1', 'mine');
  network.says(message(2), {
    type: 'message_edited',
    revision: 110,
    conversation: 'c1',
    seq: 2,
    at: T,
    author: 'sam',
    text: 'edited',
  });
  assert.deepEqual(texts(desk), []);
  assert.equal(desk.cursor.revision, 100);
  network.says(ackOf(network.sent('send')[0], 1));
  assert.deepEqual(texts(desk), ['mine', 'edited']);
  assert.equal(desk.cursor.revision, 110);
});

test('what is written offline, and what a reload interrupts, goes out once and in order', async () => {
  const first = scene();
  await first.online();
  first.desk.close();
  first.desk.send('c1', 'one');
  first.desk.send('c1', 'two');
  first.desk.save();
  const second = scene({ storage: first.storage, clock: first.clock, ids: 10 });
  assert.deepEqual(
    second.desk.outbox('c1').map((each) => each.text),
    ['one', 'two'],
  );
  second.desk.connect();
  await settled();
  second.network.accept();
  second.network.says(welcome(second.clock, { resume: 'complete' }));
  assert.deepEqual(
    second.network.sent('send'),
    [],
    'nothing goes out before the resume is complete',
  );
  second.network.says({ type: 'resumed', revision: 100 });
  for (const seq of [1, 2]) second.network.says(ackOf(second.network.sent('send')[seq - 1], seq));
  assert.deepEqual(
    second.network.sent('send').map((each) => each.client_message_id),
    ['m1', 'm2'],
  );
  assert.deepEqual(texts(second.desk), ['one', 'two']);
});

test('two pages with one storage do not overwrite what the other one has waiting', () => {
  const storage = new FakeStorage();
  const one = scene({ storage });
  const other = scene({ storage, ids: 10 });
  one.desk.send('c1', 'from one');
  other.desk.send('c1', 'from the other');
  assert.deepEqual(
    one.desk.outbox().map((each) => each.text),
    ['from one', 'from the other'],
  );
});

test('a refusal that passes is retried after retry_after, under the same id, in order', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  desk.send('c1', 'one');
  desk.send('c1', 'two');
  for (const code of ['overloaded', 'unavailable', 'rate_limited']) {
    const send = network.sent('send').at(-1);
    network.says({
      type: 'error',
      id: send.id,
      client_message_id: 'm1',
      code,
      message: 'Later.',
      retry_after: 1.5,
    });
    const before = network.sent('send').length;
    await clock.advance(1_499);
    assert.equal(network.sent('send').length, before);
    await clock.advance(1);
    assert.equal(network.sent('send').length, before + 1);
  }
  assert.ok(network.sent('send').every((each) => each.client_message_id === 'm1'));
  network.says(ackOf(network.sent('send').at(-1), 1));
  assert.equal(network.sent('send').at(-1).client_message_id, 'm2');
});

test('a final refusal keeps the text, says why, and lets the next one go', async () => {
  const { desk, network, online } = scene();
  await online();
  const sent = desk.send('c1', 'too long');
  desk.send('c1', 'next');
  const refusal = { code: 'too_large', message: 'Shorten it.' };
  network.says({
    type: 'error',
    id: network.sent('send')[0].id,
    client_message_id: 'm1',
    ...refusal,
  });
  await assert.rejects(sent, refusal);
  assert.equal(network.sent('send').at(-1).text, 'next');
  const [failed] = desk.outbox('c1');
  assert.deepEqual(failed.error, refusal);
  assert.equal(desk.ticks(desk.conversations.get('c1'), failed).state, 'failed');
  network.says(ackOf(network.sent('send').at(-1), 1));
  desk.retry('m1');
  assert.equal(network.sent('send').at(-1).client_message_id, 'm1');
  network.says({
    type: 'error',
    id: network.sent('send').at(-1).id,
    code: 'too_large',
    message: 'Shorten it.',
  });
  desk.discard('m1');
  assert.deepEqual(desk.outbox(), []);
});

test('what one person left waiting is not sent by another', async () => {
  const first = scene();
  await first.online();
  first.desk.close();
  first.desk.send('c1', 'by carla');
  const second = scene({ storage: first.storage, clock: first.clock });
  await second.online([conversation()], { person: 'sam' });
  assert.deepEqual(second.network.sent('send'), []);
  assert.deepEqual(second.desk.outbox(), []);
  const third = scene({ storage: first.storage, clock: first.clock });
  await third.online();
  assert.equal(third.network.sent('send').length, 1);
});

test('after a reset, what is stored and in the picture leaves the outbox', async () => {
  const { desk, network, clock, online, answerList } = scene();
  await online();
  desk.send('c1', 'mine');
  network.says(ackOf(network.sent('send')[0], 3)); // its predecessors never come
  network.drops();
  await clock.advance(1_000);
  network.accept();
  network.says(welcome(clock, { resume: 'reset' }));
  assert.equal(desk.outbox('c1').length, 1);
  answerList([conversation({ last_seq: 3, last_message: mine(3, { text: 'mine' }) })]);
  assert.deepEqual(desk.outbox('c1'), []);
  assert.deepEqual(texts(desk), ['mine']);
});

test('what is on the wire cannot be taken back, what still waits can', async () => {
  const { desk, online } = scene();
  await online();
  desk.send('c1', 'on the wire');
  desk.send('c1', 'still here');
  assert.equal(desk.discard('m1'), false);
  assert.equal(desk.discard('m2'), true);
  assert.deepEqual(
    desk.outbox('c1').map((each) => each.text),
    ['on the wire'],
  );
});

test('thousands of losses at any moment: every message arrives once and in order', async () => {
  for (let seed = 1; seed <= 40; seed += 1) await stormy(seed);
});

/** A server that stores, and loses the connection before or after storing, as the seed says. */
async function stormy(seed) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const { desk, network, clock, online } = scene({ random });
  await online();
  const log = [];
  const store = (send) => {
    const known = log.find((each) => each.client_message_id === send.client_message_id);
    if (known) return ackOf(send, known.seq);
    log.push(mine(log.length + 1, { text: send.text, client_message_id: send.client_message_id }));
    return ackOf(send, log.length);
  };
  const reconnect = async () => {
    network.drops();
    await clock.advance(60_000);
    const { cursor } = network.accept();
    const missed = log.filter((each) => each.revision > cursor.revision);
    const revision = Math.max(100, ...log.map((each) => each.revision));
    network.says(welcome(clock, { resume: 'complete', revision }), ...missed, {
      type: 'resumed',
      revision,
    });
  };
  const answered = new Set();
  for (let n = 0; n < 12; n += 1) desk.send('c1', `text ${n}`);
  for (let turn = 0; turn < 400 && desk.outbox().length; turn += 1) {
    const send = network
      .sent('send')
      .find((each) => !answered.has(`${network.sockets.length} ${each.id}`));
    answered.add(`${network.sockets.length} ${send?.id}`);
    const luck = random();
    if (luck < 0.25) await reconnect();
    else if (luck < 0.5 && send) {
      store(send); // stored, and the ack is lost
      await reconnect();
    } else if (send) network.says(store(send));
    else await reconnect();
  }
  const wanted = Array.from({ length: 12 }, (_, n) => `text ${n}`);
  assert.deepEqual(
    log.map((each) => each.text),
    wanted,
    `seed ${seed}`,
  );
  assert.deepEqual(texts(desk), wanted, `seed ${seed}`);
}

const pending = Symbol('pending');
const outcome = (promise) =>
  Promise.race([
    promise.then(
      () => 'ok',
      (error) => error.code,
    ),
    settled().then(() => pending),
  ]);

test('a text over the limit is refused before it is stored, and what is behind it goes out', async () => {
  const { desk, network, online } = scene();
  await online();
  const huge = desk.send('c1', 'ü'.repeat(16_385));
  desk.send('c1', 'small');
  assert.equal(await outcome(huge), 'too_large');
  assert.deepEqual(
    network.sent('send').map((each) => each.text),
    ['small'],
  );
  assert.deepEqual(
    desk.outbox().map((each) => each.text),
    ['small'],
  );
  desk.send('c2', 'ü'.repeat(16_384));
  assert.equal(network.sent('send').length, 2, 'the limit itself is taken');
});

test('a frame over the limit is refused here: the server would end the connection', async () => {
  const { desk, network, online } = scene();
  await online([conversation()], { limits: { frame_bytes: 1_000, text_bytes: 900 } });
  assert.equal(await outcome(desk.send('c1', '"'.repeat(900))), 'too_large', 'two bytes each');
  assert.equal(await outcome(desk.edit('c1', 1, 'x'.repeat(2_000))), 'too_large');
  assert.equal(await outcome(desk.people('x'.repeat(2_000))), 'too_large');
  assert.deepEqual([...network.sent('edit'), ...network.sent('people')], []);
  const frame = { type: 'edit', id: 2, conversation: 'c1', seq: 1, text: '' };
  const room = 1_000 - JSON.stringify(frame).length;
  assert.equal(await outcome(desk.edit('c1', 1, 'x'.repeat(room))), pending);
  assert.equal(network.sent('edit').length, 1, 'the limit itself is taken');
});

test('an oversized text of an earlier visit fails, and holds up nothing', async () => {
  const storage = new FakeStorage();
  const entry = (id, where, text) => ({
    ...{ client_message_id: id, conversation: where, text, reply_to: 0, at: T },
    ...{ person: 'carla', error: null, ack: null },
  });
  const entries = [
    entry('a', 'c1', 'x'.repeat(140_000)),
    entry('b', 'c1', 'behind it'),
    entry('c', 'c2', 'elsewhere'),
  ];
  storage.setItem('deskbell:outbox', JSON.stringify(entries));
  const { desk, network, online } = scene({ storage });
  const failed = [];
  desk.on('failed', ({ entry: { client_message_id }, error }) =>
    failed.push([client_message_id, error.code]),
  );
  await online([conversation(), conversation({ id: 'c2' })]);
  assert.deepEqual(failed, [['a', 'too_large']]);
  assert.deepEqual(
    network.sent('send').map((each) => each.client_message_id),
    ['c', 'b'],
  );
  assert.equal(desk.outbox()[0].error.code, 'too_large');
});
