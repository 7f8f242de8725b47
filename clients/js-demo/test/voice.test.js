import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversation, member, message, scene } from './scripted.js';

/** As much of an element as a row is made of. */
class FakeElement {
  className = '';
  textContent = '';
  children = [];
  append = (...children) => this.children.push(...children);
  setAttribute = () => {};
  addEventListener = () => {};

  get words() {
    return [this.textContent, ...this.children.map((each) => each.words ?? each)].join('');
  }

  find(className) {
    if (this.className.split(' ').includes(className)) return this;
    return this.children.map((each) => each.find?.(className)).find(Boolean);
  }
}

globalThis.navigator ??= { languages: ['en-GB'] };
globalThis.document = {
  createElement: () => new FakeElement(),
  createElementNS: () => new FakeElement(),
  createTextNode: (text) => text,
};
const { nameOf, shortNameOf } = await import('../names.js');
const { messageRow } = await import('../message-row.js');

const VOICE = 'Automatic message';
const automatic = message(1, { kind: 'text', author: '@business', location: 'uptown' });

test('what the business says by itself has a name of its own, in full', () => {
  const held = { ...conversation(), messages: [automatic] };
  assert.equal(nameOf(held, '@business'), VOICE);
  assert.equal(shortNameOf(held, '@business'), VOICE);
  assert.equal(shortNameOf({ ...held, members: [member('mia', { name: 'Mia Lee' })] }, 'mia'), 'Mia');
});

test('its messages are signed, also where two people talk and theirs are not', async () => {
  const { desk, online } = scene();
  const two = [member('sam'), member('carla', { role: 'customer' })];
  await online([conversation({ members: two })]);
  const held = { ...desk.conversations.get('c1'), messages: [automatic] };
  const files = { of: () => null };
  const row = (of) => messageRow(desk, held, { message: of, first: true, last: true }, { files });
  assert.equal(row(automatic).find('author').words, VOICE);
  assert.equal(row(message(2, { kind: 'text' })).find('author'), undefined);
  const reply = row(message(3, { kind: 'text', author: 'carla', reply_to: 1 }));
  assert.match(reply.find('quote').words, /Automatic message/);
});
