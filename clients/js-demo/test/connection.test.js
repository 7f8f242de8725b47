import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterClose, backoff, CLOSE_CODES, retryAfter } from '../deskbell.js';
import { conversation, message, scene, settled, welcome } from './scripted.js';

test('it says hello, loads the list after fresh, and is ready then', async () => {
  const { desk, network, clock, answerList } = scene();
  let ready = false;
  desk.connect().then(() => {
    ready = true;
  });
  await settled();
  assert.equal(network.socket.url, 'wss://desk.example/v1/ws');
  assert.deepEqual(network.socket.protocols, ['deskbell.v1.json']);
  assert.deepEqual(network.accept(), { type: 'hello', token: 'token', device: 'd1' });
  network.says(welcome(clock));
  await settled();
  assert.equal(ready, false);
  answerList([conversation({ last_seq: 3, last_message: message(3) })]);
  await settled();
  assert.equal(ready, true);
  assert.equal(desk.person, 'carla');
  assert.equal(desk.conversations.get('c1').messages[0].text, 'message 3');
  assert.deepEqual(desk.cursor, { epoch: 'e1', revision: 100 });
});

test('events that come while the list loads are applied after it, and repeating is harmless', async () => {
  const { desk, network, clock, answerList } = scene();
  desk.connect();
  await settled();
  network.accept();
  network.says(welcome(clock), message(3), message(4));
  assert.equal(desk.conversations.size, 0);
  answerList([conversation({ last_seq: 3, last_message: message(3), unread: 1 })]);
  const held = desk.conversations.get('c1');
  assert.deepEqual(
    held.messages.map((each) => each.seq),
    [3, 4],
  );
  assert.equal(held.unread, 2);
  assert.equal(desk.cursor.revision, 104);
});

test('a lost connection is resumed with the cursor, and what was missed is applied in order', async () => {
  const { desk, online, again } = scene();
  await online();
  const hello = await again(message(1), message(2));
  assert.deepEqual(hello.cursor, { epoch: 'e1', revision: 100 });
  assert.equal(hello.token, 'session');
  assert.deepEqual(
    desk.conversations.get('c1').messages.map((each) => each.seq),
    [1, 2],
  );
  assert.equal(desk.cursor.revision, 200);
});

test('replies do not move the cursor', async () => {
  const { desk, network, online } = scene();
  await online();
  const edited = desk.edit('c1', 1, 'new');
  const [{ id }] = network.sent('edit');
  network.says({ type: 'ok', id, revision: 150 });
  await edited;
  assert.equal(desk.cursor.revision, 100);
});

test('a reset drops what is held, keeps showing it until the new list is here, and starts the cursor anew', async () => {
  const { desk, network, clock, online, answerList } = scene();
  await online([
    conversation({ last_seq: 1, last_message: message(1) }),
    conversation({ id: 'c2' }),
  ]);
  network.drops();
  await clock.advance(60_000);
  network.accept();
  network.says(
    welcome(clock, { resume: 'reset', reset_reason: 'epoch', epoch: 'e2', revision: 7 }),
  );
  assert.deepEqual([...desk.conversations.keys()], ['c1', 'c2']);
  answerList([conversation({ last_seq: 9, last_message: message(9) })]);
  assert.deepEqual([...desk.conversations.keys()], ['c1']);
  assert.deepEqual(
    desk.conversations.get('c1').messages.map((each) => each.seq),
    [9],
  );
  assert.deepEqual(desk.cursor, { epoch: 'e2', revision: 7 });
});

test('a gap reconnects with the cursor; the same gap again starts afresh', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  network.says(message(2));
  assert.equal(network.socket.closedWith, 4000);
  assert.equal(desk.conversations.get('c1').messages.length, 0);
  await clock.advance(60_000);
  assert.equal(network.accept().cursor.revision, 100);
  network.says(welcome(clock, { resume: 'complete' }), message(2));
  await clock.advance(60_000);
  assert.equal(network.accept().cursor, undefined);
});

test('an event of a conversation that is not here gets its picture first', async () => {
  const { desk, network, online } = scene();
  await online([]);
  network.says(message(5), message(6));
  const [{ id, conversation: asked }] = network.sent('open');
  assert.equal(asked, 'c1');
  assert.equal(desk.cursor.revision, 100, 'not processed yet');
  network.says({
    type: 'conversation',
    id,
    conversation: conversation({ last_seq: 5, last_message: message(5), unread: 1 }),
  });
  assert.deepEqual(
    desk.conversations.get('c1').messages.map((each) => each.seq),
    [5, 6],
  );
  assert.equal(desk.cursor.revision, 106);
  assert.equal(network.sent('open').length, 1);
});

test('full jitter: between 0 and min(60 s, 1 s · 2ⁿ), for every n', () => {
  const most = [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000);
  for (const [attempt, bound] of most.entries()) {
    assert.equal(
      backoff(attempt, () => 0),
      0,
    );
    const longest = backoff(attempt, () => 0.999_999);
    assert.ok(longest < bound && longest > bound * 0.99, `${attempt}: ${longest}`);
  }
  assert.ok(backoff(5_000, () => 0.5) === 30_000);
});

test('the wait doubles over failures and begins again after a welcome', async () => {
  const { desk, network, clock } = scene();
  desk.connect();
  await settled();
  const waits = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    network.drops();
    waits.push(desk.status.retry_at - clock.at);
    await clock.advance(waits.at(-1));
  }
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  network.accept();
  network.says(welcome(clock));
  network.drops();
  assert.equal(desk.status.retry_at - clock.at, 500);
});

test('a retry_after in the close reason is waited for exactly', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  network.drops(4012, 'restart retry_after=2.5');
  assert.equal(desk.status.retry_at - clock.at, 2_500);
  assert.equal(retryAfter('retry_after=3'), 3_000);
  assert.equal(retryAfter('no_retry_after=3'), undefined);
});

test('the close table: what stops, what reconnects, what needs a new token', async () => {
  for (const [code, [, next]] of Object.entries(CLOSE_CODES)) {
    const { desk, network, online } = scene();
    await online();
    network.drops(Number(code));
    const stopped = desk.status.state === 'stopped';
    assert.equal(stopped, next === 'stop', `${code}`);
  }
  assert.equal(afterClose(1006), 'reconnect');
  assert.equal(afterClose(1012), 'reconnect');
  assert.equal(afterClose(4499), 'reconnect');
  assert.equal(afterClose(4999), 'stop');
});

test('a stop rejects a connect that still waits, and connect starts again', async () => {
  const { desk, network } = scene();
  const connected = desk.connect();
  await settled();
  network.accept();
  network.drops(4503);
  await assert.rejects(connected, { code: 'deactivated' });
  desk.connect();
  await settled();
  assert.equal(network.sockets.length, 2);
});

test('it pings every ping_after_ms and gives up after timeout_ms of silence', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  await clock.advance(20_000);
  assert.equal(network.sent('ping').length, 1);
  network.says({ type: 'pong', server_time: clock.at });
  await clock.advance(29_999);
  assert.equal(desk.status.state, 'online');
  assert.equal(network.sent('ping').length, 2);
  await clock.advance(1);
  assert.equal(desk.status.state, 'waiting');
  assert.equal(network.socket.closedWith, 4000);
});

test('after a sleep it asks before it gives up', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  clock.at += 3_600_000; // every timer is late
  await clock.advance(0);
  assert.equal(desk.status.state, 'online');
  network.says({ type: 'pong', server_time: clock.at });
  await clock.advance(10_000);
  assert.equal(desk.status.state, 'online');
  assert.ok(network.sent('ping').length >= 1);
});

test('a connection that never says welcome is given up', async () => {
  const { desk, network, clock } = scene();
  desk.connect();
  await settled();
  network.accept();
  await clock.advance(20_000);
  assert.equal(desk.status.state, 'waiting');
});

test('wake tries at once; close stays closed', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  network.drops(4012, 'retry_after=60');
  desk.wake();
  await settled();
  assert.equal(network.sockets.length, 2);
  desk.close();
  await clock.advance(600_000);
  assert.equal(network.sockets.length, 2);
  assert.equal(desk.status.state, 'stopped');
});

test('what is asked while offline, or lost with the connection, is refused with what to do', async () => {
  const { desk, network, online } = scene();
  await assert.rejects(desk.people('s'), { code: 'disconnected' });
  await online();
  const people = desk.people('s');
  network.drops();
  await assert.rejects(people, { code: 'disconnected' });
});

test('an error reply rejects with its code; unknown events are ignored and move the cursor', async () => {
  const { desk, network, online } = scene();
  await online();
  const left = desk.leave('c1');
  const [{ id }] = network.sent('leave');
  network.says({
    type: 'error',
    id,
    code: 'owner_required',
    message: 'The owner stays.',
    retry_after: 2,
  });
  await assert.rejects(left, {
    code: 'owner_required',
    message: 'The owner stays.',
    retry_after: 2,
  });
  network.says({ type: 'a_new_event', revision: 130 }, { type: 'another' });
  assert.equal(desk.cursor.revision, 130);
});

test('a server that talks nonsense is asked less and less often', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  const waits = [];
  for (let time = 0; time < 5; time += 1) {
    network.socket.onmessage({ data: '{"type":' });
    waits.push(desk.status.retry_at - clock.at);
    await clock.advance(waits.at(-1));
    network.accept();
    network.says(welcome(clock, { resume: 'complete' }), { type: 'resumed', revision: 100 });
  }
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000]);
  network.drops();
  assert.equal(desk.status.retry_at - clock.at, 500);
});

test('a listener that fails does not stop what is being done', async (context) => {
  const { desk, network, online } = scene();
  await online();
  const failures = [];
  context.mock.method(globalThis, 'queueMicrotask', (run) => failures.push(run));
  desk.on('message', () => {
    throw new Error('a defect of the page');
  });
  network.says(message(1));
  assert.equal(desk.cursor.revision, 101);
  assert.throws(failures[0], /a defect of the page/);
});

test('the cursor does not pass an event that waits for the picture of its conversation', async () => {
  const { desk, network, online } = scene();
  await online([conversation({ id: 'c2' })]);
  network.says(message(1), message(1, { conversation: 'c2', revision: 130 }));
  assert.equal(desk.conversations.get('c2').messages.length, 1);
  assert.equal(desk.cursor.revision, 100);
  const [{ id }] = network.sent('open');
  network.says({ type: 'conversation', id, conversation: conversation() });
  assert.equal(desk.cursor.revision, 101);
});

test('a connection that is lost while the list loads begins afresh', async () => {
  const { network, clock, online } = scene();
  await online();
  network.drops();
  await clock.advance(1_000);
  network.accept();
  network.says(welcome(clock, { resume: 'reset' }));
  network.drops();
  await clock.advance(1_000);
  assert.equal(network.accept().cursor, undefined);
});

const named = (...ids) => ids.map((id) => conversation({ id, last_seq: 0 }));

test('a reset loads as much of the list as there was, and shows it once it is here', async () => {
  const { desk, network, clock, online, answerList } = scene();
  const page = (conversations, next) => {
    const [{ id }] = network.sent('conversations').slice(-1);
    network.says({ type: 'conversation_list', id, conversations, revision: 100, next });
  };
  await online();
  network.says({ type: 'conversation_added', revision: 101, conversation: named('c2')[0] });
  network.drops(4010);
  await clock.advance(60_000);
  network.accept();
  network.says(welcome(clock, { resume: 'reset', reset_reason: 'access_changed' }));
  page(named('c3'), 'after c3');
  assert.deepEqual([...desk.conversations.keys()], ['c1', 'c2'], 'half a list is not shown');
  assert.equal(network.sent('conversations')[1].before, 'after c3');
  page(named('c2'), 'after c2');
  assert.equal(network.sent('conversations').length, 2);
  assert.deepEqual([...desk.conversations.keys()], ['c3', 'c2']);
  assert.equal(desk.next, 'after c2');
  assert.equal(desk.status.state, 'online');
});

test('one conversation beyond the list can be opened; one that is gone is said to be removed', async () => {
  const { desk, network, online } = scene();
  const removed = [];
  desk.on('removed', (event) => removed.push(event.conversation));
  await online([]);
  const answer = (reply) => network.says({ ...reply, id: network.sent('open').at(-1).id });
  const opened = desk.open('c1');
  answer({ type: 'conversation', conversation: conversation({ last_seq: 3, last_message: message(3) }) });
  assert.equal(await opened, true);
  assert.equal(desk.conversations.get('c1').last_seq, 3);
  assert.equal(await desk.open('c1'), true, 'it is here');
  assert.equal(network.sent('open').length, 1);
  const gone = desk.open('c2');
  answer({ type: 'error', code: 'not_found', message: 'Not there.' });
  assert.equal(await gone, false);
  assert.deepEqual(removed, ['c2']);
  const refused = desk.open('c3');
  answer({ type: 'error', code: 'rate_limited', message: 'Slow down.' });
  await assert.rejects(refused, { code: 'rate_limited' });
  assert.deepEqual(removed, ['c2']);
});
