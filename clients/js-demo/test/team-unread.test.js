// Where the team shares what is unread: a picture that says how far it has read (EX-24).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Model } from '../deskbell.js';
import { conversation, member, message, scene } from './scripted.js';

const said = (seq, author, rest = {}) => message(seq, { author, ...rest });
const joined = (seq, person, role) =>
  said(seq, 'olivia', { kind: 'member_added', person, role, text: person });
const left = (seq, person, role) =>
  said(seq, 'olivia', { kind: 'member_removed', person, role, text: person });
const receipt = (rest, revision = 150) => ({
  type: 'receipt',
  revision,
  conversation: 'c1',
  receipts: [],
  ...rest,
});
const STAFF = { person: 'sam', role: 'staff' };

function held(rest = { team_read_up_to: 0 }) {
  const model = new Model();
  Object.assign(model, STAFF);
  model.put(conversation(rest));
  const apply = (...events) => events.map((event) => model.apply(event));
  return { model, apply, unread: () => model.conversations.get('c1').unread };
}

test('customers’ messages count, and no colleague’s', () => {
  const { apply, unread } = held();
  apply(said(1, 'carla'), said(2, 'olivia'), said(3, 'zoe'), said(4, '@business'));
  assert.equal(unread(), 1);
});

test('what a colleague has read is read here, and never less', () => {
  const { apply, unread } = held();
  apply(said(1, 'carla'), said(2, 'olivia'), said(3, 'carla'), said(4, 'carla'));
  assert.equal(unread(), 3);
  apply(receipt({ team_read_up_to: 3 }));
  assert.equal(unread(), 1);
  apply(receipt({ team_read_up_to: 2 }));
  apply(receipt({ receipts: [{ person: 'olivia', read_up_to: 4 }] }));
  assert.equal(unread(), 1, 'the server says how far the team has read, not its members');
  apply({ type: 'message_deleted', revision: 160, conversation: 'c1', seq: 1, at: 9 });
  assert.equal(unread(), 1, 'what was read already');
  apply({ type: 'message_deleted', revision: 161, conversation: 'c1', seq: 4, at: 9 });
  assert.equal(unread(), 0);
});

test('what one has read oneself the team has read, also of who is no member', () => {
  const { model, apply, unread } = held();
  apply(said(1, 'carla'), said(2, 'carla'));
  apply(receipt({ receipts: [{ person: 'sam', read_up_to: 1 }] }));
  assert.deepEqual([unread(), model.conversations.get('c1').team_read_up_to], [1, 1]);
  apply(left(3, 'sam', 'staff'));
  apply({ type: 'message_deleted', revision: 160, conversation: 'c1', seq: 1, at: 9 });
  assert.equal(unread(), 1);
  apply(receipt({ receipts: [{ person: 'sam', read_up_to: 3 }] }));
  assert.deepEqual([unread(), model.conversations.get('c1').team_read_up_to], [0, 3]);
});

test('a customer who has gone has said what they said', () => {
  const { apply, unread } = held();
  apply(joined(1, 'dan', 'customer'), said(2, 'carla'), said(3, 'dan'), left(4, 'dan', 'customer'));
  apply(receipt({ team_read_up_to: 2 }));
  assert.equal(unread(), 1);
});

test('where counts are personal, what the team has read says nothing', () => {
  const { model, apply, unread } = held({});
  apply(said(1, 'carla'), said(2, 'olivia'));
  apply(receipt({ team_read_up_to: 2 }));
  assert.equal(unread(), 2);
  assert.equal(model.conversations.get('c1').team_read_up_to, undefined);
});

const TEAM_ONLY = [member('olivia', { role: 'owner' }), member('sam')];

test('the first customer who comes and the last who goes make the server count', async () => {
  const { desk, network, online } = scene();
  await online([conversation({ members: TEAM_ONLY })], STAFF);
  network.says(said(1, 'olivia'), said(2, 'olivia'));
  assert.equal(desk.conversations.get('c1').unread, 2);
  network.says(joined(3, 'carla', 'customer'));
  const [{ id }] = network.sent('open');
  const shared = { last_seq: 3, revision: 103, unread: 0, team_read_up_to: 0 };
  network.says({ type: 'conversation', id, conversation: conversation(shared) });
  const { unread, team_read_up_to: team } = desk.conversations.get('c1');
  assert.deepEqual([unread, team], [0, 0]);
  network.says(joined(4, 'dan', 'customer'), left(5, 'dan', 'customer'), joined(6, 'zoe', 'staff'));
  assert.equal(network.sent('open').length, 1, 'one is there all the time');
  network.says(left(7, 'carla', 'customer'));
  const [, again] = network.sent('open');
  const alone = { last_seq: 7, revision: 107, unread: 2, members: TEAM_ONLY };
  network.says({ type: 'conversation', id: again.id, conversation: conversation(alone) });
  assert.equal(desk.conversations.get('c1').unread, 2);
  network.says(said(8, 'olivia'));
  assert.equal(desk.conversations.get('c1').unread, 3, 'personal again');
});

test('a customer asks nothing when others come and go', async () => {
  const { network, online } = scene();
  await online([conversation({ members: [...TEAM_ONLY, member('carla', { role: 'customer' })] })]);
  network.says(joined(1, 'dan', 'customer'), left(2, 'dan', 'customer'));
  assert.deepEqual(network.sent('open'), []);
});

test('who changes sides makes everything be counted again', async () => {
  for (const [person, role, lists] of [
    ['carla', 'staff', 2],
    ['olivia', 'customer', 2],
    ['olivia', 'manager', 1],
    ['stranger', 'customer', 1],
  ]) {
    const { network, clock, online } = scene();
    await online([conversation({ team_read_up_to: 0 })], STAFF);
    network.says({ type: 'person_changed', revision: 150, person, name: person, role });
    await clock.advance(2_000);
    assert.equal(network.sent('conversations').length, lists, `${person} is ${role}`);
  }
});

test('where the last customer has gone what colleagues said is unread, but not what was read', () => {
  const { model, apply, unread } = held();
  apply(said(1, 'carla'), said(2, 'olivia'));
  apply(receipt({ receipts: [{ person: 'sam', read_up_to: 1 }] }));
  assert.equal(unread(), 0);
  const alone = { last_seq: 2, revision: 200, unread: 2, members: TEAM_ONLY };
  assert.equal(model.refresh(conversation(alone)), true);
  assert.equal(unread(), 1);
});

test('what is deleted and not held is asked for only where it was unread', async () => {
  const { network, online } = scene();
  const shared = { last_seq: 9, last_message: said(9, 'carla'), unread: 5, team_read_up_to: 4 };
  await online([conversation(shared)], STAFF);
  const deleted = (seq) => ({ type: 'message_deleted', conversation: 'c1', seq, at: 9 });
  network.says({ ...deleted(4), revision: 150 });
  assert.equal(network.sent('open').length, 0);
  network.says({ ...deleted(5), revision: 151 });
  assert.equal(network.sent('open').length, 1);
});

test('a newer picture brings how far the team has read; what was read here meanwhile stays', () => {
  const { model, apply, unread } = held({ last_seq: 0 });
  apply(said(1, 'carla'), said(2, 'olivia'), said(3, 'carla'));
  apply(receipt({ receipts: [{ person: 'sam', read_up_to: 1 }] }));
  assert.equal(unread(), 2);
  const picture = conversation({ last_seq: 3, revision: 200, unread: 2, team_read_up_to: 0 });
  assert.equal(model.refresh(picture), true);
  assert.equal(unread(), 1);
  assert.equal(model.conversations.get('c1').team_read_up_to, 1);
});
