/**
 * The messages of one conversation: what is shown, where it is scrolled to, and what has been seen.
 */

import { arrange, h, moveFocus } from './dom.js';
import { icon } from './icons.js';
import {
  authorOf,
  messageRow,
  separator,
  signature,
  ticksButton,
  tickWords,
} from './message-row.js';
import { dayLabel, dayOf } from './times.js';

/** @typedef {import('./message-row.js').Row} Row */
/** @typedef {import('./message-row.js').Actions} Actions */
/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Waiting} Waiting */

const GROUP_MS = 5 * 60_000;
const NEAR_END = 60; // pixels within which the newest message counts as shown
const NEAR_TOP = 400; // … and within which older ones are fetched
const SEEN_AFTER_MS = 400;

export class MessageLog {
  #id = '';
  /** @type {Map<string, {element: HTMLElement, signature: string, ticks: string}>} */
  #rows = new Map();
  /** @type {{after: number, upTo: number} | null} what was unread when it was opened */
  #unseen = null;
  #atEnd = true;
  #loading = false;
  #fresh = true; // nothing drawn yet: no motion
  #firstKey = '';
  /** @type {any} */
  #seenTimer = 0;
  #sayingSeen = 0;

  /**
   * @param {import('./deskbell.js').Deskbell} desk
   * @param {Actions & {looking: () => boolean}} actions
   */
  constructor(desk, actions) {
    this.desk = desk;
    this.actions = actions;
    this.list = h('ol', { class: 'rows', 'aria-label': 'Messages' });
    this.typing = h('div', { class: 'typing', hidden: true }, h('span'), h('span'), h('span'));
    this.head = h('div', { class: 'log-head' });
    this.scroller = h('div', { class: 'log' }, this.head, this.list, this.typing);
    this.count = h('span', { class: 'badge', hidden: true });
    this.jump = h(
      'button',
      {
        type: 'button',
        class: 'round jump',
        hidden: true,
        'aria-label': 'Jump to the latest message',
        onclick: () => this.toEnd(true),
      },
      icon('down'),
      this.count,
    );
    this.element = h('div', { class: 'log-frame' }, this.scroller, this.jump);
    this.scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.list.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.list.addEventListener('contextmenu', (/** @type {MouseEvent} */ event) =>
      this.#context(event),
    );
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
  }

  /** @returns {Conversation | undefined} */
  get conversation() {
    return this.desk.conversations.get(this.#id);
  }

  /** @param {string} id */
  show(id) {
    this.#id = id;
    this.#rows.clear();
    this.list.replaceChildren();
    this.#fresh = true;
    this.#atEnd = true;
    const conversation = this.conversation;
    const mine = conversation && this.desk.model.me(conversation);
    this.#unseen =
      conversation?.unread && mine
        ? { after: mine.read_up_to, upTo: conversation.last_seq }
        : null;
    this.render();
  }

  render() {
    const conversation = this.conversation;
    if (!conversation) return;
    if (this.desk.outbox(this.#id).length) this.#unseen = null; // who answers has seen them
    const { scrollHeight, scrollTop } = this.scroller;
    const oldFirst = this.#firstKey;
    const rows = this.#items(conversation);
    arrange(this.list, rows);
    this.#tabStop();
    this.#head(conversation);
    const typing = this.desk.typists(this.#id).length > 0;
    this.typing.hidden = !typing;
    if (this.#atEnd) this.toEnd(false);
    else if (oldFirst !== this.#firstKey) {
      this.scroller.scrollTop = scrollTop + this.scroller.scrollHeight - scrollHeight;
    }
    this.#fresh = false;
    this.#jumper(conversation);
    this.#fill();
    this.seen();
  }

  /**
   * The rows, those that look the same reused.
   * @param {Conversation} conversation
   * @returns {HTMLElement[]}
   */
  #items(conversation) {
    const messages = [...conversation.messages, ...this.desk.outbox(this.#id)];
    const firstUnread = this.#firstUnread(conversation);
    const keep = new Map();
    const elements = [];
    let before = /** @type {Message | Waiting | null} */ (null);
    for (const [index, message] of messages.entries()) {
      const sameDay = before && dayOf(before.at) === dayOf(message.at);
      if (!sameDay)
        elements.push(
          this.#separator(
            keep,
            dayLabel(message.at, this.desk.serverTime),
            'day',
            dayOf(message.at),
          ),
        );
      const unread = 'seq' in message && message.seq === firstUnread;
      if (unread) elements.push(this.#separator(keep, 'New messages', 'unread', 0));
      const after = messages[index + 1];
      const row = {
        key:
          message.client_message_id && authorOf(this.desk, message) === this.desk.person
            ? message.client_message_id
            : `seq ${'seq' in message ? message.seq : ''}`,
        message,
        first: unread || !sameDay || !this.#together(before, message),
        last: !after || dayOf(after.at) !== dayOf(message.at) || !this.#together(message, after),
      };
      elements.push(this.#row(keep, conversation, row));
      before = message;
    }
    this.#rows = keep;
    this.#firstKey = String(conversation.messages[0]?.seq ?? '');
    return elements;
  }

  /**
   * The first message of somebody else that was unread, or 0: one's own, sent from another device,
   * are not new to oneself, and what was before the messages held is not known.
   * @param {Conversation} conversation
   */
  #firstUnread({ messages, more }) {
    const { after, upTo } = this.#unseen ?? { after: 0, upTo: 0 };
    if (more && (messages[0]?.seq ?? 0) > after + 1) return 0;
    const first = messages.find(
      ({ seq, author, kind, deleted_at }) =>
        seq > after &&
        seq <= upTo &&
        author !== this.desk.person &&
        kind === 'text' &&
        !deleted_at,
    );
    return first?.seq ?? 0;
  }

  /** @param {Message | Waiting | null} one @param {Message | Waiting} next */
  #together(one, next) {
    const entry = (/** @type {any} */ each) => (each.kind ?? 'text') !== 'text';
    return (
      one &&
      !entry(one) &&
      !entry(next) &&
      authorOf(this.desk, one) === authorOf(this.desk, next) &&
      next.at - one.at < GROUP_MS
    );
  }

  /**
   * @param {Map<string, any>} keep
   * @param {string} text
   * @param {string} kind
   * @param {number} day
   */
  #separator(keep, text, kind, day) {
    const key = `${kind} ${day}`;
    const old = this.#rows.get(key);
    const held =
      old?.signature === text
        ? old
        : { element: separator(text, kind), signature: text, ticks: '' };
    keep.set(key, held);
    return held.element;
  }

  /** @param {Map<string, any>} keep @param {Conversation} conversation @param {Row} row */
  #row(keep, conversation, row) {
    const old = this.#rows.get(row.key);
    const looks = signature(this.desk, conversation, row);
    const mine = authorOf(this.desk, row.message) === this.desk.person;
    const ticks = mine ? JSON.stringify(this.desk.ticks(conversation, row.message)) : '';
    let held = old;
    if (old?.signature !== looks) {
      const element = messageRow(this.desk, conversation, row, this.actions);
      if (!old && !this.#fresh && row.last) element.classList.add('arriving');
      if (old?.element.contains(document.activeElement)) queueMicrotask(() => element.focus());
      held = { element, signature: looks, ticks };
    } else if (old && old.ticks !== ticks) {
      held = { ...old, ticks };
      old.element
        .querySelector('.ticks')
        ?.replaceWith(ticksButton(this.desk, conversation, row.message, this.actions));
    }
    const element = /** @type {any} */ (held).element;
    element.message = row.message;
    if (mine) element.dataset.tick = tickWords(this.desk.ticks(conversation, row.message));
    keep.set(row.key, held);
    return element;
  }

  /** @param {Conversation} conversation */
  #head(conversation) {
    const offline = this.desk.status.state !== 'online';
    const text = !conversation.more
      ? 'This is where the conversation begins'
      : offline
        ? 'Earlier messages load when you are back online'
        : 'Loading earlier messages…';
    if (this.head.textContent !== text) this.head.textContent = text;
    this.head.classList.toggle('loading', conversation.more && !offline);
  }

  // --- Scrolling ---

  /** @param {boolean} smooth */
  toEnd(smooth) {
    this.#atEnd = true;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const far =
      this.scroller.scrollHeight - this.scroller.scrollTop > 4 * this.scroller.clientHeight;
    const behavior = smooth && !calm && !far ? 'smooth' : 'instant';
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior });
    if (smooth) this.render();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    const conversation = this.conversation;
    if (conversation) this.#jumper(conversation);
    this.#fill();
    this.seen();
  }

  #resized() {
    if (this.#atEnd) this.toEnd(false);
    this.#fill();
    this.seen();
  }

  /** @param {Conversation} conversation */
  #jumper(conversation) {
    this.jump.hidden = this.#atEnd;
    this.count.hidden = !conversation.unread;
    this.count.textContent = String(conversation.unread);
  }

  /** Fetch older messages while the top is near. */
  #fill() {
    const conversation = this.conversation;
    if (!conversation?.more || this.#loading || !this.scroller.clientHeight) return;
    if (this.scroller.scrollTop > NEAR_TOP || this.desk.status.state !== 'online') return;
    this.#loading = true;
    this.desk.history(this.#id).then(
      () => {
        this.#loading = false;
        this.render();
      },
      () => {
        this.#loading = false;
      },
    ); // it is asked for again when the connection is back
  }

  /** Show one message, loading history until it is here. @param {number} seq */
  async reveal(seq) {
    while (this.conversation?.more && (this.conversation.messages[0]?.seq ?? 0) > seq) {
      if (!(await this.desk.history(this.#id, 200))) break;
    }
    this.#atEnd = false;
    this.render();
    const row = [...this.list.children].find(
      (each) => /** @type {any} */ (each).message?.seq === seq,
    );
    if (!row) return;
    row.scrollIntoView({ block: 'center' });
    row.focus({ preventScroll: true });
    row.classList.remove('flash');
    void row.offsetWidth; // so that the animation begins again
    row.classList.add('flash');
  }

  // --- What has been seen ---

  /** Note what is on the screen of somebody who looks; it counts after a moment. */
  seen() {
    const conversation = this.conversation;
    if (!conversation?.unread || !this.actions.looking()) return;
    const upTo = this.#atEnd ? conversation.last_seq : this.#lowestShown();
    if (upTo <= (this.desk.model.me(conversation)?.read_up_to ?? 0)) return;
    if (this.#seenTimer && upTo <= this.#sayingSeen) return;
    clearTimeout(this.#seenTimer);
    this.#sayingSeen = upTo;
    const id = this.#id;
    this.#seenTimer = setTimeout(() => {
      this.#seenTimer = 0;
      if (id === this.#id && this.actions.looking()) this.desk.read(id, upTo);
    }, SEEN_AFTER_MS);
  }

  #lowestShown() {
    const end = this.scroller.getBoundingClientRect().bottom;
    const rows = [...this.list.children].reverse();
    const shown = rows.find(
      (row) =>
        /** @type {any} */ (row).message?.seq && row.getBoundingClientRect().bottom <= end + 8,
    );
    return /** @type {any} */ (shown)?.message.seq ?? 0;
  }

  // --- The keyboard ---

  #stops() {
    return /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll('.row[tabindex]')]);
  }

  /** One row, the newest unless another has the focus, is a stop of the Tab key. */
  #tabStop() {
    const stops = this.#stops();
    const current = stops.includes(/** @type {any} */ (document.activeElement))
      ? document.activeElement
      : stops.at(-1);
    for (const row of stops) row.tabIndex = row === current ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = /** @type {any} */ (event.target);
    if (!row.classList.contains('row')) return;
    if (moveFocus(event, this.#stops())) this.#tabStop();
    else if (['Enter', ' ', 'ContextMenu'].includes(event.key)) {
      event.preventDefault();
      this.actions.menu(row.querySelector('.bubble') ?? row, row.message);
    }
  }

  /** @param {MouseEvent} event */
  #context(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {any} */ (target.closest('.row'));
    if (!row?.message || target.closest('a') || String(getSelection())) return;
    event.preventDefault();
    this.actions.menu(row.querySelector('.bubble') ?? row, row.message);
  }
}
