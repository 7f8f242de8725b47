/**
 * One conversation within a page of one's own: what was said, and a line to write in.
 *
 *     import { openWidget } from './widget.js';
 *
 *     const widget = openWidget(document.querySelector('#talk'), {
 *       url: DESKBELL, // your Deskbell server's address
 *       getToken: () => askMyBackend(), // it asks POST /v1/tokens
 *       conversation: 'customer.5f2c0d7e1a9b3c4d5e6f7a8b',
 *     });
 *     widget.close(); // later
 *
 * It needs `deskbell.js`, `markup.js` and `dom.js` beside it. Its styles and the page's do not meet
 * (a shadow root); `--deskbell-accent` gives it a colour, and it is as large as its element.
 *
 * @module widget
 */

import { Deskbell } from './deskbell.js';
import { arrange, h } from './dom.js';
import { rendered } from './markup.js';

/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Waiting} Waiting */
/** @typedef {import('./deskbell.js').Conversation} Conversation */

const DEACTIVATED = 4503; // the person has no access any more
const STATES = { online: '', connecting: 'Connecting …', waiting: 'No connection. Trying again …' };
const TICKS = { waiting: '◷', failed: '!', sent: '✓', delivered: '✓✓', read: '✓✓' };
const WORDS = {
  waiting: 'Waiting to be sent',
  failed: 'Not sent',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
};
const CHANGES = { member_added: 'joined', member_removed: 'was removed', member_left: 'left' };
const STYLE = `
  :host { display: flex; flex-direction: column; min-height: 12rem; overflow: hidden; color: #1d2733;
    background: #fff; border: 1px solid #d5dbe3; border-radius: 12px; font: 15px/1.45 system-ui, sans-serif; }
  .log { flex: 1; overflow-y: auto; padding: 12px; display: flex; flex-direction: column; gap: 6px; }
  .row { max-width: 80%; padding: 6px 11px; border-radius: 12px; background: #eef1f5;
    align-self: flex-start; overflow-wrap: anywhere; white-space: pre-wrap; }
  .row.mine { align-self: flex-end; color: #fff; background: var(--deskbell-accent, #2457c5); }
  .row.note { align-self: center; background: none; color: #5b6774; font-size: 13px; }
  .row a { color: inherit; }
  .about { display: block; font-size: 12px; opacity: 0.85; }
  .row.mine .about { text-align: end; }
  .ticks[data-state='read'] { color: #a6ecff; font-weight: bold; }
  .state, .typing { padding: 0 12px; min-height: 1.45em; font-size: 13px; color: #5b6774; }
  form { display: flex; gap: 8px; padding: 8px; border-top: 1px solid #d5dbe3; }
  textarea { flex: 1; resize: none; border: 1px solid #b9c2cd; border-radius: 8px; padding: 7px 9px;
    font: inherit; color: inherit; background: #fff; }
  button { border: 0; border-radius: 8px; padding: 7px 13px; font: inherit; cursor: pointer;
    color: #fff; background: var(--deskbell-accent, #2457c5); }
  button.plain { align-self: center; color: #2457c5; background: none; }
  .row button { padding: 0 4px; color: inherit; background: none; text-decoration: underline; }
`;

/**
 * Show a conversation in `element`, and stay connected until `close`.
 * @param {HTMLElement} element
 * @param {object} options
 * @param {string} options.url  the Deskbell server
 * @param {() => Promise<string> | string} options.getToken  asks your backend for a token
 * @param {string} options.conversation
 * @returns {{close: () => void, desk: Deskbell}} `desk` is the SDK, for whatever else is wanted
 */
export function openWidget(element, { url, getToken, conversation }) {
  const desk = new Deskbell({ url, getToken, name: 'deskbell.widget' });
  const widget = new Widget(element, desk, conversation);
  const looked = () => widget.looked();
  document.addEventListener('visibilitychange', looked);
  desk.on('status', () => widget.draw());
  desk.on('ready', () => void widget.begin());
  desk.on('change', () => widget.draw());
  desk.on('typing', () => widget.draw());
  void desk.connect().catch(() => widget.draw()); // the line of the state tells
  return {
    desk,
    close: () => {
      document.removeEventListener('visibilitychange', looked);
      desk.close();
    },
  };
}

class Widget {
  #desk;
  #id;
  #asked = false;
  #gone = false;
  /** @type {Map<string, {looks: string, row: Element}>} drawn before; what is the same stays */
  #rows = new Map();
  #earlier = h('button', {
    type: 'button',
    class: 'plain',
    text: 'Earlier messages',
    onclick: () => void this.#desk.history(this.#id).catch(() => {}),
  });
  #log = h('div', { class: 'log', role: 'log', 'aria-label': 'Messages', tabindex: '0' });
  #state = h('div', { class: 'state', role: 'status' });
  #typing = h('div', { class: 'typing' });
  #send = h('button', { type: 'submit', text: 'Send' });
  #text = h('textarea', { rows: '1', 'aria-label': 'Message', placeholder: 'Message' });

  /** @param {HTMLElement} element @param {Deskbell} desk @param {string} conversation */
  constructor(element, desk, conversation) {
    this.#desk = desk;
    this.#id = conversation;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    const form = h('form', { onsubmit: this.#submitted }, this.#text, this.#send);
    this.#text.addEventListener('input', () => this.#desk.typing(this.#id));
    this.#text.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.#submitted(event);
    });
    root.replaceChildren(this.#state, this.#log, this.#typing, form);
    this.draw();
  }

  /** The connection has all that this person sees: have the conversation, and a page of it. */
  async begin() {
    try {
      this.#gone = !(await this.#desk.open(this.#id));
      const held = this.#desk.conversations.get(this.#id);
      if (!this.#asked && held?.more) await this.#desk.history(this.#id);
      this.#asked = true;
    } catch {
      return; // it begins again when the connection does
    }
    this.draw();
  }

  /** What is on the screen has been read. */
  looked() {
    const held = this.#desk.conversations.get(this.#id);
    if (held?.unread && document.visibilityState === 'visible' && this.#log.offsetParent) {
      this.#desk.read(this.#id);
    }
  }

  draw() {
    const { state, code, reason } = this.#desk.status;
    const ended = code === DEACTIVATED;
    this.#text.disabled = this.#send.disabled = ended || this.#gone;
    this.#state.textContent = ended
      ? 'You cannot write here any more. Please reach us another way.'
      : state === 'stopped'
        ? reason || 'Not connected.'
        : STATES[state] || (this.#gone ? 'This conversation is not here any more.' : '');
    const held = this.#desk.conversations.get(this.#id);
    if (!held) return;
    const log = this.#log;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const below = log.scrollHeight - log.scrollTop;
    const rows = [...held.messages, ...this.#desk.outbox(this.#id)].map((message) =>
      this.#kept(held, message),
    );
    this.#rows = new Map(rows.map((each) => [each.key, each]));
    arrange(log, [...(held.more ? [this.#earlier] : []), ...rows.map(({ row }) => row)]);
    log.scrollTop = atEnd ? log.scrollHeight : log.scrollHeight - below;
    const typists = this.#desk.typists(this.#id).map((person) => nameOf(held, person));
    this.#typing.textContent = typists.length ? `${typists.join(', ')} …` : '';
    this.looked();
  }

  /** @param {Event} event */
  #submitted = (event) => {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (!text || !this.#desk.person) return;
    this.#text.value = '';
    this.#desk.send(this.#id, text).catch((error) => {
      if (error.code === 'too_large') this.#text.value = text; // it is in no outbox
      this.#state.textContent = error.message;
    });
  };

  /**
   * The row of a message, the same one while it looks the same: else it were read out again.
   * @param {Conversation} held @param {Message | Waiting} message
   */
  #kept(held, message) {
    const key = 'seq' in message ? `${message.seq}` : message.client_message_id;
    const name = 'seq' in message ? nameOf(held, message.person || message.author) : '';
    const looks = JSON.stringify([message, name, this.#desk.ticks(held, message).state]);
    const before = this.#rows.get(key);
    if (before?.looks === looks) return { key, ...before };
    const row = 'seq' in message ? this.#row(held, message) : this.#waiting(held, message);
    return { key, looks, row };
  }

  /** @param {Conversation} held @param {Message} message */
  #row(held, message) {
    const change = /** @type {Record<string, string>} */ (CHANGES)[message.kind];
    if (change) {
      const name = message.text || nameOf(held, message.person);
      return h('div', { class: 'row note', text: `${name} ${change}` });
    }
    const mine = message.author === this.#desk.person;
    const files = message.attachments.map(({ name }) => h('span', { class: 'about', text: name }));
    const said = message.deleted_at
      ? [h('em', { text: 'This message was deleted' })]
      : [...rendered(message.text), ...files];
    const about = [message.location ? 'Automatic message' : mine ? '' : nameOf(held, message.author)];
    about.push(new Date(message.at).toLocaleTimeString([], { timeStyle: 'short' }));
    if (message.edited_at) about.push('edited');
    const words = h('span', { class: 'about', text: about.filter(Boolean).join(' · ') });
    if (mine && !message.deleted_at) words.append(' ', this.#ticks(held, message));
    return h('div', { class: mine ? 'row mine' : 'row' }, said, words);
  }

  /** @param {Conversation} held @param {Waiting} entry */
  #waiting(held, entry) {
    const about = h('span', { class: 'about' }, this.#ticks(held, entry));
    if (entry.error) {
      const id = entry.client_message_id;
      about.append(
        ` ${entry.error.message} `,
        h('button', { type: 'button', text: 'Try again', onclick: () => this.#desk.retry(id) }),
        h('button', { type: 'button', text: 'Delete', onclick: () => this.#desk.discard(id) }),
      );
    }
    return h('div', { class: 'row mine' }, rendered(entry.text), about);
  }

  /** @param {Conversation} held @param {Message | Waiting} message */
  #ticks(held, message) {
    const { state } = this.#desk.ticks(held, message);
    const props = { class: 'ticks', role: 'img', 'aria-label': WORDS[state], 'data-state': state };
    return h('span', { ...props, text: TICKS[state] });
  }
}

/** @param {Conversation} held @param {string} person */
function nameOf(held, person) {
  return held.members.find((member) => member.person === person)?.name ?? 'The team';
}
