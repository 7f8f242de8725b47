import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode, encode, Model } from '../deskbell.js';
import { conversation, scene } from './scripted.js';

const FOLDER = new URL('../../../tests/golden/', import.meta.url);
const index = existsSync(FOLDER)
  ? JSON.parse(readFileSync(new URL('index.json', FOLDER), 'utf8'))
  : [];
const frames = index.map((entry) => ({
  ...entry,
  text: readFileSync(new URL(`${entry.name}.json`, FOLDER), 'utf8'),
}));

for (const { name, direction, text } of frames) {
  if (direction === 'client') {
    test(`golden ${name}: the same bytes are sent`, () => {
      assert.equal(encode(JSON.parse(text)), JSON.stringify(JSON.parse(text)));
    });
  } else {
    test(`golden ${name}: it is understood`, async () => {
      const frame = decode(text);
      assert.deepEqual(frame, JSON.parse(text));
      const { desk, network, online } = scene();
      await online([conversation({ last_seq: (frame.seq ?? 1) - 1 })]);
      network.says(frame);
      if (Model.concerns(frame)) assert.equal(desk.conversations.has('c1'), true);
      if (frame.type === 'message') {
        const held = desk.conversations.get('c1').messages.at(-1);
        for (const [field, value] of Object.entries(frame))
          if (field !== 'type') assert.deepEqual(held[field], value, field);
      }
    });
  }
}

test('defaults are left out, whoever spells them out', () => {
  const send = {
    type: 'send',
    text: 'x',
    reply_to: 0,
    id: 4,
    client_message_id: 'm',
    conversation: 'c',
  };
  assert.equal(
    encode(send),
    '{"type":"send","id":4,"conversation":"c","client_message_id":"m","text":"x"}',
  );
  assert.equal(
    encode({ type: 'typing', conversation: 'c', active: true }),
    '{"type":"typing","conversation":"c"}',
  );
  assert.throws(() => decode('[]'), { code: 'bad_request' });
  assert.throws(() => decode('null'), { code: 'bad_request' });
});
