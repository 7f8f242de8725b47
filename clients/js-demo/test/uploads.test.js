import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeskbellError } from '../deskbell.js';
import { conversation, message, scene, settled, T } from './scripted.js';

const PICTURE = {
  id: 'u1',
  name: 'Rex.jpg',
  media_type: 'image/jpeg',
  kind: 'image',
  bytes: 9,
  width: 4,
  height: 3,
  thumbnail: true,
};
const PENDING = {
  id: 'u2',
  name: 'a.pdf',
  media_type: 'application/pdf',
  kind: 'document',
  bytes: 7,
  state: 'pending-scan',
};
const ack = (id) => ({
  type: 'ack',
  id,
  client_message_id: 'm1',
  conversation: 'c1',
  seq: 1,
  revision: 101,
  at: T,
});

/** A server that keeps one upload, and fails as often as it is told to. */
function uploads({ failures = [], refused = null } = {}) {
  const asked = [];
  let held = '';
  let looks = 0;
  const answer = (status, body) =>
    new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
  const state = (size) => {
    const upload = { id: 'u1', size, offset: held.length, chunk_bytes: 4, code: '', text: '' };
    if (held.length < size) return { ...upload, state: 'uploading' };
    looks += 1;
    if (looks < 2) return { ...upload, state: 'examining' };
    if (refused) return { ...upload, state: 'refused', ...refused };
    return { ...upload, state: 'ready', attachment: PICTURE };
  };
  let size = 0;
  const fetch = async (url, { method, headers, body, signal }) => {
    const { pathname, searchParams, origin } = new URL(url);
    asked.push(`${method} ${pathname}${searchParams.size ? `?${searchParams}` : ''}`);
    assert.equal(origin, 'https://desk.example');
    assert.equal(headers.Authorization, 'Bearer session');
    signal?.throwIfAborted();
    const failure = failures.shift();
    if (failure === 'network') throw new TypeError('fetch failed');
    if (failure) return answer(failure.status, failure);
    if (method === 'POST') {
      ({ size } = JSON.parse(body));
      return answer(201, state(size));
    }
    if (method === 'DELETE') return answer(200, { id: 'u1' });
    if (method === 'PATCH') {
      if (Number(searchParams.get('offset')) !== held.length) {
        return answer(409, { code: 'conflict', detail: `at ${held.length}`, retry_after: 0 });
      }
      held += await body.text();
      if (failures.lost?.shift()) throw new TypeError('the answer is lost');
    }
    return answer(200, state(size));
  };
  return { fetch, asked, held: () => held };
}

/** Whatever is promised, while time passes. */
async function done(clock, promise) {
  let over = false;
  const end = () => {
    over = true;
  };
  promise.then(end, end);
  for (let turn = 0; turn < 200 && !over; turn += 1) {
    await clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}

test('a file goes in chunks, and what comes of it can be sent', async () => {
  const server = uploads();
  const { desk, clock, network, online } = scene({ fetch: server.fetch });
  await online();
  const seen = [];
  const file = new Blob(['123456789']);
  const onProgress = (at, of) => seen.push([at, of]);
  const uploaded = await done(clock, desk.upload(file, { name: 'Rex.jpg', onProgress }));
  assert.deepEqual(uploaded, PICTURE);
  assert.equal(server.held(), '123456789');
  assert.deepEqual(server.asked.slice(0, 4), [
    'POST /v1/uploads',
    'PATCH /v1/uploads/u1?offset=0',
    'PATCH /v1/uploads/u1?offset=4',
    'PATCH /v1/uploads/u1?offset=8',
  ]);
  assert.deepEqual(seen[0], [0, 9]);
  assert.deepEqual(seen.at(-1), [9, 9]);
  const stored = desk.send('c1', '', { attachments: [uploaded] });
  await settled();
  const [sent] = network.sent('send');
  assert.deepEqual(sent.attachments, ['u1']);
  assert.deepEqual(desk.outbox('c1')[0].attachments, [PICTURE]);
  network.says(ack(sent.id));
  assert.deepEqual((await stored).attachments, [PICTURE]);
});

test('a broken connection costs a look, not the file', async () => {
  const failures = Object.assign(['network', undefined, 'network', undefined], { lost: [true] });
  const server = uploads({ failures });
  const { desk, clock, online } = scene({ fetch: server.fetch });
  await online();
  await done(clock, desk.upload(new Blob(['123456789'])));
  assert.equal(server.held(), '123456789');
});

test('a server that cannot be reached is not asked for ever', async () => {
  const server = uploads({ failures: Array(20).fill('network') });
  const { desk, clock, online } = scene({ fetch: server.fetch });
  await online();
  await assert.rejects(done(clock, desk.upload(new Blob(['x']))), { code: 'disconnected' });
  assert.equal(server.asked.length, 6);
});

test('what is not taken is rejected with the reason', async () => {
  const refused = { code: 'unsupported', text: 'Not a recognized image file' };
  const server = uploads({ refused });
  const { desk, clock, online } = scene({ fetch: server.fetch });
  await online();
  await assert.rejects(done(clock, desk.upload(new Blob(['x']))), (error) => {
    assert.ok(error instanceof DeskbellError);
    assert.deepEqual([error.code, error.message], [refused.code, refused.text]);
    return true;
  });
  const text = "Not a recognized image file\nSupported image types are 'jpeg', 'jpg', 'png'";
  const empty = uploads({ failures: [{ status: 400, code: 'bad_request', detail: text }] });
  const third = scene({ fetch: empty.fetch });
  await third.online();
  const nothing = third.desk.upload(new Blob([]), { name: 'Rex.png' });
  await assert.rejects(done(third.clock, nothing), { code: 'bad_request', message: text });
  assert.deepEqual(empty.asked, ['POST /v1/uploads']);
  const full = uploads({ failures: [{ status: 429, code: 'rate_limited', detail: 'Full.' }] });
  const other = scene({ fetch: full.fetch });
  await other.online();
  await assert.rejects(done(other.clock, other.desk.upload(new Blob(['x']))), { message: 'Full.' });
  assert.equal(full.asked.length, 1);
});

test('who gives up is heard, and the server too', async () => {
  const server = uploads();
  const { desk, clock, online } = scene({ fetch: server.fetch });
  await online();
  const abort = new AbortController();
  const onProgress = () => abort.abort();
  const options = { onProgress, signal: abort.signal };
  await assert.rejects(done(clock, desk.upload(new Blob(['123456789']), options)), {
    name: 'AbortError',
  });
  assert.equal(server.asked.at(-1), 'DELETE /v1/uploads/u1');
});

test('nothing is uploaded before there has been a connection', async () => {
  const { desk } = scene({ fetch: uploads().fetch });
  await assert.rejects(desk.link('c1', 1, 'u1'), { code: 'disconnected' });
});

test('a link is an address of the server', async () => {
  const answer = { url: '/v1/files/x.y', thumbnail_url: '', expires_at: 5 };
  const fetch = async () => new Response(JSON.stringify(answer));
  const { desk, online } = scene({ fetch });
  await online();
  assert.deepEqual(await desk.link('c1', 1, 'u1'), {
    url: 'https://desk.example/v1/files/x.y',
    thumbnail_url: '',
    expires_at: 5,
  });
});

test('an attachment is settled, and goes with its message', async () => {
  const { desk, network, online } = scene();
  await online([conversation()]);
  network.says(message(1, { attachments: [PICTURE, PENDING] }));
  const held = () => desk.conversations.get('c1').messages[0].attachments;
  const change = { type: 'attachment_changed', conversation: 'c1', seq: 1 };
  network.says({ ...change, revision: 110, attachment: 'u2', state: 'ready' });
  const { state: _, ...ready } = PENDING;
  assert.deepEqual(held(), [PICTURE, ready]);
  network.says({ ...change, revision: 111, attachment: 'u1', state: 'refused' });
  assert.equal(held()[0].state, 'refused');
  assert.equal(held()[0].thumbnail, undefined);
  network.says({ ...change, revision: 112, attachment: 'nowhere', state: 'ready' });
  network.says({ ...change, revision: 113, seq: 9, attachment: 'u1', state: 'ready' });
  const deletion = { conversation: 'c1', seq: 1, at: T, author: 'sam' };
  network.says({ type: 'message_deleted', revision: 114, ...deletion });
  assert.deepEqual(held(), []);
});

test('what we sent comes again as the server describes it', async () => {
  const { desk, network, online } = scene();
  await online([conversation()]);
  desk.send('c1', '', { attachments: [PENDING] });
  await settled();
  const [sent] = network.sent('send');
  network.says(ack(sent.id));
  const { state: _, ...ready } = PENDING;
  const own = { author: 'carla', text: '', client_message_id: 'm1' };
  network.says(message(1, { ...own, attachments: [ready] }));
  const { messages } = desk.conversations.get('c1');
  assert.equal(messages.length, 1);
  assert.deepEqual(messages[0].attachments, [ready]);
});
