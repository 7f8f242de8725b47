import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversation, FakeStorage, member, message, scene } from './scripted.js';

const READ = { delivered_up_to: 2, delivered_at: 20, read_up_to: 2, read_at: 20 };
const HELD = { last_seq: 2, last_message: message(2), revision: 102 };
const shown = (rest = {}) =>
  conversation({ ...HELD, members: [member('sam', READ), member('carla')], ...rest });
const hidden = () => shown({ members: [member('sam'), member('carla')] });
const hides = { type: 'visibility_changed', revision: 150, person: 'sam' };
const readOf = (desk) => desk.conversations.get('c1').members[0].read_up_to;

/** The server answers the newest question for the list. */
function answer(network, conversations, rest = {}) {
  const { id } = network.sent('conversations').at(-1);
  network.says({ type: 'conversation_list', id, conversations, revision: 150, ...rest });
}

test('what somebody shows no longer is not shown, soon after', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown()]);
  desk.watch(['sam']);
  network.says(hides, { ...hides, revision: 151 });
  assert.equal(network.sent('conversations').length, 1, 'not everybody at the same time');
  await clock.advance(2_000);
  assert.equal(network.sent('conversations').length, 2, 'two changes are one question');
  answer(network, [hidden()]);
  await clock.advance(2_000);
  assert.equal(readOf(desk), 0);
  assert.equal(network.sent('watch').length, 2, 'presence is asked for again');
  assert.equal(network.sent('conversations').length, 2);
});

test('every conversation that is here is asked for, page by page, and no more', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown(), shown({ id: 'c2' })]);
  network.says(hides);
  await clock.advance(2_000);
  answer(network, [hidden()], { next: 'p2' });
  await clock.advance(0);
  assert.equal(network.sent('conversations').at(-1).before, 'p2');
  answer(network, [{ ...hidden(), id: 'c2' }], { next: 'p3' });
  await clock.advance(0);
  assert.equal(network.sent('conversations').length, 3);
  assert.equal(desk.conversations.get('c2').members[0].read_up_to, 0);
});

test('a picture that events have overtaken is asked for again', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown()]);
  network.says(hides);
  await clock.advance(2_000);
  const mia = { kind: 'member_added', person: 'mia', text: 'Mia', role: 'staff', revision: 153 };
  network.says(message(3, mia));
  answer(network, [hidden()]);
  await clock.advance(0);
  assert.deepEqual(
    desk.conversations.get('c1').members.map((each) => each.person),
    ['sam', 'carla', 'mia'],
  );
  const [{ id }] = network.sent('open');
  const members = [member('sam'), member('carla'), member('mia')];
  network.says({
    type: 'conversation',
    id,
    conversation: shown({ members, last_seq: 3, revision: 153 }),
  });
  assert.equal(readOf(desk), 0);
  assert.equal(desk.conversations.get('c1').members.length, 3);
});

test('what news moved out of the pages is asked for by itself, again if refused for now', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown(), shown({ id: 'c2' })]);
  network.says(hides);
  await clock.advance(2_000);
  answer(network, [hidden()]);
  await clock.advance(0);
  const [asked] = network.sent('open');
  assert.equal(asked.conversation, 'c2');
  network.says({ type: 'error', id: asked.id, code: 'overloaded', message: 'Later.' });
  await clock.advance(2_000);
  answer(network, [hidden()]);
  await clock.advance(0);
  const { id } = network.sent('open').at(-1);
  network.says({ type: 'conversation', id, conversation: { ...hidden(), id: 'c2' } });
  assert.equal(desk.conversations.get('c2').members[0].read_up_to, 0);
  await clock.advance(5_000);
  assert.equal(network.sent('conversations').length, 3);
});

test('it is asked for after a reconnect, and after a reload, if there was no answer', async () => {
  const storage = new FakeStorage();
  const first = scene({ storage });
  await first.online([shown()]);
  first.network.says(hides);
  await first.again();
  await first.clock.advance(2_000);
  assert.equal(first.network.sent('conversations').length, 1);
  first.desk.save();
  const second = scene({ storage });
  await second.online([], { resume: 'complete' });
  second.network.says({ type: 'resumed', revision: 200 });
  await second.clock.advance(2_000);
  answer(second.network, [hidden()]);
  await second.clock.advance(0);
  assert.equal(readOf(second.desk), 0);
  second.desk.save();
  const third = scene({ storage });
  await third.online([], { resume: 'complete' });
  third.network.says({ type: 'resumed', revision: 200 });
  await third.clock.advance(2_000);
  assert.equal(third.network.sent('conversations').length, 0, 'the answer was kept');
});

test('a refusal is asked again', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown()]);
  network.says(hides);
  await clock.advance(2_000);
  const { id } = network.sent('conversations').at(-1);
  network.says({ type: 'error', id, code: 'overloaded', message: 'Later.' });
  await clock.advance(2_000);
  answer(network, [hidden()]);
  await clock.advance(0);
  assert.equal(readOf(desk), 0);
});

test('settings come with the welcome; only other ones void what is held', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown()], {
    privacy: { read_receipts: true, last_seen: false },
    business_settings: { read_receipts: false, last_seen: true },
  });
  assert.deepEqual(desk.model.settings, { read_receipts: true, last_seen: false });
  assert.deepEqual(desk.model.businessSettings, { read_receipts: false, last_seen: true });
  const same = { type: 'business_changed', revision: 150, read_receipts: false, last_seen: true };
  network.says(same);
  await clock.advance(2_000);
  assert.equal(network.sent('conversations').length, 1, 'the business has another name');
  network.says({ ...same, revision: 151, read_receipts: true });
  await clock.advance(2_000);
  assert.equal(network.sent('conversations').length, 2);
});

test('what was switched while away is found by the resume and not by its welcome', async () => {
  const { desk, network, online, again, clock } = scene();
  await online([shown()]);
  const settings = { read_receipts: false, last_seen: true };
  await again({ type: 'business_changed', revision: 150, ...settings });
  assert.deepEqual(desk.model.businessSettings, settings);
  await clock.advance(2_000);
  answer(network, [hidden()]);
  await clock.advance(0);
  assert.equal(readOf(desk), 0);
});

test('one’s own choice is asked for at once', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown()]);
  const done = desk.privacy({ read_receipts: false });
  network.says(
    { type: 'privacy_changed', revision: 150, read_receipts: false, last_seen: true },
    { type: 'ok', id: network.sent('privacy')[0].id, revision: 150 },
  );
  await clock.advance(0);
  answer(network, [hidden()]);
  await done;
  assert.equal(readOf(desk), 0);
  await clock.advance(5_000);
  assert.equal(network.sent('conversations').length, 2);
});

test('two refreshes at once are one question, and what becomes void meanwhile is another', async () => {
  const { desk, network, online, clock } = scene();
  await online([shown()]);
  const both = [desk.refresh(), desk.refresh()];
  assert.equal(network.sent('conversations').length, 2);
  network.says(hides);
  answer(network, [shown()]);
  await Promise.all(both);
  await clock.advance(2_000);
  assert.equal(network.sent('conversations').length, 3);
  answer(network, [hidden()]);
  await clock.advance(5_000);
  assert.equal(network.sent('conversations').length, 3);
  assert.equal(readOf(desk), 0);
});

test('a picture that stays too old is not asked for without end', async () => {
  const { network, online, clock } = scene();
  await online([shown({ revision: 160 })]);
  network.says({ ...hides, revision: 170 });
  for (let tries = 0; tries < 5; tries += 1) {
    await clock.advance(2_000);
    answer(network, [hidden()]);
    await clock.advance(0);
    const { id } = network.sent('open').at(-1);
    network.says({ type: 'conversation', id, conversation: hidden() });
    await clock.advance(0);
    assert.equal(network.sent('open').length, tries + 1);
  }
});

test('a refused refresh waits as long as it was told to', async () => {
  const { network, online, clock } = scene();
  await online([shown()]);
  network.says(hides);
  await clock.advance(2_000);
  const { id } = network.sent('conversations').at(-1);
  network.says({ type: 'error', id, code: 'rate_limited', message: 'Later.', retry_after: 10 });
  await clock.advance(9_000);
  assert.equal(network.sent('conversations').length, 2);
  await clock.advance(4_000);
  assert.equal(network.sent('conversations').length, 3);
});
