import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ackOf, conversation, member, message, scene, T } from './scripted.js';

const receipt = (person, rest) => ({
  type: 'receipt',
  revision: 150,
  conversation: 'c1',
  receipts: [{ person, ...rest }],
});

test('what arrives is delivered by itself, the highest of a burst', async () => {
  const { network, clock, online } = scene();
  await online();
  network.says(message(1), message(2), message(3));
  await clock.advance(100);
  assert.deepEqual(network.sent('receipt'), [
    { type: 'receipt', conversation: 'c1', delivered_up_to: 3 },
  ]);
});

test('one’s own messages and loaded history bring no receipt', async () => {
  const { desk, network, clock, online } = scene();
  const me = member('carla', { delivered_up_to: 9, read_up_to: 9 });
  await online([
    conversation({ last_seq: 9, last_message: message(9), members: [member('sam'), me] }),
  ]);
  const loaded = desk.history('c1');
  const [{ id, before }] = network.sent('history');
  assert.equal(before, 9);
  network.says({
    type: 'page',
    id,
    conversation: 'c1',
    messages: [message(7), message(8)],
    more: true,
  });
  assert.equal(await loaded, 2);
  network.says(message(10, { author: 'carla' }));
  await clock.advance(1_000);
  assert.deepEqual(network.sent('receipt'), []);
});

test('what the list shows as new has arrived', async () => {
  const { network, clock, online } = scene();
  await online([conversation({ last_seq: 4, last_message: message(4), unread: 4 })]);
  await clock.advance(100);
  assert.deepEqual(network.sent('receipt'), [
    { type: 'receipt', conversation: 'c1', delivered_up_to: 4 },
  ]);
});

test('read is sent when told, clears unread at once, and never goes back', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  network.says(message(1), message(2));
  assert.equal(desk.conversations.get('c1').unread, 2);
  desk.read('c1', 1);
  assert.equal(desk.conversations.get('c1').unread, 1);
  desk.read('c1');
  desk.read('c1', 1);
  assert.equal(desk.conversations.get('c1').unread, 0);
  await clock.advance(100);
  assert.deepEqual(network.sent('receipt'), [
    { type: 'receipt', conversation: 'c1', read_up_to: 2 },
  ]);
  desk.read('c1', 99);
  await clock.advance(100);
  assert.equal(network.sent('receipt').length, 1);
});

test('the highest cursors sent are repeated after a reconnect, and after a reload', async () => {
  const { desk, network, clock, storage, online, again } = scene();
  await online();
  network.says(message(1), message(2));
  desk.read('c1', 1);
  await clock.advance(100);
  const said = network.sent('receipt');
  await again();
  await clock.advance(100);
  assert.deepEqual(network.sent('receipt'), said);
  desk.save();
  const reloaded = scene({ storage, clock });
  await reloaded.online([], { resume: 'complete' });
  reloaded.network.says({ type: 'resumed', revision: 200 });
  await clock.advance(100);
  assert.deepEqual(reloaded.network.sent('receipt'), said);
});

test('a receipt that was due when the page went away goes out after the reload', async () => {
  const { desk, network, clock, storage, online } = scene();
  await online();
  network.says(message(1), message(2));
  desk.save();
  const reloaded = scene({ storage, clock });
  await reloaded.online([], { resume: 'complete' });
  reloaded.network.says({ type: 'resumed', revision: 200 });
  await clock.advance(100);
  assert.deepEqual(reloaded.network.sent('receipt'), [
    { type: 'receipt', conversation: 'c1', delivered_up_to: 2 },
  ]);
});

test('one’s own cursors move here at once', async () => {
  const { desk, network, online } = scene();
  await online();
  network.says(message(1), message(2));
  const held = desk.conversations.get('c1');
  assert.equal(desk.model.me(held).delivered_up_to, 2);
  desk.read('c1', 1);
  assert.equal(desk.model.me(held).read_up_to, 1);
});

test('receipts that came due while offline go out with the next connection', async () => {
  const { desk, network, clock, online, again } = scene();
  await online();
  network.says(message(1));
  await clock.advance(100);
  network.drops();
  desk.read('c1');
  await again();
  await clock.advance(100);
  assert.deepEqual(network.sent('receipt'), [
    { type: 'receipt', conversation: 'c1', read_up_to: 1 },
  ]);
});

test('ticks: sent, delivered and read count the other members', async () => {
  const { desk, network, online } = scene();
  await online();
  desk.send('c1', 'hello');
  network.says(ackOf(network.sent('send')[0], 1));
  const held = desk.conversations.get('c1');
  const ticks = () => desk.ticks(held, held.messages[0]);
  assert.deepEqual(ticks(), { state: 'sent', delivered: 0, read: 0, of: 2 });
  network.says(receipt('sam', { delivered_up_to: 1, delivered_at: T }));
  assert.deepEqual(ticks(), { state: 'sent', delivered: 1, read: 0, of: 2 });
  network.says(receipt('olivia', { read_up_to: 1, read_at: T }));
  assert.deepEqual(ticks(), { state: 'delivered', delivered: 2, read: 1, of: 2 });
  network.says(receipt('sam', { read_up_to: 1, read_at: T + 1 }));
  assert.deepEqual(ticks(), { state: 'read', delivered: 2, read: 2, of: 2 });
});

test('a cursor of one’s own from another device clears unread here', async () => {
  const { desk, network, online } = scene();
  await online();
  network.says(message(1), message(2));
  network.says(receipt('carla', { read_up_to: 2, read_at: T }));
  assert.equal(desk.conversations.get('c1').unread, 0);
});

test('times and people come from receipts', async () => {
  const { desk, network, online } = scene();
  await online();
  const asked = desk.receipts('c1', 1);
  const [{ id, seq }] = network.sent('receipts');
  assert.equal(seq, 1);
  network.says({
    type: 'receipt_list',
    id,
    conversation: 'c1',
    seq: 1,
    receipts: [{ person: 'sam', delivered_at: T }],
  });
  assert.deepEqual(await asked, [{ person: 'sam', delivered_at: T, read_at: 0 }]);
});

test('typing is told every 3 s at most, and taken back when it stops or is sent', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  for (let key = 0; key < 40; key += 1) {
    desk.typing('c1');
    await clock.advance(100);
  }
  const active = { type: 'typing', conversation: 'c1' };
  assert.deepEqual(network.sent('typing'), [active, active]);
  await clock.advance(5_000);
  assert.deepEqual(network.sent('typing').at(-1), { ...active, active: false });
  desk.typing('c1');
  desk.typing('c1', false);
  desk.typing('c1', false);
  assert.equal(network.sent('typing').length, 5);
});

test('typists disappear after for_ms, when they stop, and when their message comes', async () => {
  const { desk, network, clock, online } = scene();
  await online();
  const types = { type: 'typing', conversation: 'c1', person: 'sam', active: true, for_ms: 6_000 };
  network.says(types);
  assert.deepEqual(desk.typists('c1'), ['sam']);
  await clock.advance(6_000);
  assert.deepEqual(desk.typists('c1'), []);
  network.says(types, { ...types, active: false, for_ms: 0 });
  assert.deepEqual(desk.typists('c1'), []);
  network.says(types, message(1));
  assert.deepEqual(desk.typists('c1'), []);
});

test('presence is watched again after a reconnect, and the same set is asked for once', async () => {
  const { desk, network, online, again } = scene();
  await online();
  desk.watch(['sam', 'olivia', 'sam']);
  desk.watch(['olivia', 'sam']);
  assert.deepEqual(network.sent('watch'), [{ type: 'watch', people: ['olivia', 'sam'] }]);
  network.says({
    type: 'presence',
    people: [
      { person: 'sam', state: 'online' },
      { person: 'olivia', state: 'offline', last_seen_at: T },
    ],
  });
  assert.deepEqual(desk.model.presence.get('olivia'), { state: 'offline', last_seen_at: T });
  await again();
  assert.deepEqual(network.sent('watch'), [{ type: 'watch', people: ['olivia', 'sam'] }]);
});

const many = (from, to) =>
  Array.from({ length: to - from }, (_, n) =>
    conversation({
      id: `k${from + n}`,
      last_seq: 1,
      last_message: message(1, { conversation: `k${from + n}` }),
    }),
  );

test('what `more` loads has arrived, too', async () => {
  const { desk, network, clock, online } = scene();
  await online([]);
  desk.next = 'there';
  const loaded = desk.more();
  const [{ id }] = network.sent('conversations').slice(-1);
  network.says({ type: 'conversation_list', id, conversations: many(0, 2), revision: 100 });
  await loaded;
  await clock.advance(100);
  assert.deepEqual(network.sent('receipt'), [
    { type: 'receipt', conversation: 'k0', delivered_up_to: 1 },
    { type: 'receipt', conversation: 'k1', delivered_up_to: 1 },
  ]);
});

test('many receipts go out at a steady pace, the newest first', async () => {
  const { desk, network, clock, online } = scene();
  await online(many(0, 25));
  const count = () => network.sent('receipt').length;
  await clock.advance(100);
  assert.equal(count(), 10);
  desk.read('k3');
  await clock.advance(500);
  assert.equal(count(), 20);
  assert.ok(network.sent('receipt').some((each) => each.read_up_to === 1));
  await clock.advance(500);
  assert.equal(count(), 25);
  await clock.advance(5_000);
  assert.equal(count(), 25);
  const told = new Set(network.sent('receipt').map((each) => each.conversation));
  assert.equal(told.size, 25);
});

test('what was not sent when the connection was lost goes out with the next one', async () => {
  const { network, clock, online, again } = scene();
  await online(many(0, 1));
  await again(); // before the burst went out: nothing was sent that would be repeated
  await clock.advance(100);
  assert.equal(network.sent('receipt').length, 1);
});

test('of more people than may be watched, the first ones are', async () => {
  const { desk, network, online } = scene();
  await online([conversation()], { limits: { watch_people: 2 } });
  desk.watch(['sam', 'olivia', 'ann']);
  desk.watch(['olivia', 'sam', 'ben']);
  assert.deepEqual(network.sent('watch'), [{ type: 'watch', people: ['olivia', 'sam'] }]);
});

test('who works where a conversation is placed reads it without being a member', async () => {
  const { desk, network, clock, online } = scene();
  const placed = { handling: { locations: ['uptown'] }, last_seq: 2, unread: 2 };
  const mia = { person: 'mia', role: 'staff' };
  await online([conversation({ ...placed, last_message: message(2) })], mia);
  desk.read('c1');
  assert.equal(desk.conversations.get('c1').unread, 0);
  desk.read('c1');
  await clock.advance(1_000);
  const wanted = { type: 'receipt', conversation: 'c1', read_up_to: 2 };
  assert.deepEqual(network.sent('receipt'), [wanted]);
  network.says(message(3), message(4));
  assert.equal(desk.conversations.get('c1').unread, 2);
  desk.read('c1', 2);
  await clock.advance(1_000);
  assert.equal(network.sent('receipt').filter(({ read_up_to }) => read_up_to).length, 1);
  const receipts = [{ person: 'mia', read_up_to: 3, read_at: 1 }]; // of another device
  network.says({ type: 'receipt', revision: 110, conversation: 'c1', receipts });
  assert.equal(desk.conversations.get('c1').unread, 1);
});

for (const [shared, team] of [
  ['personal', {}],
  ['the team’s', { team_read_up_to: 0 }],
]) {
  test(`who answers without being in it has read it: the count is ${shared}`, async () => {
    const { desk, network, clock, online } = scene();
    const joined = { kind: 'member_added', person: 'carla', text: 'Carla', role: 'staff' };
    const told = (own) => [
      message(4, { author: 'carla', ...joined }),
      ...(own ? [message(5, { author: 'carla', client_message_id: own })] : []),
      receipt('carla', { delivered_up_to: 5, delivered_at: T, read_up_to: 5, read_at: T }),
    ];
    const members = [member('dan', { role: 'customer' })];
    const last = message(3, { author: 'dan' });
    const picture = { last_seq: 3, last_message: last, unread: 3, members, ...team };
    await online([conversation(picture)]);
    desk.send('c1', 'We are open').catch(() => {});
    const [sent] = network.sent('send');
    network.says(ackOf(sent, 5), ...told(''));
    const held = desk.conversations.get('c1');
    assert.deepEqual([held.unread, desk.model.me(held).read_up_to], [0, 5]);
    network.says(message(6, { author: 'dan' }));
    assert.equal(held.unread, 1);
    await clock.advance(1_000);
    desk.read('c1', 5);
    await clock.advance(1_000);
    const reads = network.sent('receipt').filter((each) => each.read_up_to);
    assert.deepEqual(reads, [], 'the server knows');

    const other = scene(); // another device, to which the answer comes as an event
    await other.online([conversation({ ...picture, members: [...members] })]);
    other.network.says(...told('elsewhere'));
    const there = other.desk.conversations.get('c1');
    assert.deepEqual([there.unread, other.desk.model.me(there).read_up_to], [0, 5]);
  });
}
