import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversation, scene, T } from './scripted.js';

const TEAM = { person: 'sam', role: 'staff' };

/** A server that answers every request alike, once it may. */
function lists(answer, status = 200) {
  const asked = [];
  let go = () => {};
  const gate = new Promise((resolve) => {
    go = resolve;
  });
  const fetch = async (url, { method, body }) => {
    const { pathname, search } = new URL(url);
    asked.push([method, pathname + search, body]);
    await gate;
    return new Response(JSON.stringify(answer), { status });
  };
  return { fetch, asked, go };
}
const page = { conversations: [conversation(), conversation({ id: 'c2' })], next: '77' };

test('what is asked of a queue or a filter is here then, and what was here stays', async () => {
  const server = lists(page);
  const { desk, online } = scene({ fetch: server.fetch });
  await online([conversation({ title: 'Held' })], TEAM);
  server.go();
  assert.deepEqual(await desk.queue('downtown', { waiting: true }), {
    ids: ['c1', 'c2'],
    next: '77',
  });
  assert.equal(desk.conversations.get('c1').title, 'Held');
  assert.equal(desk.conversations.get('c2').handling.status, 'open');
  await desk.filtered({ assignee: 'sam', location: '', before: '77' });
  assert.deepEqual(
    server.asked.map(([, path]) => path),
    [
      '/v1/locations/downtown/queue?waiting=true&limit=10',
      '/v1/conversations?assignee=sam&before=77',
    ],
  );
});

test('what is taken away while a list is on its way does not come back', async () => {
  const server = lists(page);
  const { desk, network, online } = scene({ fetch: server.fetch });
  await online([conversation()], TEAM);
  const asked = desk.queue('downtown');
  const removed = { revision: 120, conversation: 'c2', seq: 0, at: T, author: 'mia' };
  network.says({ type: 'conversation_removed', ...removed });
  server.go();
  assert.deepEqual((await asked).ids, ['c1']);
  assert.equal(desk.conversations.has('c2'), false);
});

test('a request is asked as the person, and a refusal has its code', async () => {
  const server = lists({ code: 'unresolved_variable', detail: 'It has no value.' }, 409);
  const { desk, online } = scene({ fetch: server.fetch });
  await online();
  server.go();
  await assert.rejects(desk.request('POST', '/v1/x', { a: 1 }), {
    code: 'unresolved_variable',
    message: 'It has no value.',
  });
  assert.deepEqual(server.asked, [['POST', '/v1/x', '{"a":1}']]);
});

test('why a message is where it is, and who else sees it, is asked for by conversation', async () => {
  const server = lists({ sentence: 'It answers a confirmation.', people: [{ id: 'mo' }] });
  const { desk, online } = scene({ fetch: server.fetch });
  await online([conversation()], TEAM);
  server.go();
  assert.equal((await desk.explain('c1', 12)).sentence, 'It answers a confirmation.');
  assert.deepEqual(await desk.colleagues('c1', 'M & o'), [{ id: 'mo' }]);
  assert.deepEqual(
    server.asked.map(([method, path]) => `${method} ${path}`),
    [
      'GET /v1/conversations/c1/messages/12/explanation',
      'GET /v1/conversations/c1/colleagues?search=M+%26+o&limit=50',
    ],
  );
});
