/** A server that follows a script, and a clock that moves when it is told to: nothing here waits. */

import assert from 'node:assert/strict';
import { Deskbell } from '../deskbell.js';

export class FakeClock {
  at = 1_793_000_000_000;
  #timers = new Map();
  #last = 0;

  now = () => this.at;

  setTimeout = (run, ms) => {
    this.#last += 1;
    this.#timers.set(this.#last, { due: this.at + ms, run });
    return this.#last;
  };

  clearTimeout = (timer) => {
    this.#timers.delete(timer);
  };

  /** Let time pass; what comes due runs in its order, and what it promises is kept. */
  async advance(ms) {
    await settled();
    const end = this.at + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.due <= end);
      if (!due.length) break;
      const [id, timer] = due.sort((a, b) => a[1].due - b[1].due || a[0] - b[0])[0];
      this.#timers.delete(id);
      this.at = Math.max(this.at, timer.due);
      timer.run();
      await settled();
    }
    this.at = end;
    await settled();
  }
}

export class FakeStorage {
  values = new Map();
  getItem = (key) => this.values.get(key) ?? null;
  setItem = (key, value) => {
    this.values.set(key, String(value));
  };
  removeItem = (key) => {
    this.values.delete(key);
  };
}

/** Let everything that has been promised happen. */
export async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

/** The connections a client opens, newest last. */
export class FakeNetwork {
  sockets = [];

  constructor() {
    const { sockets } = this;
    this.WebSocket = class {
      readyState = 0;
      sent = [];

      constructor(url, protocols) {
        Object.assign(this, { url, protocols });
        sockets.push(this);
      }

      send(text) {
        assert.equal(this.readyState, 1, 'sent on a connection that is not open');
        this.sent.push(JSON.parse(text));
      }

      close(code) {
        this.readyState = 3;
        this.closedWith = code;
      }
    };
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** The client's upgrade succeeds. */
  accept() {
    this.socket.readyState = 1;
    this.socket.onopen?.({});
    return this.socket.sent[0];
  }

  /** The server says something. */
  says(...frames) {
    for (const frame of frames) this.socket.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The server, or the network, ends the connection. */
  drops(code = 1006, reason = '') {
    this.socket.readyState = 3;
    this.socket.onclose?.({ code, reason });
  }

  /** What was sent on this connection, of one type. */
  sent(type) {
    return this.socket.sent.filter((frame) => frame.type === type);
  }
}

export const T = 1_792_999_000_000;
export const member = (person, rest = {}) => ({ person, name: person, role: 'staff', ...rest });
export const message = (seq, rest = {}) => ({
  type: 'message',
  revision: 100 + seq,
  conversation: 'c1',
  seq,
  at: T + seq,
  author: 'sam',
  text: `message ${seq}`,
  ...rest,
});
export const conversation = (rest = {}) => ({
  id: 'c1',
  kind: 'group',
  created_at: T,
  created_by: 'olivia',
  last_seq: 0,
  unread: 0,
  revision: 1,
  members: [
    member('olivia', { role: 'owner' }),
    member('sam'),
    member('carla', { role: 'customer' }),
  ],
  ...rest,
});
export const welcome = (clock, rest = {}) => ({
  type: 'welcome',
  person: 'carla',
  role: 'customer',
  business: 'pawsome',
  epoch: 'e1',
  revision: 100,
  resume: 'fresh',
  server_time: clock.at,
  privacy: { read_receipts: true, last_seen: true },
  business_settings: { read_receipts: true, last_seen: true },
  session_token: 'session',
  session_token_expires_at: clock.at + 604_800_000,
  heartbeat: { ping_after_ms: 20_000, timeout_ms: 30_000 },
  limits: { text_bytes: 32_768, watch_people: 200 },
  ...rest,
});

/** A client with everything injected, and what is needed to script its server. */
export function scene(options = {}) {
  const clock = options.clock ?? new FakeClock();
  const storage = options.storage ?? new FakeStorage();
  const network = new FakeNetwork();
  let ids = options.ids ?? 0;
  const desk = new Deskbell({
    url: 'https://desk.example',
    getToken: () => 'token',
    device: 'd1',
    storage,
    clock,
    random: () => 0.5,
    WebSocket: network.WebSocket,
    newId: () => `m${(ids += 1)}`,
    ...options,
  });
  /** Connect, and let the server answer with these conversations. */
  const online = async (conversations = [conversation()], rest = {}) => {
    desk.connect();
    await settled();
    network.accept();
    network.says(welcome(clock, rest));
    if ((rest.resume ?? 'fresh') !== 'complete') answerList(conversations);
    await settled();
  };
  const answerList = (conversations) => {
    const [asked] = network.sent('conversations').slice(-1);
    network.says({ type: 'conversation_list', id: asked.id, conversations, revision: 100 });
  };
  /** The connection is lost and comes back, with everything after the cursor. */
  const again = async (...missed) => {
    network.drops();
    await clock.advance(60_000);
    const hello = network.accept();
    network.says(welcome(clock, { resume: 'complete', revision: 200 }), ...missed, {
      type: 'resumed',
      revision: 200,
    });
    await settled();
    return hello;
  };
  return { clock, storage, network, desk, online, answerList, again };
}

/** The server's answer to a `send` that the client has on the wire. */
export function ackOf(send, seq, rest = {}) {
  const { id, client_message_id, conversation: where } = send;
  return {
    type: 'ack',
    id,
    client_message_id,
    conversation: where,
    seq,
    revision: 100 + seq,
    at: T + seq,
    ...rest,
  };
}
