/**
 * Deskbell for JavaScript: one module, no dependency, for browsers and Node 20 or later.
 *
 *     import { Deskbell } from './deskbell.js';
 *
 *     const desk = new Deskbell({ url: 'https://desk.example', getToken: () => askMyBackend() });
 *     desk.on('message', ({ conversation, message }) => console.log(message.author, message.text));
 *     await desk.connect();
 *     const [newest] = desk.list();
 *     await desk.send(newest.id, 'Is Rex ready?'); // resolves when it is stored and synced to disk
 *     desk.read(newest.id);
 *
 * It speaks docs/protocol.md in JSON. What arrives is applied to a local model (`conversations`)
 * that is kept in `storage` together with the cursor, so that a reload resumes where it stopped.
 * What is sent waits in an outbox in `storage`, is retried under one `client_message_id` over any
 * number of connections, and so arrives exactly once and in order.
 *
 * Node 20 has no WebSocket of its own: pass one as `WebSocket`, or run it with
 * --experimental-websocket. Where there is no localStorage and no `storage` is given, memory is
 * used and nothing outlives the process.
 *
 * @module deskbell
 */

// --- What crosses the wire -----------------------------------------------------------------------

/**
 * @typedef {'owner' | 'manager' | 'staff' | 'customer'} Role
 *
 * @typedef {object} Member
 * @property {string} person
 * @property {string} name
 * @property {string} role
 * @property {boolean} active  false: they have no access any more
 * @property {number} delivered_up_to
 * @property {number} delivered_at
 * @property {number} read_up_to
 * @property {number} read_at
 *
 * @typedef {object} Attachment  a file of a message
 * @property {string} id
 * @property {string} name
 * @property {string} media_type
 * @property {string} kind  `image`, `video` or `document`
 * @property {number} bytes
 * @property {number} [width]  of an image, in pixels
 * @property {number} [height]
 * @property {string} [state]  left out when it is `ready`; else `pending-scan` or `refused`
 * @property {boolean} [thumbnail]  whether there is a small picture of it
 *
 * @typedef {'app' | 'text' | 'email'} Channel
 *
 * @typedef {object} Message
 * @property {string} conversation
 * @property {number} seq
 * @property {number} revision
 * @property {number} at
 * @property {string} author
 * @property {string} kind  `text`, `member_added`, `member_removed` or `member_left`
 * @property {string} text
 * @property {string} person
 * @property {string} role
 * @property {number} reply_to
 * @property {string} client_message_id
 * @property {number} edited_at
 * @property {number} deleted_at
 * @property {Attachment[]} attachments
 * @property {string} location  where not '', in its name the business said it by itself
 * @property {Channel} channel  on which it was written
 *
 * @typedef {object} Handling  how the team deals with a conversation with a customer
 * @property {string[]} locations  where it is placed
 * @property {'open' | 'snoozed' | 'closed'} status
 * @property {number} snoozed_until
 * @property {string} assignee  a person, or ''
 * @property {number} waiting_since  since when a customer waits for an answer; 0: nobody does
 * @property {number} [alerted]  equal to `waiting_since`: they have waited too long
 *
 * @typedef {'assign' | 'unassign' | 'transfer' | 'close' | 'snooze' | 'reopen' | 'handled' |
 *   'waiting'} Action
 *
 * @typedef {{person: string, name: string, live: boolean, reason?: string,
 *   delivered_at?: number}} Recipient
 * @typedef {{kind: string, location: string, person: string, at: number}} Answered
 * @typedef {{rule: string, sentence: string, locations?: string[], answers?: Answered | null,
 *   customer_locations?: string[], last_appointment?: string, newest_conversation?: string[],
 *   staff_locations?: string[], recipients?: Recipient[]}} Explanation  why a message is where it is
 *
 * @typedef {object} Note  what the team says to itself about a conversation
 * @property {string} note  its id
 * @property {number} revision
 * @property {number} seq  the newest entry when it was written
 * @property {number} at
 * @property {string} author
 * @property {string} text  '' once it was deleted
 * @property {string[]} mentions  people of the team
 * @property {number} edited_at
 * @property {number} deleted_at
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} kind  `direct` or `group`
 * @property {string} title
 * @property {number} created_at
 * @property {string} created_by
 * @property {Member[]} members
 * @property {number} last_seq
 * @property {number} unread
 * @property {number} [team_read_up_to]  the team shares a count here, and has read so far
 * @property {boolean} marked  as unread, by this person
 * @property {number} revision  of the newest event of it that is in here
 * @property {Handling | null} handling  null: this person is a customer, who is not told
 * @property {number} handling_revision  at which `handling` was last told whole
 * @property {Channel} channel  on which a customer wrote last; `app` for a customer, who is not told
 * @property {Note[]} notes  those that are known, oldest first; `notes` loads more
 * @property {Message[]} messages  the newest ones, without a gap, in ascending seq
 * @property {boolean} more  whether older messages can be loaded
 *
 * @typedef {{state: 'online' | 'away' | 'offline', last_seen_at: number}} Presence
 * @typedef {{type: string, id?: number, [field: string]: any}} Frame
 * @typedef {{person: string, delivered_at: number, read_at: number}} Receipt
 * @typedef {{epoch: string, revision: number}} Cursor
 * @typedef {{text: string, hit: boolean}} Part
 * @typedef {{conversation: string, seq: number, revision: number, at: number, author: string,
 *   parts: Part[], more_before: boolean, more_after: boolean}} Found
 *
 * @typedef {object} Waiting  a message in the outbox
 * @property {string} client_message_id
 * @property {string} conversation
 * @property {string} text
 * @property {number} reply_to
 * @property {Attachment[]} [attachments]
 * @property {number} at
 * @property {string} person  who wrote it; nobody else's connection sends it
 * @property {{code: string, message: string} | null} error  set when the server refused it for good
 * @property {{seq: number, revision: number, at: number} | null} ack  set when it is stored, while
 *   older messages of its conversation have not come yet
 *
 * @typedef {object} Ticks
 * @property {'waiting' | 'failed' | 'sent' | 'delivered' | 'read'} state
 * @property {number} delivered  how many of the other members have received it
 * @property {number} read  how many of them have read it
 * @property {number} of  how many they are
 */

export const SUBPROTOCOL = 'deskbell.v1.json';

/** What the client does after each close code: docs/protocol.md, section 10. */
export const CLOSE_CODES = /** @type {const} */ ({
  1000: ['normal', 'stop'],
  1001: ['going away', 'stop'],
  1002: ['protocol error', 'stop'],
  1003: ['wrong kind', 'stop'],
  1007: ['not UTF-8', 'stop'],
  1008: ['policy', 'stop'],
  1009: ['too big', 'stop'],
  1011: ['internal', 'reconnect'],
  4000: ['timeout', 'reconnect'],
  4004: ['no hello', 'reconnect'],
  4008: ['slow', 'reconnect'],
  4010: ['reset', 'reconnect'],
  4012: ['restart', 'reconnect'],
  4013: ['overloaded', 'reconnect'],
  4500: ['bad hello', 'stop'],
  4501: ['unauthenticated', 'new token'],
  4503: ['deactivated', 'stop'],
  4509: ['replaced', 'stop'],
});

/** Refusals that pass: the same command may be tried again, under the same ids. */
const PASSING = new Set(['rate_limited', 'overloaded', 'unavailable', 'disconnected']);

const MESSAGE = {
  revision: 0,
  at: 0,
  author: '',
  kind: 'text',
  text: '',
  person: '',
  role: '',
  reply_to: 0,
  client_message_id: '',
  edited_at: 0,
  deleted_at: 0,
  location: '',
  channel: /** @type {Channel} */ ('app'),
  attachments: /** @type {Attachment[]} */ ([]),
};
const NOTE = { text: '', edited_at: 0, deleted_at: 0 };
const HANDLING = { status: 'open', snoozed_until: 0, assignee: '', waiting_since: 0 };
const MEMBER = {
  name: '',
  role: '',
  active: true,
  delivered_up_to: 0,
  delivered_at: 0,
  read_up_to: 0,
  read_at: 0,
};
const TEAM = new Set(['owner', 'manager', 'staff']);
/** Events that change a conversation that is held. */
const CONCERN_ONE = new Set([
  'message',
  'message_edited',
  'message_deleted',
  'attachment_changed',
  'receipt',
  'handling_changed',
  'note',
  'marked',
]);
const HEARTBEAT = { ping_after_ms: 20_000, timeout_ms: 30_000 };
const CONNECT_TIMEOUT_MS = 20_000;
const TYPING_EVERY_MS = 3_000;
const TYPING_STOPS_MS = 5_000;
const RECEIPT_DELAY_MS = 80;
const RECEIPT_BATCH = 10; // conversations …
const RECEIPT_BATCH_MS = 500; // … each so often: well below what the server takes
const REPEATED_RECEIPTS = 100; // conversations
const REFRESH_WITHIN_MS = 2_000; // all clients of a business are told at the same time
const SAVE_DELAY_MS = 300;
const SAVED_MESSAGES = 40; // of each conversation
const SAVED_CHARACTERS = 1_500_000; // a browser gives an origin about five million
const MAX_UNREAD = 1_000;
const LARGEST_ID = 999_999_999; // of a command, where only the length of its frame counts
const UTF8 = new TextEncoder();
const UPLOAD_TRIES = 6; // requests in a row that may fail for want of a connection
const UPLOAD_PAUSE_MS = 1_000;
const EXAMINED_EVERY_MS = 300;

/** An error with a stable `code` and a sentence for a person; `retry_after` is in seconds. */
export class DeskbellError extends Error {
  /** @param {string} code @param {string} message @param {number} [retryAfter] */
  constructor(code, message, retryAfter = 0) {
    super(message);
    this.name = 'DeskbellError';
    this.code = code;
    this.retry_after = retryAfter;
  }
}

/**
 * What to do after a close code. One that is not in the table counts as a lost connection (4000),
 * except that 4500 to 4999 always ask to stop.
 * @param {number} code @returns {'stop' | 'reconnect' | 'new token'}
 */
export function afterClose(code) {
  const known = /** @type {Record<number, readonly [string, any]>} */ (CLOSE_CODES)[code];
  return known ? known[1] : code >= 4500 && code <= 4999 ? 'stop' : 'reconnect';
}

/**
 * Milliseconds to wait before the n-th try: full jitter over min(60 s, 1 s · 2ⁿ), n = 0, 1, 2 …
 * @param {number} attempt @param {() => number} random in [0, 1)
 */
export function backoff(attempt, random) {
  return random() * Math.min(60_000, 1_000 * 2 ** Math.min(attempt, 16));
}

/**
 * The `retry_after` of a close reason in milliseconds, or undefined where it has none.
 * @param {string} reason
 */
export function retryAfter(reason) {
  const found = /(?:^|[\s;,])retry_after=(\d+(?:\.\d+)?)/.exec(reason);
  return found ? Number(found[1]) * 1_000 : undefined;
}

/** A frame from its text. @param {string} text @returns {Frame} */
export function decode(text) {
  const frame = JSON.parse(text);
  if (frame === null || typeof frame !== 'object' || typeof frame.type !== 'string') {
    throw new DeskbellError('bad_request', 'A frame is a map with a type.');
  }
  return frame;
}

/** Every command with its fields in the order of the protocol, and what they are when left out. */
const COMMANDS = /** @type {Record<string, Record<string, any>>} */ ({
  hello: { token: null, device: null, cursor: null, location: null },
  send: {
    conversation: null,
    client_message_id: null,
    text: null,
    reply_to: 0,
    attachments: null,
  },
  edit: { conversation: null, seq: null, text: null },
  delete: { conversation: null, seq: null },
  receipt: { conversation: null, delivered_up_to: 0, read_up_to: 0 },
  typing: { conversation: null, active: true },
  history: { conversation: null, before: null, after: null, limit: 50 },
  conversations: {
    location: null,
    status: null,
    assignee: null,
    unassigned: false,
    waiting: false,
    unread: false,
    channel: null,
    before: null,
    limit: 50,
  },
  open: { conversation: null },
  create: { kind: null, people: null, title: '', conversation: null },
  add_member: { conversation: null, person: null },
  remove_member: { conversation: null, person: null },
  leave: { conversation: null },
  handle: { conversation: null, action: null, person: null, location: null, until: null },
  mark: { conversation: null, unread: true },
  note: { conversation: null, note: null, action: null, text: null, mentions: null },
  notes: { conversation: null, before: null, limit: 50 },
  receipts: { conversation: null, seq: null },
  versions: { conversation: null, seq: null },
  people: { search: '', limit: 20 },
  search: {
    q: null,
    conversation: null,
    author: null,
    person: null,
    location: null,
    status: null,
    channel: null,
    attachments: false,
    since: null,
    until: null,
    before: null,
    limit: 20,
  },
  watch: { people: null },
  activity: { active: null },
  privacy: { read_receipts: null, last_seen: null },
  ping: {},
});

/**
 * The text of a command: its fields in the order of the protocol, those at their default left out.
 * @param {Frame} command
 */
export function encode(command) {
  /** @type {Record<string, any>} */
  const frame = { type: command.type, id: command.id };
  for (const [field, absent] of Object.entries(COMMANDS[command.type])) {
    const value = command[field] ?? absent;
    if (value !== absent) frame[field] = value;
  }
  return JSON.stringify(frame);
}

// --- The local model: docs/protocol.md, sections 5 and 6 -----------------------------------------

/** What this person sees, as the events tell it. It does no I/O. */
export class Model {
  person = '';
  role = '';
  business = '';
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  /** @type {Map<string, Presence>} */
  presence = new Map();
  /** @type {Map<string, Map<string, number>>} conversation → person → until when, on our clock */
  typing = new Map();
  /** Your own choice and the business's: whether read receipts and last-seen are shown. */
  settings = { read_receipts: true, last_seen: true };
  businessSettings = { read_receipts: true, last_seen: true };

  /** @param {any} picture a **conversation** of the wire, which replaces what is held of it */
  put(picture) {
    const { last_message, members, handling, ...rest } = picture;
    const conversation = {
      title: '',
      created_at: 0,
      created_by: '',
      last_seq: 0,
      unread: 0,
      marked: false,
      channel: /** @type {Channel} */ ('app'),
      revision: 0,
      ...rest,
      handling: this.#handling(handling),
      handling_revision: rest.revision ?? 0,
      notes: [],
      members: (members ?? []).map((/** @type {any} */ each) => this.#member(each)),
      messages: last_message ? [asMessage(last_message, rest.id)] : [],
      more: (last_message ? last_message.seq : (rest.last_seq ?? 0)) > 1,
    };
    this.conversations.set(conversation.id, conversation);
  }

  /**
   * Take the members, the unread count and the handling of a newer picture of a conversation.
   * @param {any} picture
   * @returns {boolean} false: it is older than what is held
   */
  refresh(picture) {
    const conversation = this.conversations.get(picture.id);
    if (!conversation) return true;
    if (picture.revision < conversation.revision) return false;
    const own = this.me(conversation);
    conversation.members = picture.members.map((/** @type {any} */ each) => this.#member(each));
    const mine = this.me(conversation);
    const { team_read_up_to: team } = conversation;
    const otherwise = (team === undefined) !== (picture.team_read_up_to === undefined);
    conversation.team_read_up_to = picture.team_read_up_to;
    const ahead = own && mine && own.read_up_to > mine.read_up_to;
    if (!ahead || otherwise) conversation.unread = picture.unread ?? 0;
    if (ahead) {
      Object.assign(mine, own);
      this.#reads(conversation, own.read_up_to);
    }
    conversation.marked = picture.marked ?? false;
    conversation.channel = picture.channel ?? 'app';
    conversation.handling = this.#handling(picture.handling);
    conversation.handling_revision = picture.revision;
    return true;
  }

  /** @param {any} [given] @returns {Handling | null} */
  #handling(given) {
    return TEAM.has(this.role) ? { locations: [], ...HANDLING, ...given } : null;
  }

  /** @param {any} given @returns {Member} */
  #member(given) {
    const { state = 'offline', last_seen_at = 0, ...rest } = given;
    if (given.person !== this.person) this.presence.set(given.person, { state, last_seen_at });
    return { ...MEMBER, ...rest };
  }

  /** @param {Conversation} conversation @returns {Member | undefined} */
  me(conversation) {
    return conversation.members.find((member) => member.person === this.person);
  }

  /**
   * Messages after it are unread: what the team has read, where it shares a count, is not.
   * @param {Conversation} conversation
   */
  readUpTo(conversation) {
    const mine = this.me(conversation)?.read_up_to ?? 0;
    return Math.max(mine, conversation.team_read_up_to ?? 0);
  }

  /**
   * The role of somebody who is in a conversation, or was when one of the messages held was said.
   * @param {Conversation} conversation @param {string} person
   */
  #role({ members, messages }, person) {
    const member = members.find((each) => each.person === person);
    return (member ?? messages.findLast((each) => each.person === person))?.role;
  }

  /**
   * Whether a message is one of the unread ones: of customers alone where the team shares a count.
   * @param {Conversation} conversation @param {Message} message
   */
  #counts(conversation, message) {
    if (!counts(message, this.person)) return false;
    const shared = conversation.team_read_up_to !== undefined;
    return !shared || this.#role(conversation, message.author) === 'customer';
  }

  /**
   * Whether an event that was applied made the first customer come, or the last one go: only the
   * server can count now. A customer is never told so, being there.
   * @param {Frame} event
   */
  countsOtherwise({ type, conversation: id, kind, role }) {
    if (type !== 'message' || role !== 'customer') return false;
    const members = this.conversations.get(id)?.members ?? [];
    const customers = members.filter((each) => each.role === 'customer').length;
    return customers === (kind === 'member_added' ? 1 : 0);
  }

  /**
   * Whether an event that is not applied yet makes a customer one of the team, or the other way.
   * @param {Frame} event
   */
  changesSides({ type, person, role }) {
    if (type !== 'person_changed' || !TEAM.has(this.role)) return false;
    return [...this.conversations.values()].some((conversation) => {
      const before = this.#role(conversation, person);
      return before && (before === 'customer') !== (role === 'customer');
    });
  }

  /**
   * @param {Frame} event
   * @returns {boolean} whether a conversation it names must be held to apply it
   */
  static concerns(event) {
    return CONCERN_ONE.has(event.type);
  }

  /**
   * @param {Frame} event
   * @returns {boolean} whether what is held of others may be void once it has been applied
   */
  static voids(event) {
    return ['business_changed', 'privacy_changed', 'visibility_changed'].includes(event.type);
  }

  /**
   * Apply one event; applying it again changes nothing.
   * @param {Frame} event
   * @returns {'applied' | 'known' | 'gap'} `gap`: a message is missing before it
   */
  apply(event) {
    const conversation = this.conversations.get(event.conversation);
    const done = this.#apply(conversation, event);
    if (conversation && done !== 'gap') {
      conversation.revision = Math.max(conversation.revision, event.revision ?? 0);
    }
    return done;
  }

  /**
   * @param {Conversation | undefined} conversation
   * @param {Frame} event
   * @returns {'applied' | 'known' | 'gap'}
   */
  #apply(conversation, event) {
    switch (event.type) {
      case 'message':
        return conversation ? this.#message(conversation, event) : 'known';
      case 'message_edited':
        return this.#edited(conversation, event);
      case 'message_deleted':
        return this.#deleted(conversation, event);
      case 'attachment_changed':
        return this.#settled(conversation, event);
      case 'receipt':
        return this.#receipts(conversation, event.receipts, event.team_read_up_to);
      case 'conversation_added':
        this.put(event.conversation);
        return 'applied';
      case 'conversation_removed':
        this.typing.delete(event.conversation);
        return this.conversations.delete(event.conversation) ? 'applied' : 'known';
      case 'handling_changed':
        return this.#handlingChanged(conversation, event);
      case 'marked':
        if (!conversation || conversation.marked === event.unread) return 'known';
        conversation.marked = event.unread;
        return 'applied';
      case 'note':
        return conversation && this.note(conversation, event) ? 'applied' : 'known';
      case 'business_changed':
        return this.#chosen('businessSettings', event);
      case 'privacy_changed':
        return this.#chosen('settings', event);
      case 'person_changed':
        return this.#person(event);
      case 'visibility_changed':
        return 'applied'; // what is held of them is to be asked for again
      case 'presence':
        for (const { person, state, last_seen_at = 0 } of event.people) {
          this.presence.set(person, { state, last_seen_at });
        }
        return 'applied';
      default:
        return 'known';
    }
  }

  /**
   * @param {Conversation} conversation
   * @param {Frame} event
   * @returns {'applied' | 'known' | 'gap'}
   */
  #message(conversation, event) {
    if (event.seq <= conversation.last_seq) return this.#described(conversation, event);
    if (event.seq > conversation.last_seq + 1) return 'gap';
    const message = asMessage(event, conversation.id);
    conversation.messages.push(message);
    conversation.last_seq = message.seq;
    this.typing.get(conversation.id)?.delete(message.author);
    const rest = conversation.members.filter((member) => member.person !== message.person);
    if (message.kind === 'member_added') {
      const { person, text: name, role } = message;
      conversation.members = [...rest, this.#member({ person, name, role })];
    } else if (message.kind !== 'text') {
      conversation.members = rest;
    }
    if (this.#counts(conversation, message)) {
      conversation.unread = Math.min(conversation.unread + 1, MAX_UNREAD);
    }
    this.#waits(conversation, message);
    return 'applied';
  }

  /**
   * The word of a customer begins the waiting, and says on which channel an answer is expected; an
   * answer of the team ends it.
   * @param {Conversation} conversation
   * @param {Message} message
   */
  #waits(conversation, { kind, author, at, location, channel }) {
    const { handling, members } = conversation;
    if (!handling || kind !== 'text' || location) return;
    const role = members.find((member) => member.person === author)?.role;
    if (role !== 'customer') {
      handling.waiting_since = 0;
      return;
    }
    handling.waiting_since ||= at;
    conversation.channel = channel;
  }

  /**
   * The handling as it was at a revision: messages of ours may have overtaken it.
   * @param {Conversation | undefined} conversation
   * @param {Frame} event
   * @returns {'applied' | 'known'}
   */
  #handlingChanged(conversation, { revision = 0, handling }) {
    if (!conversation?.handling || revision <= conversation.handling_revision) return 'known';
    conversation.handling = this.#handling(handling);
    conversation.handling_revision = revision;
    for (const message of conversation.messages) {
      if (message.revision > revision) this.#waits(conversation, message);
    }
    return 'applied';
  }

  /**
   * Take a note as it is; false: a newer state of it is held.
   * @param {Conversation} conversation
   * @param {any} given
   */
  note(conversation, { type, conversation: _, ...given }) {
    const held = conversation.notes?.find((each) => each.note === given.note);
    if (held && held.revision >= given.revision) return false;
    const rest = (conversation.notes ?? []).filter((each) => each !== held);
    conversation.notes = [...rest, { mentions: [], ...NOTE, ...given }];
    conversation.notes.sort((one, other) => one.at - other.at || (one.note < other.note ? -1 : 1));
    return true;
  }

  /**
   * What we sent ourselves comes again when it has attachments: as the server describes them.
   * @param {Conversation} conversation
   * @param {Frame} event
   * @returns {'known'}
   */
  #described(conversation, event) {
    const held = conversation.messages.find((each) => each.seq === event.seq);
    if (held && event.attachments && !held.deleted_at) held.attachments = event.attachments;
    return 'known';
  }

  /**
   * @param {Conversation | undefined} conversation
   * @param {Frame} event
   * @returns {'applied' | 'known'}
   */
  #settled(conversation, event) {
    const message = conversation?.messages.find((each) => each.seq === event.seq);
    if (!message?.attachments?.some((each) => each.id === event.attachment)) return 'known';
    message.attachments = message.attachments.map((each) =>
      each.id === event.attachment ? asSettled(each, event.state) : each,
    );
    return 'applied';
  }

  /**
   * @param {Conversation | undefined} conversation
   * @param {Frame} event
   * @returns {'applied' | 'known'}
   */
  #edited(conversation, event) {
    const message = conversation?.messages.find((each) => each.seq === event.seq);
    if (!message || message.deleted_at) return 'known';
    Object.assign(message, { text: event.text, edited_at: event.at });
    return 'applied';
  }

  /**
   * @param {Conversation | undefined} conversation
   * @param {Frame} event
   * @returns {'applied' | 'known'}
   */
  #deleted(conversation, event) {
    const message = conversation?.messages.find((each) => each.seq === event.seq);
    if (!conversation || !message || message.deleted_at) return 'known';
    const unread = message.seq > this.readUpTo(conversation);
    if (unread && this.#counts(conversation, message))
      conversation.unread = Math.max(0, conversation.unread - 1);
    const { attachments } = MESSAGE;
    Object.assign(message, { text: '', edited_at: 0, deleted_at: event.at, attachments });
    return 'applied';
  }

  /**
   * @param {Conversation | undefined} conversation
   * @param {any[]} moved
   * @param {number} [team] so far the team has read
   * @returns {'applied' | 'known'}
   */
  #receipts(conversation, moved, team) {
    if (conversation && team && conversation.team_read_up_to !== undefined) {
      this.#reads(conversation, team);
    }
    for (const receipt of conversation ? moved : []) {
      const member = conversation?.members.find((each) => each.person === receipt.person);
      const { delivered_up_to = 0, delivered_at = 0, read_up_to = 0, read_at = 0 } = receipt;
      if (!conversation) continue;
      if (!member) {
        // Who works where it is placed reads it without being a member.
        if (receipt.person === this.person && read_up_to) this.#reads(conversation, read_up_to);
        continue;
      }
      if (delivered_up_to > member.delivered_up_to)
        Object.assign(member, { delivered_up_to, delivered_at });
      if (read_up_to > member.read_up_to) {
        Object.assign(member, { read_up_to, read_at });
        if (read_up_to > member.delivered_up_to) {
          Object.assign(member, { delivered_up_to: read_up_to, delivered_at: read_at });
        }
        if (member.person === this.person) this.#reads(conversation, read_up_to);
      }
    }
    return 'applied';
  }

  /**
   * @param {'settings' | 'businessSettings'} whose
   * @param {Frame} event
   * @returns {'applied' | 'known'}
   */
  #chosen(whose, event) {
    const [before, now] = [this[whose], choices(event)];
    this[whose] = now;
    const same =
      before.read_receipts === now.read_receipts && before.last_seen === now.last_seen;
    return same ? 'known' : 'applied';
  }

  /** @param {Frame} event @returns {'applied'} */
  #person({ person, name, role, active = true }) {
    for (const { members } of this.conversations.values()) {
      const member = members.find((each) => each.person === person);
      if (member) Object.assign(member, { name, role, active });
    }
    return 'applied';
  }

  /**
   * This person, or somebody of a team that shares a count, has read so far.
   * @param {Conversation} conversation @param {number} upTo
   */
  #reads(conversation, upTo) {
    if (conversation.team_read_up_to !== undefined) {
      conversation.team_read_up_to = Math.max(conversation.team_read_up_to, upTo);
    }
    const readUpTo = Math.max(upTo, this.readUpTo(conversation));
    const held = conversation.messages.filter(
      (message) => message.seq > readUpTo && this.#counts(conversation, message),
    );
    const first = conversation.messages[0]?.seq ?? conversation.last_seq + 1;
    const notHeld = Math.max(0, first - 1 - readUpTo); // may hold our own or deleted ones
    conversation.unread = Math.min(conversation.unread, held.length + notHeld);
  }

  /**
   * @param {string} id
   * @param {any[]} older a page of history that ends before the first one held
   * @param {boolean} more
   */
  prepend(id, older, more) {
    const conversation = this.conversations.get(id);
    if (!conversation) return 0;
    const first = conversation.messages[0]?.seq ?? Infinity;
    const added = older
      .filter((message) => message.seq < first)
      .map((message) => asMessage(message, id));
    conversation.messages.unshift(...added);
    conversation.more = more;
    return added.length;
  }

  /** The durable part as plain data: what two devices of one person must agree on. */
  snapshot() {
    return [...this.conversations.values()]
      .map((conversation) => structuredClone(conversation))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

/** @param {any} given @param {string} conversation @returns {Message} */
function asMessage(given, conversation) {
  const message = { ...MESSAGE, ...given, conversation };
  delete message.type;
  return message;
}

/**
 * An attachment that has been scanned, as the wire would describe it.
 * @param {Attachment} attachment @param {string} state @returns {Attachment}
 */
function asSettled({ state: _, thumbnail, ...rest }, state) {
  if (state !== 'ready') return { ...rest, state };
  return thumbnail ? { ...rest, thumbnail } : rest;
}

/** @param {{read_receipts?: boolean, last_seen?: boolean} & Record<string, any>} given */
function choices({ read_receipts = true, last_seen = true }) {
  return { read_receipts, last_seen };
}

/**
 * Whether a message is one of the unread ones of `person`.
 * @param {Message} message
 * @param {string} person
 */
function counts(message, person) {
  return message.author !== person && message.kind === 'text' && !message.deleted_at;
}

/**
 * Where two snapshots of one person's devices differ: the path of the first difference, or '' when
 * they are equal. Messages are compared over the range that both hold, since devices load different
 * amounts of history. Cursors are compared by what they say of the messages they are for (others'
 * of the person's, the person's of others'), and without their times: more is not sent to everybody.
 * @param {Conversation[]} left
 * @param {Conversation[]} right
 * @param {string} person
 * @returns {string}
 */
export function difference(left, right, person) {
  const ids = (/** @type {Conversation[]} */ all) => all.map((each) => each.id).join(' ');
  if (ids(left) !== ids(right)) return `conversations: ${ids(left)} | ${ids(right)}`;
  for (const [index, one] of left.entries()) {
    const other = right[index];
    const from = Math.max(one.messages[0]?.seq ?? 0, other.messages[0]?.seq ?? 0);
    for (const field of /** @type {const} */ (['kind', 'title', 'last_seq', 'unread'])) {
      if (one[field] !== other[field]) return `${one.id}.${field}: ${one[field]} | ${other[field]}`;
    }
    const [here, there] = [JSON.stringify(one.handling), JSON.stringify(other.handling)];
    if (here !== there) return `${one.id}.handling: ${here} | ${there}`;
    const [a, b] = [comparable(one, from, person), comparable(other, from, person)];
    for (const part of /** @type {const} */ (['members', 'messages'])) {
      const at = Array.from({ length: Math.max(a[part].length, b[part].length) }).findIndex(
        (_, n) => a[part][n] !== b[part][n],
      );
      if (at >= 0) return `${one.id}.${part}[${at}]: ${a[part][at]} | ${b[part][at]}`;
    }
  }
  return '';
}

/**
 * @param {Conversation} conversation
 * @param {number} from the first seq that is compared
 * @param {string} person
 */
function comparable(conversation, from, person) {
  const messages = conversation.messages.filter((message) => message.seq >= from);
  const reaches = (/** @type {Member} */ member, /** @type {number} */ cursor) =>
    messages.reduce((highest, { seq, author }) => {
      const concerns = (author === person) !== (member.person === person);
      return concerns && seq <= cursor ? seq : highest;
    }, 0);
  const members = conversation.members.map((member) => {
    const { person: who, name, role, active } = member;
    const delivered = reaches(member, member.delivered_up_to);
    const read = reaches(member, member.read_up_to);
    return JSON.stringify({ person: who, name, role, active, delivered, read });
  });
  return { members: members.sort(), messages: messages.map(sorted) };
}

/** @param {object} value */
function sorted(value) {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort()));
}

// --- What is kept on the device ------------------------------------------------------------------

/**
 * Values under one name in a Storage; what it does not take (full, forbidden) is kept in memory.
 */
class Shelf {
  /** @type {Map<string, string>} */
  #memory = new Map();

  /**
   * @param {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined} storage
   * @param {string} name
   */
  constructor(storage, name) {
    this.storage = storage;
    this.name = name;
  }

  /** @param {string} key @returns {any} */
  get(key) {
    let text = this.#memory.get(key);
    try {
      text ??= this.storage?.getItem(`${this.name}:${key}`) ?? undefined;
      return text === undefined ? undefined : JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  /**
   * @param {string} key
   * @param {any} value undefined removes it
   * @returns {boolean} whether it outlives us
   */
  set(key, value) {
    this.#memory.delete(key);
    const text = value === undefined ? undefined : JSON.stringify(value);
    try {
      if (text === undefined) this.storage?.removeItem(`${this.name}:${key}`);
      else if (this.storage) this.storage.setItem(`${this.name}:${key}`, text);
      else this.#memory.set(key, text);
      return Boolean(this.storage);
    } catch {
      if (text !== undefined) this.#memory.set(key, text);
      return false;
    }
  }
}

// --- The connection ------------------------------------------------------------------------------

/**
 * @typedef {object} Clock
 * @property {() => number} now  milliseconds
 * @property {(run: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 *
 * @typedef {object} Options
 * @property {string} [url]  the server's address (http, https, ws or wss); default: the page's
 * @property {string} [token]  a token of POST /v1/tokens
 * @property {() => Promise<string | undefined> | string | undefined} [getToken]
 *   asked when there is no valid session; a rejection is tried again later, no token stops
 * @property {string} [device]  made once and kept in `storage` when left out
 * @property {string} [location]  where the person is logged in: an open one of the business
 * @property {string} [name]  what everything in `storage` is kept under; one name, one person
 * @property {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} [storage]  default: localStorage
 * @property {any} [WebSocket]  default: the global one
 * @property {typeof fetch} [fetch]  for uploads; default: the global one
 * @property {Clock} [clock]
 * @property {() => number} [random]  in [0, 1)
 * @property {() => string} [newId]
 *
 * @typedef {object} Status
 * @property {'stopped' | 'connecting' | 'online' | 'waiting'} state
 * @property {number} code  the last close code, 0 before the first
 * @property {string} reason
 * @property {number} retry_at  when `waiting` ends, on our clock
 */

/** One person on one device. Everything it knows is in `model`; `on` tells of what happens. */
export class Deskbell {
  model = new Model();
  /** @type {Status} */
  status = { state: 'stopped', code: 0, reason: '', retry_at: 0 };
  /** @type {Record<string, number>} */
  limits = {
    text_bytes: 32_768,
    frame_bytes: 131_072,
    history_limit: 200,
    watch_people: 200,
    members: 128,
  };
  /** The opaque place where the next page of the conversation list begins; '' when all are here. */
  next = '';

  #shelf;
  /** @type {Clock} */
  #clock;
  #random;
  #newId;
  #options;
  /** @type {Map<string, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /** @type {any} */
  #socket = null;
  #ready = false;
  #attempt = 0;
  #strange = 0; // connections in a row that ended because of what the server said
  #given = ''; // a token of the options that has not been refused
  /** @type {'token' | 'session' | 'getToken' | ''} */
  #used = '';
  #offset = 0; // the server's clock minus ours
  #heardAt = 0;
  #pingedAt = 0;
  #heartbeat = HEARTBEAT;
  #lastId = 0;
  /** @type {Map<number, {done: (frame: Frame) => void, fail: (error: DeskbellError) => void}>} */
  #calls = new Map();
  /** @type {Map<string, any>} a timer per purpose */
  #timers = new Map();
  /**
   * @type {{promise: Promise<void>, resolve: () => void, reject: (error: Error) => void} | null}
   */
  #connecting = null;

  /** @type {Cursor | null} */
  #cursor = null;
  /** @type {any} what an earlier visit left, until it is known whether it is this person's */
  #left = null;
  /**
   * Events that came while the list loads.
   * @type {{epoch: string, revision: number, events: Frame[]} | null}
   */
  #loading = null;
  /** @type {Map<string, Frame[]>} events of conversations whose picture has been asked for */
  #opening = new Map();
  /**
   * Events that came before the ack of a message of ours that stands just before them.
   * @type {Map<string, Frame[]>}
   */
  #early = new Map();
  /** @type {Map<string, Frame[]>} changes that came while a page of history was on its way */
  #paging = new Map();
  #lastGap = '';
  #resume = '';
  /** How often what others show has changed since it was last asked for; 0: it is as held. */
  #stale = 0;
  /** @type {Promise<void> | null} */
  #refreshing = null;

  /** @type {Map<string, string>} client_message_id → conversation: on the wire, not answered */
  #flying = new Map();
  /** @type {Map<string, {until: number, tries: number}>} conversations whose outbox must wait */
  #paused = new Map();
  /** @type {Map<string, {resolve: (message: Message) => void, reject: (error: Error) => void}>} */
  #senders = new Map();

  /** @type {Map<string, {delivered_up_to: number, read_up_to: number}>} the highest sent */
  #receiptsSent = new Map();
  /** @type {Map<string, {delivered_up_to: number, read_up_to: number}>} not sent yet */
  #receiptsDue = new Map();
  /** @type {Map<string, number>} conversation → when `typing` was last sent */
  #typingSent = new Map();
  /** @type {string[]} */
  #watched = [];

  /** @param {Options} [options] */
  constructor(options = {}) {
    this.#options = options;
    this.#given = options.token ?? '';
    this.#random = options.random ?? Math.random;
    this.#clock = options.clock ?? {
      now: () => Date.now(),
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (timer) => clearTimeout(timer),
    };
    this.#newId = options.newId ?? randomId;
    this.#shelf = new Shelf(options.storage ?? browserStorage(), options.name ?? 'deskbell');
    this.device = options.device ?? this.#shelf.get('device') ?? `web-${this.#newId()}`;
    this.#shelf.set('device', this.device);
    this.#left = this.#shelf.get('state') ?? null;
    if (!this.#given) this.#restore(); // with a token given anew the `welcome` says whose it is
  }

  // --- For everybody: connect, listen, ask -------------------------------------------------------

  /** Who is signed in; '' before the first welcome. */
  get person() {
    return this.model.person;
  }
  get role() {
    return this.model.role;
  }
  get conversations() {
    return this.model.conversations;
  }
  /** The newest position this device has processed, or null. */
  get cursor() {
    return this.#cursor;
  }
  /** Milliseconds by the server's clock. */
  get serverTime() {
    return this.#clock.now() + this.#offset;
  }
  /** The bearer token for the HTTP API, '' when there is none. */
  get sessionToken() {
    return this.#session()?.token ?? '';
  }

  /**
   * Listen to `status` (a Status), `ready` ({resume}: the model is complete), `change`
   * ({conversation?}: draw again), `message` ({conversation, message}: a new entry, one's own too),
   * `note` (a Note with its `conversation`, as it is now), `sent` ({conversation, message}),
   * `failed` ({entry, error}), `removed` ({conversation}), `typing` ({conversation}), `presence` or
   * `error` (a DeskbellError nobody awaited).
   * @param {string} type
   * @param {(detail: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  /**
   * Connect and stay connected. Resolves when the model is complete, rejects when it stops for
   * good.
   */
  connect() {
    if (this.#ready) return Promise.resolve();
    if (this.#connecting) return this.#connecting.promise;
    let resolve = () => {};
    let reject = (/** @type {Error} */ _) => {};
    const promise = new Promise((/** @type {(value: void) => void} */ yes, no) => {
      resolve = yes;
      reject = no;
    });
    promise.catch(() => {}); // whoever wants to know awaits it; `status` tells the others
    this.#connecting = { promise, resolve, reject };
    this.#attempt = 0;
    void this.#open();
    return promise;
  }

  /** Stop, and stay stopped until `connect`. What waits in the outbox stays there. */
  close() {
    this.#hangUp(1000);
    this.#stop(1000, '');
  }

  /** Try at once instead of waiting: the network is back, or the person asks for it. */
  wake() {
    if (this.status.state === 'waiting') void this.#open();
    else if (this.status.state === 'online') this.#ping();
  }

  /** The conversations that are here, latest activity first. */
  list() {
    const at = (/** @type {Conversation} */ each) => each.messages.at(-1)?.at ?? each.created_at;
    return [...this.conversations.values()].sort((a, b) => at(b) - at(a) || (a.id < b.id ? -1 : 1));
  }

  /**
   * Load the next page of the list.
   * @returns {Promise<boolean>} whether there is yet another one
   */
  async more() {
    if (!this.next) return false;
    const { conversations, next = '' } = await this.#ask({
      type: 'conversations',
      before: this.next,
    });
    for (const each of conversations) if (!this.conversations.has(each.id)) this.#put(each);
    this.next = next;
    this.#changed();
    return Boolean(next);
  }

  /**
   * Have one conversation here, wherever in the list it stands. One that is gone is `removed`.
   * @param {string} conversation
   * @returns {Promise<boolean>} whether it is here
   */
  async open(conversation) {
    if (this.conversations.has(conversation)) return true;
    try {
      const picture = (await this.#ask({ type: 'open', conversation })).conversation;
      if (!this.conversations.has(conversation)) this.#put(picture);
      this.#changed(conversation);
      return true;
    } catch (error) {
      if (/** @type {DeskbellError} */ (error).code !== 'not_found') throw error;
      this.#emit('removed', { conversation });
      return false;
    }
  }

  /**
   * Load older messages.
   * @param {string} conversation
   * @param {number} [limit]
   * @returns {Promise<number>} how many came
   */
  async history(conversation, limit = 50) {
    const held = this.conversations.get(conversation);
    if (!held || !held.more || this.#paging.has(conversation)) return 0;
    this.#paging.set(conversation, []);
    try {
      const before = held.messages[0]?.seq ?? held.last_seq + 1;
      const page = await this.#ask({ type: 'history', conversation, before, limit });
      const added = this.model.prepend(conversation, page.messages, Boolean(page.more));
      for (const event of this.#paging.get(conversation) ?? []) this.model.apply(event);
      this.#changed(conversation);
      return added;
    } finally {
      this.#paging.delete(conversation);
    }
  }

  /**
   * Start a conversation, or get the one that exists. @returns {Promise<string>} its id
   * @param {'direct' | 'group'} kind @param {string[]} people @param {string} [title]
   */
  async create(kind, people, title) {
    const fields = { type: 'create', kind, people, title: title || undefined };
    const id = kind === 'group' ? { conversation: this.#newId() } : {};
    const { conversation } = await this.#ask({ ...fields, ...id });
    if (!this.conversations.has(conversation.id)) this.#put(conversation);
    this.#changed(conversation.id);
    return conversation.id;
  }

  /** @param {string} conversation @param {number} seq @param {string} text */
  async edit(conversation, seq, text) {
    await this.#ask({ type: 'edit', conversation, seq, text }); // the change itself is an event
  }

  /** @param {string} conversation @param {number} seq */
  async delete(conversation, seq) {
    await this.#ask({ type: 'delete', conversation, seq });
  }

  /** @param {string} conversation @param {string} person */
  async addMember(conversation, person) {
    await this.#ask({ type: 'add_member', conversation, person });
  }

  /** @param {string} conversation @param {string} person */
  async removeMember(conversation, person) {
    await this.#ask({ type: 'remove_member', conversation, person });
  }

  /** @param {string} conversation */
  async leave(conversation) {
    await this.#ask({ type: 'leave', conversation });
  }

  /**
   * How the team deals with a conversation: `assign` takes a `person`, `transfer` the `location` it
   * goes to, `snooze` the time `until` which it rests.
   * @param {string} conversation
   * @param {Action} action
   * @param {{person?: string, location?: string, until?: number}} [fields]
   */
  async handle(conversation, action, fields = {}) {
    await this.#ask({ type: 'handle', conversation, action, ...fields }); // the change is an event
  }

  /**
   * What is open at a location, latest activity first, or only those in which a customer waits, the
   * longest first: for who works there, and for owners.
   * @param {string} location
   * @param {{waiting?: boolean, before?: string, limit?: number}} [options]
   */
  queue(location, { waiting = false, before = '', limit = 10 } = {}) {
    return this.#listed(`/v1/locations/${location}/queue`, { waiting, before, limit });
  }

  /**
   * Conversations of which all that is asked for holds, latest activity first; there may be more
   * while there is a `next`, even after an empty page. All but `unread` is the team's to ask.
   * @param {{location?: string, status?: string, assignee?: string, waiting?: boolean,
   *   unread?: boolean, channel?: Channel, before?: string, limit?: number}} filter
   */
  filtered(filter) {
    return this.#listed('/v1/conversations', filter);
  }

  /**
   * Why a message is where it is, and whom it reached: the team alone may ask.
   * @param {string} conversation @param {number} seq
   * @returns {Promise<Explanation>}
   */
  explain(conversation, seq) {
    return this.request('GET', `/v1/conversations/${conversation}/messages/${seq}/explanation`);
  }

  /**
   * Who else of the team sees a conversation: whom it can be assigned to, or mention; by a part of
   * the name.
   * @param {string} conversation
   * @param {string} [search]
   * @param {number} [limit]
   * @returns {Promise<{id: string, name: string, role: string}[]>}
   */
  async colleagues(conversation, search = '', limit = 50) {
    const query = new URLSearchParams({ search, limit: String(limit) });
    return (await this.request('GET', `/v1/conversations/${conversation}/colleagues?${query}`))
      .people;
  }

  /**
   * They are in `conversations` then, and events follow them. `next` goes into `before` of the same
   * question; '' at the end.
   * @param {string} path
   * @param {Record<string, string | number | boolean | undefined>} filter
   * @returns {Promise<{ids: string[], next: string}>}
   */
  async #listed(path, filter) {
    const asked = Object.entries(filter).filter(([, value]) => value);
    const query = new URLSearchParams(asked.map(([name, value]) => [name, String(value)]));
    const gone = new Set(); // while the answer is on its way
    const stop = this.on('removed', ({ conversation }) => gone.add(conversation));
    try {
      const page = await this.request('GET', `${path}?${query}`);
      const here = page.conversations.filter((/** @type {any} */ each) => !gone.has(each.id));
      for (const each of here) if (!this.conversations.has(each.id)) this.#put(each);
      this.#changed();
      return { ids: here.map((/** @type {any} */ each) => each.id), next: page.next ?? '' };
    } finally {
      stop();
    }
  }

  /**
   * Ask the HTTP API as this person, for what has no command here. Pages of another origin than the
   * server's cannot.
   * @param {string} method @param {string} path @param {object} [body]
   * @returns {Promise<any>} rejects with a DeskbellError
   */
  request(method, path, body) {
    return this.#http(method, path, body && JSON.stringify(body));
  }

  /**
   * Mark a conversation as unread, for oneself alone, or take the mark off.
   * @param {string} conversation
   * @param {boolean} [unread]
   */
  async mark(conversation, unread = true) {
    await this.#ask({ type: 'mark', conversation, unread }); // the change itself is an event
  }

  /**
   * Say something to the team; the note itself is an event.
   * @param {string} conversation
   * @param {string} text
   * @param {string[]} [mentions]  people of the team who see the conversation
   * @returns {Promise<string>} its id
   */
  async addNote(conversation, text, mentions = []) {
    const note = this.#newId();
    await this.#ask({ type: 'note', conversation, note, action: 'add', text, mentions });
    return note;
  }

  /**
   * @param {string} conversation
   * @param {string} note
   * @param {{text?: string, mentions?: string[]}} fields  what changes
   */
  async editNote(conversation, note, fields) {
    await this.#ask({ type: 'note', conversation, note, action: 'edit', ...fields });
  }

  /** @param {string} conversation @param {string} note */
  async deleteNote(conversation, note) {
    await this.#ask({ type: 'note', conversation, note, action: 'delete' });
  }

  /**
   * Load notes of a conversation, the newest first: they are in its `notes` then.
   * @param {string} conversation
   * @param {string} [before]  what an earlier call answered
   * @returns {Promise<string | undefined>} what goes into `before` for older ones
   */
  async notes(conversation, before) {
    const asked = before === undefined ? {} : { before };
    const { notes = [], next } = await this.#ask({ type: 'notes', conversation, ...asked });
    const held = this.model.conversations.get(conversation);
    if (held) for (const note of notes) this.model.note(held, note);
    this.#changed(conversation);
    return next;
  }

  /**
   * When each other member received and read a message.
   * @param {string} conversation
   * @param {number} seq
   * @returns {Promise<Receipt[]>}
   */
  async receipts(conversation, seq) {
    const { receipts = [] } = await this.#ask({ type: 'receipts', conversation, seq });
    return receipts.map((/** @type {any} */ each) => ({ delivered_at: 0, read_at: 0, ...each }));
  }

  /**
   * What a message said before.
   * @param {string} conversation
   * @param {number} seq
   * @returns {Promise<{text: string, at: number}[]>}
   */
  async versions(conversation, seq) {
    return (await this.#ask({ type: 'versions', conversation, seq })).versions;
  }

  /**
   * Whom you may talk to.
   * @param {string} [search]
   * @param {number} [limit]
   * @returns {Promise<{id: string, name: string, role: string}[]>}
   */
  async people(search = '', limit = 20) {
    return (await this.#ask({ type: 'people', search, limit })).people;
  }

  /**
   * Messages and titles in which all words of `q` occur, newest first; `parts` say where. `seq` 0 is
   * the title. While there is a `next`, it goes into `before` of the same question.
   * `author` said it, in a conversation that `person` is or was in; `location` and `status` are for
   * the team alone.
   * @param {string} q
   * @param {{conversation?: string, author?: string, person?: string, location?: string,
   *   status?: 'open' | 'snoozed' | 'closed', channel?: 'app' | 'text' | 'email',
   *   attachments?: boolean, since?: number, until?: number, before?: string, limit?: number}} [filter]
   * @returns {Promise<{found: Found[], next: string | null, behind: boolean}>}
   */
  async search(q, filter = {}) {
    const { found, next = null, behind = false } = await this.#ask({ type: 'search', q, ...filter });
    return {
      found: found.map((/** @type {any} */ each) => ({
        author: '',
        more_before: false,
        more_after: false,
        ...each,
        parts: each.parts.map((/** @type {any} */ part) => ({ hit: false, ...part })),
      })),
      next,
      behind,
    };
  }

  /**
   * Reciprocal: who hides theirs does not see others'.
   * @param {{read_receipts?: boolean, last_seen?: boolean}} choice
   */
  async privacy(choice) {
    await this.#ask({ type: 'privacy', ...choice });
    Object.assign(this.model.settings, choice);
    this.#stale += 1;
    this.#changed();
    await this.refresh().catch(() => {}); // it is asked again
  }

  /**
   * Ask for the members and unread counts of everything here again. It is done by itself after each
   * change of what one may see of others.
   */
  refresh() {
    this.#refreshing ??= this.#refresh().then(
      () => {
        this.#refreshing = null;
        if (this.#stale) this.#outdated(); // more has become void meanwhile
      },
      (error) => {
        this.#refreshing = null;
        this.#outdated(error.retry_after);
        throw error;
      },
    );
    return this.#refreshing;
  }

  async #refresh() {
    this.#cancel('refresh');
    const stale = this.#stale;
    const missing = new Set(this.conversations.keys());
    let before;
    do {
      const page = await this.#ask({ type: 'conversations', before, limit: 100 });
      for (const picture of page.conversations) {
        missing.delete(picture.id);
        this.#refreshed(picture);
      }
      before = page.next;
    } while (before && missing.size);
    this.#stale -= stale;
    for (const id of missing) this.#again(id); // news moved them from page to page meanwhile
    if (this.#watched.length) this.#say({ type: 'watch', people: this.#watched });
    this.#changed();
  }

  /**
   * A newer picture of what is here; one that events have overtaken is asked for again.
   * @param {any} picture
   */
  #refreshed(picture) {
    if (this.model.refresh(picture)) {
      this.#changed(picture.id);
      return;
    }
    this.#again(picture.id);
  }

  /**
   * Ask for one picture; with all others later if that is refused for now.
   * @param {string} id
   */
  #again(id) {
    if (!this.conversations.has(id)) return;
    const later = () => {
      this.#stale += 1;
      this.#outdated();
    };
    this.#call(
      { type: 'open', conversation: id },
      ({ conversation }) => {
        if (this.model.refresh(conversation)) this.#changed(id);
        else later();
      },
      ({ code }) => {
        if (code !== 'not_found') later(); // else the event that takes it away is on its way
      },
    );
  }

  /**
   * What others show is not what is held of it any more: ask soon, now or when connected again.
   * @param {number} [seconds] at least to wait
   */
  #outdated(seconds = 0) {
    if (this.#timers.has('refresh') || !this.#ready) return; // `#complete` asks again
    const wait = seconds * 1_000 + this.#random() * REFRESH_WITHIN_MS;
    this.#later('refresh', wait, () => {
      this.refresh().catch((error) => {
        if (error.code !== 'disconnected') this.#emit('error', error);
      });
    });
  }

  // --- For everybody: send -----------------------------------------------------------------------

  /**
   * Send a text: it is in the outbox when this returns, and the promise resolves with the message
   * once it is stored, rejects when it is refused for good, and waits over any disconnection. What
   * is over `limits` is refused at once (`too_large`), and is not in the outbox.
   * With `attachments`, which `upload` gave, the text may be empty.
   * @param {string} conversation
   * @param {string} text
   * @param {{reply_to?: number, attachments?: Attachment[]}} [options]
   * @returns {Promise<Message>}
   */
  send(conversation, text, { reply_to = 0, attachments = [] } = {}) {
    /** @type {Waiting} */
    const entry = {
      client_message_id: this.#newId(),
      conversation,
      text,
      reply_to,
      ...(attachments.length ? { attachments } : {}),
      at: this.serverTime,
      person: this.person,
      error: null,
      ack: null,
    };
    const error = this.#tooLarge(asSend(entry), text);
    if (error) {
      this.#emit('failed', { entry, error });
      const refused = Promise.reject(error);
      refused.catch(() => {}); // `failed` has told those who do not await
      return refused;
    }
    this.#outbox([...this.#outbox(), entry]);
    this.#cancel(`typing ${conversation}`);
    this.#typingSent.delete(conversation);
    const stored = new Promise((/** @type {(message: Message) => void} */ resolve, reject) => {
      this.#senders.set(entry.client_message_id, { resolve, reject });
    });
    stored.catch(() => {}); // `failed` tells those who do not await
    this.#changed(conversation);
    this.#pump();
    return stored;
  }

  /**
   * Upload a file, over broken connections, and wait until it can be sent. It is not in the outbox,
   * and a reload of the page ends it. Pages of another origin than the server's cannot upload.
   *
   * Rejects with the server's reason when the file is not taken, with `disconnected` when the server
   * cannot be reached, and with the signal's reason when it is aborted.
   * @param {Blob} file
   * @param {object} [options]
   * @param {string} [options.name]  default: the file's own
   * @param {(sent: number, size: number) => void} [options.onProgress]
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<Attachment>}
   */
  async upload(file, { name = /** @type {any} */ (file).name ?? 'file', onProgress, signal } = {}) {
    const json = JSON.stringify({ name, size: file.size });
    let upload = await this.#patiently('POST', '/v1/uploads', json, signal);
    const path = `/v1/uploads/${upload.id}`;
    try {
      while (upload.state === 'uploading' || upload.state === 'examining') {
        onProgress?.(upload.offset, file.size);
        if (upload.state === 'uploading') {
          upload = await this.#nextChunk(path, file, upload, signal);
        } else {
          await this.#pause(EXAMINED_EVERY_MS);
          upload = await this.#patiently('GET', path, undefined, signal);
        }
      }
    } catch (error) {
      if (signal?.aborted) this.#http('DELETE', path).catch(() => {}); // else it expires
      throw error;
    }
    if (upload.state === 'refused') throw new DeskbellError(upload.code, upload.text);
    onProgress?.(file.size, file.size);
    return upload.attachment;
  }

  /**
   * Addresses from which an attachment can be loaded for some minutes, without a token.
   * @param {string} conversation
   * @param {number} seq
   * @param {string} attachment its id
   * @returns {Promise<{url: string, thumbnail_url: string, expires_at: number}>}
   */
  async link(conversation, seq, attachment) {
    const path = `/v1/conversations/${conversation}/messages/${seq}/attachments/${attachment}`;
    const { url, thumbnail_url, expires_at } = await this.#http('GET', path);
    const whole = (/** @type {string} */ each) => each && web(this.#options.url, each);
    return { url: whole(url), thumbnail_url: whole(thumbnail_url), expires_at };
  }

  /**
   * @param {string} path
   * @param {Blob} file
   * @param {any} upload
   * @param {AbortSignal} [signal]
   */
  async #nextChunk(path, file, { offset, chunk_bytes: size }, signal) {
    const chunk = file.slice(offset, offset + size);
    try {
      return await this.#http('PATCH', `${path}?offset=${offset}`, chunk, signal);
    } catch (error) {
      const code = error instanceof DeskbellError ? error.code : '';
      if (code !== 'conflict' && !PASSING.has(code)) throw error;
    }
    await this.#pause(UPLOAD_PAUSE_MS);
    return this.#patiently('GET', path, undefined, signal); // it says where to go on
  }

  /**
   * A request that is tried again while what keeps it from its answer may pass.
   * @param {string} method
   * @param {string} path
   * @param {string} [body]
   * @param {AbortSignal} [signal]
   */
  async #patiently(method, path, body, signal) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#http(method, path, body, signal);
      } catch (error) {
        if (!(error instanceof DeskbellError) || !PASSING.has(error.code)) throw error;
        if (error.code === 'rate_limited' || tries === UPLOAD_TRIES) throw error;
        await this.#pause(Math.max(error.retry_after * 1_000, UPLOAD_PAUSE_MS * 2 ** (tries - 1)));
      }
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string | Blob} [body]
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async #http(method, path, body, signal) {
    const token = this.#shelf.get('session')?.token;
    if (!token) throw new DeskbellError('disconnected', 'There is no connection yet.');
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${token}` };
    if (typeof body === 'string') headers['Content-Type'] = 'application/json';
    else if (body) headers['Content-Type'] = 'application/octet-stream';
    const ask = this.#options.fetch ?? globalThis.fetch;
    let response;
    let answer;
    try {
      response = await ask(web(this.#options.url, path), { method, headers, body, signal });
      answer = await response.json();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new DeskbellError('disconnected', 'The server cannot be reached.');
    }
    if (response.ok) return answer;
    const { code, detail, retry_after } = answer;
    throw new DeskbellError(code ?? 'unavailable', detail ?? response.statusText, retry_after);
  }

  /** @param {number} ms @returns {Promise<void>} */
  #pause(ms) {
    return new Promise((resolve) => {
      this.#clock.setTimeout(resolve, ms);
    });
  }

  /**
   * What waits, or was refused, in one conversation or in all.
   * @param {string} [conversation]
   * @returns {Waiting[]}
   */
  outbox(conversation) {
    return this.#outbox().filter(
      (entry) =>
        (!conversation || entry.conversation === conversation) &&
        (!entry.person || entry.person === this.person),
    );
  }

  /** Try again what was refused. @param {string} clientMessageId */
  retry(clientMessageId) {
    this.#amend(clientMessageId, { error: null });
    this.#pump();
  }

  /**
   * Give up what was refused, or has not been sent.
   * @param {string} clientMessageId
   * @returns {boolean} false if it is on its way already
   */
  discard(clientMessageId) {
    const before = this.#outbox();
    const gone = (/** @type {Waiting} */ entry) =>
      entry.client_message_id === clientMessageId && !entry.ack;
    if (this.#flying.has(clientMessageId) || !before.some(gone)) return false;
    this.#outbox(before.filter((entry) => !gone(entry)));
    this.#giveUp(clientMessageId, 'discarded', 'It was discarded before it was sent.');
    this.#changed();
    return true;
  }

  /**
   * @param {Conversation} conversation
   * @param {Message | Waiting} message one of one's own
   * @returns {Ticks}
   */
  ticks(conversation, message) {
    const others = conversation.members.filter((member) => member.person !== this.person);
    const seq = 'seq' in message ? message.seq : (message.ack?.seq ?? Infinity);
    const delivered = others.filter((member) => member.delivered_up_to >= seq).length;
    const read = others.filter((member) => member.read_up_to >= seq).length;
    const of = others.length;
    if (seq === Infinity)
      return {
        state: 'error' in message && message.error ? 'failed' : 'waiting',
        delivered,
        read,
        of,
      };
    const state = !of || !delivered || delivered < of ? 'sent' : read < of ? 'delivered' : 'read';
    return { state, delivered, read, of };
  }

  /**
   * Say that everything up to `seq` has been seen; default: everything.
   * @param {string} conversation
   * @param {number} [seq]
   */
  read(conversation, seq) {
    const held = this.conversations.get(conversation);
    const mine = held && this.model.me(held);
    const upTo = Math.min(seq ?? Infinity, held?.last_seq ?? 0);
    const before = mine ?? this.#receiptsSent.get(conversation); // who is no member is told no cursor
    if (upTo <= (before?.read_up_to ?? 0) || (!mine && !held?.unread)) return;
    this.#due(conversation, { delivered_up_to: upTo, read_up_to: upTo });
    this.#changed(conversation);
  }

  /**
   * Call at every keystroke: it is told at most every 3 s, and taken back when the typing stops.
   * @param {string} conversation
   * @param {boolean} [active]
   */
  typing(conversation, active = true) {
    const now = this.#clock.now();
    const last = this.#typingSent.get(conversation);
    this.#cancel(`typing ${conversation}`);
    if (!active) {
      if (last !== undefined) this.#say({ type: 'typing', conversation, active: false });
      this.#typingSent.delete(conversation);
      return;
    }
    if (last === undefined || now - last >= TYPING_EVERY_MS) {
      this.#say({ type: 'typing', conversation, active: true });
      this.#typingSent.set(conversation, now);
    }
    this.#later(`typing ${conversation}`, TYPING_STOPS_MS, () => this.typing(conversation, false));
  }

  /** Who types now. @param {string} conversation @returns {string[]} */
  typists(conversation) {
    const now = this.#clock.now();
    return [...(this.model.typing.get(conversation) ?? [])]
      .filter(([, until]) => until > now)
      .map(([person]) => person);
  }

  /**
   * Be told the presence of these people, over reconnects; of too many, of the first ones.
   * @param {string[]} people
   */
  watch(people) {
    const wanted = [...new Set(people)].slice(0, this.limits.watch_people).sort();
    if (wanted.join(' ') === this.#watched.join(' ')) return;
    this.#watched = wanted;
    if (this.#ready) this.#say({ type: 'watch', people: wanted });
  }

  /** The person is at the device, or has gone idle. @param {boolean} active */
  activity(active) {
    this.#say({ type: 'activity', active });
  }

  // --- Opening and closing -----------------------------------------------------------------------

  /** @returns {{token: string, expires_at: number} | undefined} */
  #session() {
    const session = this.#shelf.get('session');
    return session && session.expires_at > this.serverTime ? session : undefined;
  }

  async #token() {
    const session = this.#session();
    if (this.#given) this.#used = 'token';
    else if (session) this.#used = 'session';
    else this.#used = 'getToken';
    if (this.#used === 'token') return this.#given;
    return this.#used === 'session' ? session?.token : this.#options.getToken?.();
  }

  async #open() {
    this.#cancel('retry');
    this.#hangUp(1000);
    this.#is('connecting');
    this.#later('connect', CONNECT_TIMEOUT_MS, () => this.#lost(4000, ''));
    const mine = this.#connecting;
    /** @type {string | undefined} */
    let token;
    try {
      token = await this.#token();
    } catch {
      if (this.status.state === 'connecting') this.#lost(4000, 'no token');
      return;
    }
    if (this.status.state !== 'connecting' || mine !== this.#connecting || this.#socket) return;
    if (!token) {
      this.#stop(4501, 'no token');
      return;
    }
    const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    const socket = new WebSocket(endpoint(this.#options.url), [SUBPROTOCOL]);
    this.#socket = socket;
    const current = (/** @type {(event: any) => void} */ handle) => (/** @type {any} */ event) => {
      if (this.#socket === socket) handle(event);
    };
    socket.onopen = current(() => {
      const hello = { type: 'hello', token, device: this.device };
      const held = this.#cursor ?? this.#left?.cursor;
      const cursor = held ? { cursor: held } : {};
      const location = this.#options.location ? { location: this.#options.location } : {};
      socket.send(encode({ ...hello, ...cursor, ...location }));
    });
    socket.onmessage = current((event) => this.#heard(event.data));
    socket.onclose = current((event) => this.#lost(event.code, event.reason ?? ''));
    socket.onerror = () => {}; // a close event follows
  }

  /** Let go of the connection; nothing of it is heard any more. @param {number} code */
  #hangUp(code) {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    this.#loading = null;
    this.#opening.clear();
    this.#early.clear();
    this.#flying.clear();
    this.#typingSent.clear();
    this.model.typing.clear();
    this.#cancel('connect', 'ping', 'dead', 'receipts', 'list', 'refresh');
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) {
      call.fail(
        new DeskbellError(
          'disconnected',
          'The connection was lost. Try again once you are online.',
        ),
      );
    }
    if (socket && socket.readyState < 2) {
      socket.onclose = socket.onmessage = socket.onopen = null;
      socket.close(code);
    }
  }

  /**
   * The server says what it must not: come back, but less and less often.
   * @param {string} reason
   */
  #nonsense(reason) {
    this.#attempt = Math.max(this.#attempt, this.#strange);
    const strange = this.#strange + 1;
    this.#lost(4000, reason);
    this.#strange = strange;
  }

  /**
   * The connection is gone: decide by the table whether to come back.
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    this.#hangUp(4000);
    this.#strange = 0;
    const next = afterClose(code);
    if (next === 'stop') {
      if (code === 4503) this.#shelf.set('session', undefined);
      this.#stop(code, reason);
      return;
    }
    if (next === 'new token') {
      if (this.#given) this.#given = '';
      else this.#shelf.set('session', undefined);
      if (!this.#given && !this.#session() && !this.#options.getToken) {
        this.#stop(code, reason);
        return;
      }
    }
    const wait = retryAfter(reason) ?? backoff(this.#attempt, this.#random);
    this.#attempt += 1;
    this.status = { state: 'waiting', code, reason, retry_at: this.#clock.now() + wait };
    this.#emit('status', this.status);
    this.#later('retry', wait, () => void this.#open());
  }

  /** @param {number} code @param {string} reason */
  #stop(code, reason) {
    this.#cancel('retry', 'connect');
    this.status = { state: 'stopped', code, reason, retry_at: 0 };
    const name =
      /** @type {Record<number, readonly string[]>} */ (CLOSE_CODES)[code]?.[0] ?? 'closed';
    this.#connecting?.reject(
      new DeskbellError(name.replaceAll(' ', '_'), reason || `Closed: ${name} (${code}).`),
    );
    this.#connecting = null;
    if (code === 4501 || code === 4503) this.#drop();
    this.save();
    this.#emit('status', this.status);
  }

  /** @param {'connecting' | 'online'} state */
  #is(state) {
    this.status = { ...this.status, state, retry_at: 0 };
    this.#emit('status', this.status);
  }

  // --- Receiving ---------------------------------------------------------------------------------

  /** @param {string} text */
  #heard(text) {
    this.#heardAt = this.#clock.now();
    let frame;
    try {
      frame = decode(text);
    } catch {
      this.#nonsense('not a frame'); // whatever it was comes again with the cursor
      return;
    }
    this.#receive(frame);
  }

  /** @param {Frame} frame */
  #receive(frame) {
    switch (frame.type) {
      case 'welcome':
        this.#welcome(frame);
        return;
      case 'resumed':
        this.#moveCursor(frame.revision);
        if (!this.#loading) this.#complete();
        return;
      case 'error':
        if (!this.#answer(frame)) this.#emit('error', asError(frame));
        return;
      case 'typing':
        this.#typed(frame);
        return;
      case 'presence':
        this.model.apply(frame);
        this.#emit('presence', frame.people);
        this.#changed();
        return;
      default:
        if (!this.#answer(frame)) this.#event(frame);
    }
  }

  /** @param {Frame} frame @returns {boolean} whether it was the reply to something asked */
  #answer(frame) {
    const call = this.#calls.get(frame.id ?? -1);
    if (!call || frame.id === undefined) return false;
    this.#calls.delete(frame.id);
    if (frame.type === 'error') call.fail(asError(frame));
    else call.done(frame);
    return true;
  }

  /** @param {Frame} welcome */
  #welcome(welcome) {
    const {
      person,
      role = '',
      business = '',
      epoch,
      revision,
      resume,
      heartbeat = HEARTBEAT,
    } = welcome;
    const other =
      this.person !== '' && (this.person !== person || this.model.business !== business);
    if (other) {
      this.model = new Model();
      this.#receiptsSent.clear();
      this.#receiptsDue.clear();
      this.#watched = [];
    }
    if (this.#left?.person === person && this.#left.business === business) this.#restore();
    this.#left = null;
    Object.assign(this.model, { person, role, business });
    this.#attempt = 0;
    this.#resume = resume;
    this.#cancel('connect');
    this.#offset = welcome.server_time - this.#clock.now();
    this.#heartbeat = heartbeat;
    this.limits = { ...this.limits, ...welcome.limits };
    const { session_token: token, session_token_expires_at: expires_at } = welcome;
    if (token) {
      this.#shelf.set('session', { token, expires_at });
      if (this.#used === 'token') this.#given = '';
    }
    this.#later('ping', heartbeat.ping_after_ms, () => this.#ping());
    this.#later('dead', heartbeat.timeout_ms, () => this.#watchdog());
    this.status.code = 0; // what ended the connection before is over
    this.#is('online');
    const complete = resume === 'complete' && !other && this.#cursor;
    if (complete) return; // the events follow, then `resumed`
    this.#cursor = null;
    this.model.settings = choices(welcome.privacy ?? {});
    this.model.businessSettings = choices(welcome.business_settings ?? {});
    this.#loading = { epoch, revision, events: [] };
    this.#loadList(0);
  }

  /**
   * After `fresh` or `reset`: the list, as long as it was here, replaces everything.
   * @param {number} tries
   * @param {any[]} [pictures] of the pages that have come
   * @param {string} [before] where the next page begins
   */
  #loadList(tries, pictures = [], before) {
    this.#call(
      { type: 'conversations', before },
      ({ conversations, next = '' }) => {
        if (!this.#loading) return;
        const all = [...pictures, ...conversations];
        if (next && all.length < this.conversations.size) this.#loadList(tries, all, next);
        else this.#loaded(all, next);
      },
      (error) => {
        if (!this.#loading) return;
        this.#emit('error', error);
        const wait = error.retry_after * 1_000 || backoff(tries, this.#random);
        this.#later('list', wait, () => this.#loadList(tries + 1));
      },
    );
  }

  /** @param {any[]} pictures the list @param {string} next */
  #loaded(pictures, next) {
    const { epoch = '', revision = 0, events = [] } = this.#loading ?? {};
    this.#loading = null;
    this.model.conversations.clear();
    this.#stale = 0;
    for (const each of pictures) this.#put(each);
    this.next = next;
    this.#cursor = { epoch, revision };
    this.#events(events);
    if (this.#socket) this.#complete();
  }

  /** A picture of a conversation has come: it has reached this person. @param {any} picture */
  #put(picture) {
    this.model.put(picture);
    this.#absorb(picture.id);
    const conversation = this.conversations.get(picture.id);
    if (!conversation) return;
    const delivered = this.model.me(conversation)?.delivered_up_to ?? conversation.last_seq;
    if (conversation.last_seq > delivered) {
      this.#due(conversation.id, { delivered_up_to: conversation.last_seq, read_up_to: 0 });
    }
  }

  /** The model is complete: say again what may have been lost, and send what waits. */
  #complete() {
    this.#ready = true;
    this.#lastGap = '';
    for (const [conversation, sent] of this.#receiptsSent) this.#due(conversation, sent);
    if (this.#receiptsDue.size) this.#receiptsSoon(RECEIPT_DELAY_MS);
    if (this.#watched.length) this.#say({ type: 'watch', people: this.#watched });
    if (this.#stale) this.#outdated();
    this.#connecting?.resolve();
    this.#connecting = null;
    this.#emit('ready', { resume: this.#resume });
    this.#changed();
    this.#pump();
  }

  /**
   * Events that were held back; one with a gap before it ends the connection.
   * @param {Frame[]} events
   */
  #events(events) {
    for (const event of events) if (this.#socket) this.#event(event);
  }

  /** @param {Frame} event */
  #event(event) {
    if (this.#loading) {
      this.#loading.events.push(event);
      return;
    }
    const { conversation } = event;
    const missing = this.#opening.has(conversation) || !this.conversations.has(conversation);
    if (Model.concerns(event) && missing) {
      this.#openUnknown(event);
      return;
    }
    if (this.#early.has(event.conversation)) {
      this.#early.get(event.conversation)?.push(event);
      return;
    }
    const voids = Model.voids(event) || this.model.changesSides(event);
    const done = event.type === 'conversation_added' ? 'known' : this.#apply(event);
    if (event.type === 'conversation_added') this.#put(event.conversation);
    if (done === 'gap') {
      if (this.#flies(event.conversation)) this.#early.set(event.conversation, [event]);
      else this.#gap(event);
      return;
    }
    if (voids && done === 'applied') {
      this.#stale += 1;
      this.#outdated();
    }
    this.#moveCursor(event.revision);
    if (event.type === 'conversation_removed') this.#emit('removed', event);
    if (event.type === 'note' && done === 'applied') this.#emit('note', event);
    if (event.type === 'message_deleted') this.#recount(event);
    if (done === 'applied' && this.model.countsOtherwise(event)) this.#again(conversation);
    this.#changed(event.conversation?.id ?? event.conversation);
  }

  /**
   * Somebody deleted a message that is unread and not held: only the server can count now.
   * @param {Frame} event
   */
  #recount({ conversation: id, seq }) {
    const conversation = this.conversations.get(id);
    if (!conversation || seq <= this.model.readUpTo(conversation)) return;
    if (seq >= (conversation.messages[0]?.seq ?? Infinity)) return;
    this.#again(id);
  }

  /** @param {Frame} event @returns {'applied' | 'known' | 'gap'} */
  #apply(event) {
    const paging = this.#paging.get(event.conversation);
    if (paging && event.type !== 'message') paging.push(event);
    const done = this.model.apply(event);
    if (event.type === 'message' && done === 'applied') this.#arrived(event);
    if (event.type === 'message' && event.author === this.person) this.#stored(event);
    if (event.type === 'message' && done === 'applied') this.#absorb(event.conversation);
    return done;
  }

  /** @param {Frame} event a message that was new */
  #arrived({ conversation, seq, author }) {
    const message = this.conversations.get(conversation)?.messages.at(-1);
    if (author !== this.person) this.#due(conversation, { delivered_up_to: seq, read_up_to: 0 });
    this.#emit('message', { conversation, message });
  }

  /** An event of a conversation that is not here: get its picture first. @param {Frame} event */
  #openUnknown(event) {
    const waiting = this.#opening.get(event.conversation);
    if (waiting) {
      waiting.push(event);
      return;
    }
    const id = event.conversation;
    this.#opening.set(id, [event]);
    this.#call(
      { type: 'open', conversation: id },
      ({ conversation }) => {
        const events = this.#opening.get(id) ?? [];
        this.#opening.delete(id);
        const held = this.conversations.get(id)?.revision ?? 0;
        if (conversation.revision >= held) this.#put(conversation);
        this.#events(events);
      },
      () => {
        for (const each of this.#opening.get(id) ?? []) this.#moveCursor(each.revision);
        this.#opening.delete(id);
      },
    );
  }

  /**
   * The server rules a gap out: reconnect with the cursor, and if it is still there start afresh.
   * @param {Frame} event
   */
  #gap(event) {
    const gap = `${event.conversation} ${event.seq}`;
    if (gap === this.#lastGap) this.#cursor = null;
    this.#lastGap = gap;
    this.#nonsense('gap');
  }

  /** @param {number | undefined} revision */
  #moveCursor(revision) {
    if (!this.#cursor || !revision || revision <= this.#cursor.revision) return;
    if (this.#opening.size || this.#early.size) return; // what is held back has not been processed
    this.#cursor = { ...this.#cursor, revision };
    this.#saveSoon();
  }

  /** @param {Frame} event */
  #typed({ conversation, person, active = true, for_ms }) {
    const typists = this.model.typing.get(conversation) ?? new Map();
    this.model.typing.set(conversation, typists);
    if (active) {
      typists.set(person, this.#clock.now() + for_ms);
      this.#later(`typed ${conversation} ${person}`, for_ms, () =>
        this.#emit('typing', { conversation }),
      );
    } else {
      typists.delete(person);
    }
    this.#emit('typing', { conversation });
  }

  // --- Asking ------------------------------------------------------------------------------------

  /** @param {Frame} frame @returns {boolean} whether there was a connection to say it on */
  #say(frame) {
    if (!this.#ready || !this.#socket) return false;
    this.#socket.send(encode(frame));
    return true;
  }

  /**
   * Replies are handled at once, in the order of the frames.
   * @param {Frame} frame
   * @param {(frame: Frame) => void} done
   * @param {(error: DeskbellError) => void} fail
   */
  #call(frame, done, fail) {
    const id = (this.#lastId += 1);
    const error = this.#tooLarge({ ...frame, id });
    if (error) {
      queueMicrotask(() => fail(error)); // as late as any other answer
      return;
    }
    this.#calls.set(id, { done, fail });
    this.#socket.send(encode({ ...frame, id }));
  }

  /**
   * What the server would not take: a frame over its limit would end the connection.
   * @param {Frame} frame
   * @param {string} [text] that is to be stored
   * @returns {DeskbellError | null}
   */
  #tooLarge(frame, text = '') {
    const { text_bytes, frame_bytes } = this.limits;
    const over = Math.max(
      bytesOf(text) - text_bytes,
      bytesOf(encode({ ...frame, id: frame.id ?? LARGEST_ID })) - frame_bytes,
    );
    if (over <= 0) return null;
    return new DeskbellError('too_large', `This is ${over} bytes too long. Shorten it.`);
  }

  /** @param {Frame} frame @returns {Promise<Frame>} */
  #ask(frame) {
    return new Promise((resolve, reject) => {
      if (this.#ready) this.#call(frame, resolve, reject);
      else
        reject(
          new DeskbellError('disconnected', 'You are offline. Try again once you are connected.'),
        );
    });
  }

  #ping() {
    if (!this.#socket || this.status.state !== 'online') return;
    this.#pingedAt = this.#clock.now();
    this.#socket.send(encode({ type: 'ping' }));
    this.#later('ping', this.#heartbeat.ping_after_ms, () => this.#ping());
  }

  /** Nothing heard for `timeout_ms`: dead. A timer that a sleeping machine held back asks first. */
  #watchdog() {
    const { ping_after_ms, timeout_ms } = this.#heartbeat;
    const now = this.#clock.now();
    const silent = now - this.#heardAt;
    const grace = timeout_ms - ping_after_ms;
    if (silent < timeout_ms) {
      this.#later('dead', timeout_ms - silent, () => this.#watchdog());
    } else if (this.#pingedAt > this.#heardAt && now - this.#pingedAt >= Math.min(grace, 10_000)) {
      this.#lost(4000, 'nothing heard');
    } else {
      if (this.#pingedAt <= this.#heardAt) this.#ping();
      this.#later('dead', grace, () => this.#watchdog());
    }
  }

  // --- The outbox --------------------------------------------------------------------------------

  /** @param {Waiting[]} [entries] what it is to be @returns {Waiting[]} what it is */
  #outbox(entries) {
    if (entries) this.#shelf.set('outbox', entries.length ? entries : undefined);
    return entries ?? this.#shelf.get('outbox') ?? [];
  }

  /** @param {string} id @param {Partial<Waiting>} change */
  #amend(id, change) {
    this.#outbox(
      this.#outbox().map((each) => (each.client_message_id === id ? { ...each, ...change } : each)),
    );
    this.#changed();
  }

  /** Put on the wire what may go: in each conversation the oldest one, and one at a time. */
  #pump() {
    if (!this.#ready) return;
    const begun = new Set(this.#flying.values());
    for (const entry of this.outbox()) {
      if (entry.error || entry.ack || begun.has(entry.conversation)) continue;
      begun.add(entry.conversation);
      if ((this.#paused.get(entry.conversation)?.until ?? 0) > this.#clock.now()) continue;
      this.#flying.set(entry.client_message_id, entry.conversation);
      this.#call(
        asSend(entry),
        (ack) => this.#acked(entry, ack),
        (error) => this.#refused(entry, error),
      );
    }
  }

  /** Whether a message of ours is on the wire in this conversation. @param {string} conversation */
  #flies(conversation) {
    return [...this.#flying.values()].includes(conversation);
  }

  /**
   * Stored. Its place is after messages that may still be on their way.
   * @param {Waiting} entry
   * @param {Frame} ack
   */
  #acked(entry, { seq, revision, at }) {
    const { client_message_id: id, conversation } = entry;
    this.#flying.delete(id);
    this.#paused.delete(conversation);
    const acked = { ...entry, ack: { seq, revision, at } };
    this.#amend(id, { ack: acked.ack });
    this.#settle(acked);
    this.#absorb(conversation);
    const early = this.#early.get(conversation) ?? [];
    this.#early.delete(conversation);
    this.#events(early);
    this.#pump();
  }

  /**
   * Put stored messages of ours where they belong, as soon as all before them are here.
   * @param {string} id
   */
  #absorb(id) {
    const conversation = this.conversations.get(id);
    for (const entry of this.#outbox()) {
      if (!entry.ack || entry.conversation !== id) continue;
      const last = conversation?.last_seq ?? Infinity;
      if (entry.ack.seq > last + 1) return;
      this.#outbox(
        this.#outbox().filter((each) => each.client_message_id !== entry.client_message_id),
      );
      const event = { type: 'message', ...asStored({ ...entry, person: this.person }) };
      if (conversation && this.model.apply(event) === 'applied') this.#arrived(event);
      this.#changed(id);
    }
  }

  /**
   * An event shows a message of ours: it is stored, whether or not the ack has come.
   * @param {Frame} event
   */
  #stored({ client_message_id: id = '', seq, revision, at }) {
    const entry = this.#outbox().find((each) => each.client_message_id === id);
    if (!entry) return;
    this.#flying.delete(id);
    this.#outbox(this.#outbox().filter((each) => each !== entry && each.client_message_id !== id));
    if (!entry.ack) this.#settle({ ...entry, ack: { seq, revision, at } });
  }

  /** Tell whoever sent it. @param {Waiting} entry */
  #settle(entry) {
    const message = asStored({ ...entry, person: this.person });
    this.#senders.get(entry.client_message_id)?.resolve(message);
    this.#senders.delete(entry.client_message_id);
    this.#emit('sent', { conversation: entry.conversation, message });
  }

  /**
   * Tell whoever sent it that nothing comes of it.
   * @param {string} id @param {string} code @param {string} message
   */
  #giveUp(id, code, message) {
    this.#senders.get(id)?.reject(new DeskbellError(code, message));
    this.#senders.delete(id);
  }

  /** @param {Waiting} entry @param {DeskbellError} error */
  #refused(entry, error) {
    const { client_message_id: id, conversation } = entry;
    this.#flying.delete(id);
    if (error.code === 'disconnected') return; // it stays, and goes out on the next connection
    if (PASSING.has(error.code)) {
      const tries = (this.#paused.get(conversation)?.tries ?? 0) + 1;
      const wait = error.retry_after * 1_000 || backoff(tries, this.#random);
      this.#paused.set(conversation, { until: this.#clock.now() + wait, tries });
      this.#later(`outbox ${conversation}`, wait, () => this.#pump());
      return;
    }
    this.#amend(id, { error: { code: error.code, message: error.message } });
    this.#senders.get(id)?.reject(error);
    this.#senders.delete(id);
    this.#emit('failed', { entry, error });
    this.#pump();
  }

  // --- Receipts ----------------------------------------------------------------------------------

  /**
   * Our own cursors move: here at once, and to the server with the next burst.
   * @param {string} conversation
   * @param {{delivered_up_to: number, read_up_to: number}} cursors
   */
  #due(conversation, cursors) {
    const at = this.serverTime;
    const moved = { person: this.person, ...cursors, delivered_at: at, read_at: at };
    this.model.apply({ type: 'receipt', conversation, receipts: [moved] });
    const due = highest(this.#receiptsDue.get(conversation), cursors);
    this.#receiptsDue.delete(conversation); // so that the map is in the order of what came last
    this.#receiptsDue.set(conversation, due);
    this.#receiptsSoon(RECEIPT_DELAY_MS);
  }

  /** @param {number} ms */
  #receiptsSoon(ms) {
    if (this.#timers.has('receipts') || !this.#ready) return;
    this.#later('receipts', ms, () => this.#sendReceipts());
  }

  /** A batch of what is due: what has just been read is told before what waits for its turn. */
  #sendReceipts() {
    for (const [conversation, cursors] of [...this.#receiptsDue].slice(-RECEIPT_BATCH)) {
      this.#receiptsDue.delete(conversation);
      if (!this.conversations.has(conversation)) continue;
      const { delivered_up_to, read_up_to } = cursors;
      const moved = read_up_to ? { read_up_to } : {};
      const delivered = delivered_up_to > read_up_to ? { delivered_up_to } : {};
      this.#say({ type: 'receipt', conversation, ...delivered, ...moved });
      const sent = highest(this.#receiptsSent.get(conversation), cursors);
      this.#receiptsSent.delete(conversation); // so that the map is in the order of sending
      this.#receiptsSent.set(conversation, sent);
    }
    for (const [oldest] of [...this.#receiptsSent].slice(0, -REPEATED_RECEIPTS)) {
      this.#receiptsSent.delete(oldest);
    }
    if (this.#receiptsDue.size) this.#receiptsSoon(RECEIPT_BATCH_MS);
    this.#saveSoon();
  }

  // --- Keeping -----------------------------------------------------------------------------------

  /** Write the model and the cursor, as one picture, now. Call it when the page goes away. */
  save() {
    this.#cancel('save');
    // The tab that replaced this one keeps its own, or has been told to forget.
    if (!this.#cursor || this.#loading || this.status.code === 4509) return;
    for (const keep of [SAVED_MESSAGES, 1]) {
      const conversations = this.model.snapshot().map((each) => ({
        ...each,
        messages: each.messages.slice(-keep),
        notes: (each.notes ?? []).slice(-keep),
        more: each.more || each.messages.length > keep,
      }));
      const { person, role, business, settings, businessSettings } = this.model;
      const state = {
        cursor: this.#cursor,
        person,
        role,
        business,
        settings,
        businessSettings,
        stale: this.#stale,
        conversations,
        next: this.next,
        receipts: [...this.#receiptsSent, ...this.#receiptsDue],
      };
      const small = JSON.stringify(state).length < SAVED_CHARACTERS;
      if (small && this.#shelf.set('state', state)) return;
    }
    this.#shelf.set('state', undefined); // too much to keep: the next start is a fresh one
  }

  #restore() {
    const state = this.#left;
    this.#left = null;
    if (!state?.cursor) return;
    const { person, role, business, settings, businessSettings } = state;
    Object.assign(this.model, { person, role, business, settings, businessSettings });
    for (const each of state.conversations) this.conversations.set(each.id, each);
    this.#cursor = state.cursor;
    this.next = state.next;
    this.#stale = state.stale ?? 0;
    for (const [id, cursors] of state.receipts) {
      this.#receiptsSent.set(id, highest(this.#receiptsSent.get(id), cursors));
    }
  }

  #saveSoon() {
    if (!this.#timers.has('save')) this.#later('save', SAVE_DELAY_MS, () => this.save());
  }

  /** Leave nothing to read on this device; what is on the screen stays there. */
  #drop() {
    this.#cancel('save');
    this.#cursor = null;
    this.#left = null;
    this.#shelf.set('state', undefined);
  }

  /** Forget everything on this device: the session, the model, what waits. */
  forget() {
    this.close();
    for (const key of ['session', 'outbox']) this.#shelf.set(key, undefined);
    this.#drop();
    for (const held of [this.#receiptsSent, this.#receiptsDue, this.#paused]) held.clear();
    this.#watched = [];
    for (const id of [...this.#senders.keys()])
      this.#giveUp(id, 'forgotten', 'It was forgotten before it was sent.');
    this.model = new Model();
    this.#stale = 0;
    this.#changed();
  }

  // --- Timers and listeners ----------------------------------------------------------------------

  /** @param {string} purpose @param {number} ms @param {() => void} run */
  #later(purpose, ms, run) {
    this.#cancel(purpose);
    this.#timers.set(
      purpose,
      this.#clock.setTimeout(() => {
        this.#timers.delete(purpose);
        run();
      }, ms),
    );
  }

  /** @param {string[]} purposes */
  #cancel(...purposes) {
    for (const purpose of purposes) {
      if (this.#timers.has(purpose)) this.#clock.clearTimeout(this.#timers.get(purpose));
      this.#timers.delete(purpose);
    }
  }

  /** @param {string} [conversation] */
  #changed(conversation) {
    this.#saveSoon();
    this.#emit('change', { conversation });
  }

  /** @param {string} type @param {any} detail */
  #emit(type, detail) {
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        listener(detail);
      } catch (error) {
        queueMicrotask(() => {
          throw error; // a defect of the listener, and not the end of what is being done here
        });
      }
    }
  }
}

/** The command that sends an entry of the outbox. @param {Waiting} entry @returns {Frame} */
function asSend({ client_message_id, conversation, text, reply_to, attachments = [] }) {
  const ids = attachments.length ? attachments.map((each) => each.id) : null;
  return { type: 'send', conversation, client_message_id, text, reply_to, attachments: ids };
}

/** @param {string} text @returns {number} its length in UTF-8 */
function bytesOf(text) {
  return UTF8.encode(text).length;
}

/**
 * The message that an acknowledged entry of the outbox has become.
 * @param {Waiting} entry
 * @returns {Message}
 */
function asStored(entry) {
  const { conversation, client_message_id, text, reply_to, person, ack } = entry;
  const { attachments = MESSAGE.attachments } = entry;
  return asMessage(
    { ...ack, author: person, text, reply_to, client_message_id, attachments },
    conversation,
  );
}

/** @param {Frame} frame */
function asError({ code, message, retry_after = 0 }) {
  return new DeskbellError(code, message, retry_after);
}

/**
 * @param {{delivered_up_to: number, read_up_to: number} | undefined} one
 * @param {{delivered_up_to: number, read_up_to: number}} other
 */
function highest(one, other) {
  return {
    delivered_up_to: Math.max(one?.delivered_up_to ?? 0, other.delivered_up_to),
    read_up_to: Math.max(one?.read_up_to ?? 0, other.read_up_to),
  };
}

/** @param {string | undefined} url the server's address @returns {string} its websocket */
function endpoint(url) {
  const address = new URL('/v1/ws', url ?? globalThis.location?.href);
  address.protocol = address.protocol.replace('http', 'ws');
  return address.href;
}

/** @param {string | undefined} url the server's address @param {string} path @returns {string} */
function web(url, path) {
  const address = new URL(path, url ?? globalThis.location?.href);
  address.protocol = address.protocol.replace('ws', 'http');
  return address.href;
}

/** @returns {Storage | undefined} undefined where there is none, or the browser forbids it */
function browserStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** 128 random bits; `crypto.randomUUID` exists on secure pages alone. */
function randomId() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
