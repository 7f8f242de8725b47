import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference, Model } from '../deskbell.js';
import { ackOf, conversation, member, message, scene, T } from './scripted.js';

const change = (type, rest) => ({
  type,
  revision: 150,
  conversation: 'c1',
  at: T + 9,
  author: 'sam',
  ...rest,
});

function model(rest) {
  const held = new Model();
  held.person = 'carla';
  held.put(conversation(rest));
  return held;
}

test('messages are taken once and in order; above the next one is a gap', () => {
  const held = model();
  assert.equal(held.apply(message(1)), 'applied');
  assert.equal(held.apply(message(1)), 'known');
  assert.equal(held.apply(message(3)), 'gap');
  assert.equal(held.apply(message(2)), 'applied');
  assert.deepEqual(
    held.conversations.get('c1').messages.map((each) => each.seq),
    [1, 2],
  );
  assert.equal(held.conversations.get('c1').unread, 2);
});

test('every field of a message has its default', () => {
  const held = model();
  held.apply(message(1));
  assert.deepEqual(held.conversations.get('c1').messages[0], {
    conversation: 'c1',
    seq: 1,
    revision: 101,
    at: T + 1,
    author: 'sam',
    kind: 'text',
    text: 'message 1',
    person: '',
    role: '',
    reply_to: 0,
    client_message_id: '',
    edited_at: 0,
    deleted_at: 0,
    location: '',
    channel: 'app',
    attachments: [],
  });
});

test('edits and deletions carry the whole value: twice is once', () => {
  const held = model();
  const events = [
    message(1),
    message(2),
    change('message_edited', { seq: 1, text: 'better' }),
    change('message_deleted', { seq: 2 }),
  ];
  for (const event of [...events, ...events]) held.apply(event);
  const [one, two] = held.conversations.get('c1').messages;
  assert.deepEqual([one.text, one.edited_at], ['better', T + 9]);
  assert.deepEqual([two.text, two.deleted_at], ['', T + 9]);
  assert.equal(held.conversations.get('c1').unread, 1);
  held.apply(change('message_edited', { seq: 2, text: 'back again' }));
  assert.equal(two.text, '', 'a deleted message stays deleted');
});

test('membership entries change the member list, take a seq, and are not unread', () => {
  const held = model();
  const people = () => held.conversations.get('c1').members.map((each) => each.person);
  held.apply(message(1, { kind: 'member_added', person: 'mia', text: 'Mia', role: 'staff' }));
  assert.deepEqual(people(), ['olivia', 'sam', 'carla', 'mia']);
  assert.equal(held.conversations.get('c1').members.at(-1).name, 'Mia');
  held.apply(message(2, { kind: 'member_removed', person: 'sam', text: 'Sam' }));
  held.apply(message(3, { kind: 'member_left', person: 'mia', author: 'mia', text: 'Mia' }));
  assert.deepEqual(people(), ['olivia', 'carla']);
  assert.equal(held.conversations.get('c1').unread, 0);
});

test('receipt cursors only rise, and read implies delivered', () => {
  const held = model({ last_seq: 9 });
  const receipt = (rest) =>
    held.apply({ type: 'receipt', conversation: 'c1', receipts: [{ person: 'sam', ...rest }] });
  receipt({ delivered_up_to: 5, delivered_at: 50 });
  receipt({ delivered_up_to: 3, delivered_at: 60 });
  assert.equal(held.conversations.get('c1').members[1].delivered_up_to, 5);
  receipt({ read_up_to: 7, read_at: 70 });
  receipt({ read_up_to: 6, read_at: 80 });
  const sam = held.conversations.get('c1').members.find((each) => each.person === 'sam');
  assert.deepEqual(
    { ...sam, name: '', role: '' },
    {
      person: 'sam',
      name: '',
      role: '',
      active: true,
      delivered_up_to: 7,
      delivered_at: 70,
      read_up_to: 7,
      read_at: 70,
    },
  );
});

test('conversations come and go', () => {
  const held = model();
  held.apply({
    type: 'conversation_added',
    revision: 150,
    conversation: conversation({ id: 'c2', title: 'New' }),
  });
  assert.equal(held.conversations.get('c2').title, 'New');
  held.apply(change('conversation_removed', { conversation: 'c1', seq: 3 }));
  assert.deepEqual([...held.conversations.keys()], ['c2']);
});

test('settings are those of the person and of the business', () => {
  const held = model();
  held.apply({ type: 'business_changed', revision: 1, read_receipts: false, last_seen: true });
  held.apply({ type: 'privacy_changed', revision: 2, read_receipts: true, last_seen: false });
  assert.deepEqual(held.businessSettings, { read_receipts: false, last_seen: true });
  assert.deepEqual(held.settings, { read_receipts: true, last_seen: false });
});

test('a person looks the same on every member list that has them', () => {
  const held = model();
  held.put(conversation({ id: 'c2', members: [member('carla')] }));
  const known = { revision: 151, person: 'sam', name: 'Samuel', role: 'manager', active: false };
  held.apply({ type: 'person_changed', ...known });
  held.apply({ type: 'person_changed', ...known, person: 'nobody here' });
  const sam = held.conversations.get('c1').members.find((each) => each.person === 'sam');
  assert.deepEqual([sam.name, sam.role, sam.active], ['Samuel', 'manager', false]);
  assert.deepEqual(
    held.conversations.get('c2').members.map((each) => each.name),
    ['carla'],
  );
  held.apply({ type: 'person_changed', revision: 152, person: 'sam', name: 'Sam', role: 'staff' });
  assert.equal(sam.active, true);
});

test('a page of history is put before what is held, whatever it repeats', () => {
  const held = model({ last_seq: 5, last_message: message(5) });
  assert.equal(held.conversations.get('c1').more, true);
  assert.equal(held.prepend('c1', [message(3), message(4), message(5)], false), 2);
  assert.deepEqual(
    held.conversations.get('c1').messages.map((each) => each.seq),
    [3, 4, 5],
  );
  assert.equal(held.conversations.get('c1').more, false);
});

test('changes that come while a page is on its way are not lost', async () => {
  const { desk, network, online } = scene();
  await online([conversation({ last_seq: 2, last_message: message(2) })]);
  const loaded = desk.history('c1');
  network.says(change('message_edited', { seq: 1, text: 'newer than the page' }));
  network.says({
    type: 'page',
    id: network.sent('history')[0].id,
    conversation: 'c1',
    messages: [message(1)],
    more: false,
  });
  await loaded;
  assert.equal(desk.conversations.get('c1').messages[0].text, 'newer than the page');
  assert.equal(await desk.history('c1'), 0, 'there is no more');
});

test('an unread message that is deleted and not held is counted by the server', async () => {
  const { desk, network, online } = scene();
  await online([conversation({ last_seq: 5, last_message: message(5), unread: 5 })]);
  network.says(change('message_deleted', { seq: 2 }));
  const [{ id }] = network.sent('open');
  network.says({
    type: 'conversation',
    id,
    conversation: conversation({ last_seq: 5, unread: 4, revision: 150 }),
  });
  assert.equal(desk.conversations.get('c1').unread, 4);
});

test('snapshots are equal over what both hold, and the first difference is named', () => {
  const one = model({ last_seq: 3, last_message: message(3) });
  const other = model({ last_seq: 3, last_message: message(3) });
  one.prepend('c1', [message(1), message(2)], false);
  assert.equal(difference(one.snapshot(), other.snapshot(), 'carla'), '');
  other.apply(change('message_edited', { seq: 3, text: 'other' }));
  assert.match(difference(one.snapshot(), other.snapshot(), 'carla'), /^c1\.messages\[0\]/);
  other.apply(message(4));
  assert.match(difference(one.snapshot(), other.snapshot(), 'carla'), /^c1\.last_seq: 3 \| 4/);
  other.put(conversation({ id: 'c2', members: [member('carla')] }));
  assert.match(difference(one.snapshot(), other.snapshot(), 'carla'), /^conversations/);
});

test('snapshots agree where cursors say the same of one’s own messages', () => {
  const receipt = (person, read_up_to) => ({
    type: 'receipt',
    conversation: 'c1',
    receipts: [{ person, read_up_to, read_at: T + read_up_to }],
  });
  const [one, other] = [model(), model()];
  for (const each of [one, other]) {
    each.apply(message(1, { author: 'carla' }));
    each.apply(message(2));
    each.apply(message(3, { author: 'carla' }));
  }
  const compared = () => difference(one.snapshot(), other.snapshot(), 'carla');
  one.apply(receipt('sam', 1));
  other.apply(receipt('sam', 2)); // says nothing more of what Carla wrote
  assert.equal(compared(), '');
  other.apply(receipt('sam', 3));
  assert.match(compared(), /members/);
  one.apply(receipt('sam', 3));
  other.apply(receipt('carla', 1)); // one's own message is not unread
  assert.equal(compared(), '');
  other.apply(receipt('carla', 2));
  assert.match(compared(), /unread/);
});

test('a live model and one that resumed agree', async () => {
  const events = [
    message(1),
    message(2, { author: 'carla' }),
    change('message_edited', { revision: 103, seq: 1, text: 'edited' }),
    message(3, { revision: 104, kind: 'member_added', person: 'mia', text: 'Mia', role: 'staff' }),
    message(4, { revision: 105 }),
  ];
  const live = scene();
  await live.online();
  live.network.says(...events);
  const away = scene();
  await away.online();
  await away.again(message(1, { text: 'edited', edited_at: T + 9 }), ...events.slice(1));
  assert.equal(difference(live.desk.model.snapshot(), away.desk.model.snapshot(), 'carla'), '');
});

const HANDLING = {
  locations: [],
  status: 'open',
  snoozed_until: 0,
  assignee: '',
  waiting_since: 0,
};
const handled = (revision, handling) => ({
  type: 'handling_changed',
  revision,
  conversation: 'c1',
  handling,
});

function team(rest) {
  const held = new Model();
  Object.assign(held, { person: 'sam', role: 'staff' });
  held.put(conversation(rest));
  return held;
}

test('the team holds a handling of every conversation, a customer of none', () => {
  assert.deepEqual(team().conversations.get('c1').handling, HANDLING);
  const told = { locations: ['uptown'], waiting_since: T };
  assert.deepEqual(team({ handling: told }).conversations.get('c1').handling, {
    ...HANDLING,
    ...told,
  });
  const held = model();
  held.apply(message(1, { author: 'carla' }));
  assert.equal(held.apply(handled(150, told)), 'known');
  assert.equal(held.conversations.get('c1').handling, null);
});

test('a customer waits from their first word until the team answers', () => {
  const held = team();
  const since = () => held.conversations.get('c1').handling.waiting_since;
  const after = (seq, rest) => {
    assert.equal(held.apply(message(seq, rest)), 'applied');
    return since();
  };
  assert.equal(after(1, { author: 'carla' }), T + 1);
  assert.equal(after(2, { author: 'carla' }), T + 1, 'they wait already');
  assert.equal(after(3, { author: '@business', location: 'uptown' }), T + 1, 'no answer');
  const came = { kind: 'member_added', author: 'sam', person: 'mia', role: 'staff' };
  assert.equal(after(4, came), T + 1, 'nothing was said');
  assert.equal(after(5, { author: 'mia' }), 0);
  assert.equal(after(6, { author: 'carla' }), T + 6);
  held.apply(message(6, { author: 'carla' }));
  held.apply(message(5, { author: 'mia' }));
  assert.equal(since(), T + 6, 'twice is once');
});

test('a conversation is on the channel on which a customer wrote last, for the team to know', () => {
  const held = team({ channel: 'email' });
  const on = (seq, rest) => {
    held.apply(message(seq, rest));
    return held.conversations.get('c1').channel;
  };
  assert.equal(on(1, { author: 'mia' }), 'email', 'the team moves it nowhere');
  assert.equal(on(2, { author: 'carla', channel: 'text' }), 'text');
  assert.equal(held.conversations.get('c1').messages.at(-1).channel, 'text');
  assert.equal(on(3, { author: '@business', location: 'uptown' }), 'text');
  assert.equal(on(4, { author: 'carla' }), 'app');
  assert.equal(held.refresh(conversation({ channel: 'text', revision: 150 })), true);
  assert.equal(held.conversations.get('c1').channel, 'text');
  const own = model();
  own.apply(message(1, { author: 'carla', channel: 'text' }));
  assert.equal(own.conversations.get('c1').channel, 'app', 'a customer is not told');
});

test('a handling that is told replaces what is held, and an older one does not', () => {
  const held = team({ handling: { locations: ['uptown'], waiting_since: T }, revision: 120 });
  const now = () => held.conversations.get('c1').handling;
  assert.equal(held.apply(handled(120, { status: 'closed' })), 'known', 'the picture has it');
  assert.equal(held.apply(handled(121, { status: 'closed' })), 'applied');
  assert.deepEqual(now(), { ...HANDLING, status: 'closed' });
  held.apply(handled(122, { assignee: 'sam' }));
  assert.equal(held.apply(handled(121, { status: 'closed' })), 'known');
  assert.deepEqual(now(), { ...HANDLING, assignee: 'sam' });
  const picture = conversation({ handling: { assignee: 'mia' }, revision: 130 });
  assert.equal(held.refresh(picture), true);
  assert.equal(held.apply(handled(129, {})), 'known');
  assert.equal(now().assignee, 'mia');
});

test('an answer whose ack overtakes the claim that it made has been given', async () => {
  const { desk, network, online } = scene();
  const waits = { handling: { waiting_since: T + 1 }, last_seq: 1 };
  const mine = { person: 'sam', role: 'staff' };
  await online([conversation({ ...waits, last_message: message(1, { author: 'carla' }) })], mine);
  desk.send('c1', 'She is ready.');
  network.says(ackOf(network.sent('send')[0], 2, { revision: 110 }));
  assert.equal(desk.conversations.get('c1').handling.waiting_since, 0);
  network.says(handled(109, { assignee: 'sam', waiting_since: T + 1 }));
  assert.deepEqual(desk.conversations.get('c1').handling, { ...HANDLING, assignee: 'sam' });
});

test('a handling that comes while a page is on its way stays as it was told last', async () => {
  const { desk, network, online } = scene();
  const mine = { person: 'sam', role: 'staff' };
  await online([conversation({ last_seq: 2, last_message: message(2) })], mine);
  const loaded = desk.history('c1');
  network.says(handled(110, { status: 'closed' }), handled(111, { waiting_since: T }));
  network.says(message(3, { revision: 112, author: 'mia' }));
  const page = { conversation: 'c1', messages: [message(1)], more: false };
  network.says({ type: 'page', id: network.sent('history')[0].id, ...page });
  await loaded;
  assert.deepEqual(desk.conversations.get('c1').handling, HANDLING);
});

test('how the team deals with a conversation is asked for by one command', async () => {
  const { desk, network, online } = scene();
  await online();
  const done = desk.handle('c1', 'snooze', { until: T });
  const [{ id, ...asked }] = network.sent('handle');
  assert.deepEqual(asked, { type: 'handle', conversation: 'c1', action: 'snooze', until: T });
  network.says({ type: 'ok', id, revision: 120 });
  await done;
});

test('devices that hold another handling differ', () => {
  const [one, other] = [team(), team()];
  other.apply(handled(150, { assignee: 'sam' }));
  assert.match(difference(one.snapshot(), other.snapshot(), 'sam'), /^c1\.handling: /);
});
