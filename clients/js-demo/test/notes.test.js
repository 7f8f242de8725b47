import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Model } from '../deskbell.js';
import { conversation, scene } from './scripted.js';

const T = 1_793_000_000_000;
const note = (revision, fields = {}) => ({
  type: 'note',
  conversation: 'c1',
  note: 'n-1',
  revision,
  seq: 1,
  at: T,
  author: 'mo',
  text: 'He bites',
  ...fields,
});

function team() {
  const held = new Model();
  Object.assign(held, { person: 'sam', role: 'staff' });
  held.put(conversation({ last_seq: 1, unread: 1 }));
  return held;
}

test('a note is held as it was told last, and moves no count', () => {
  const held = team();
  const notes = () => held.conversations.get('c1').notes;
  assert.equal(held.apply(note(120, { mentions: ['sam'] })), 'applied');
  assert.equal(held.apply(note(121, { note: 'n-2', at: T + 1 })), 'applied');
  assert.equal(held.apply(note(122, { text: 'He does not', edited_at: T + 2 })), 'applied');
  assert.equal(held.apply(note(120)), 'known');
  assert.deepEqual(notes().map((each) => [each.note, each.text, each.mentions]), [
    ['n-1', 'He does not', []],
    ['n-2', 'He bites', []],
  ]);
  const { unread, last_seq, messages } = held.conversations.get('c1');
  assert.deepEqual([unread, last_seq, messages], [1, 1, []]);
});

test('notes that are loaded join those that came, whichever is newer', async () => {
  const { desk, network, online } = scene();
  await online([conversation()], { person: 'sam', role: 'staff' });
  network.says(note(130, { text: '', deleted_at: T + 5 }));
  const loaded = desk.notes('c1');
  const [{ id }] = network.sent('notes');
  const older = note(110, { note: 'n-0', at: T - 1 });
  network.says({ type: 'note_list', id, conversation: 'c1', notes: [note(120), older], next: '9' });
  assert.equal(await loaded, '9');
  const { notes } = desk.conversations.get('c1');
  assert.deepEqual(notes.map((each) => [each.note, each.text]), [['n-0', 'He bites'], ['n-1', '']]);
});

test('a note is added, edited and deleted by one command', async () => {
  const { desk, network, online } = scene();
  await online([conversation()], { person: 'sam', role: 'staff' });
  const done = [
    desk.addNote('c1', 'He bites', ['mo']),
    desk.editNote('c1', 'n-1', { text: 'No' }),
    desk.deleteNote('c1', 'n-1'),
  ];
  const sent = network.sent('note');
  for (const { id } of sent) network.says({ type: 'ok', id, revision: 140 });
  const [made] = await Promise.all(done);
  assert.deepEqual(
    sent.map(({ id, type, conversation: _, ...asked }) => asked),
    [
      { note: made, action: 'add', text: 'He bites', mentions: ['mo'] },
      { note: 'n-1', action: 'edit', text: 'No' },
      { note: 'n-1', action: 'delete' },
    ],
  );
});

test('a mark is told to all devices, and is apart from what is unread', async () => {
  const held = team();
  const marked = (unread) => ({ type: 'marked', conversation: 'c1', revision: 150, unread });
  assert.equal(held.conversations.get('c1').marked, false);
  assert.equal(held.apply(marked(true)), 'applied');
  assert.equal(held.apply(marked(true)), 'known');
  const now = held.conversations.get('c1');
  assert.deepEqual([now.marked, now.unread], [true, 1]);
  const { desk, network, online } = scene();
  await online();
  const done = desk.mark('c1', false);
  const [{ id, ...asked }] = network.sent('mark');
  assert.deepEqual(asked, { type: 'mark', conversation: 'c1', unread: false });
  network.says({ type: 'ok', id });
  await done;
});
