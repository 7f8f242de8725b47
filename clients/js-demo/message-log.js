/**
 * The messages of one conversation: what is shown, where it is scrolled to, and what has been seen.
 */

import { arrange, h, moveFocus } from './dom.js';
import { icon } from './icons.js';
import { LogRows } from './log-rows.js';
import { headText } from './message-row.js';
import { isNearEnd, lowestShown, rowOf, scrollToEnd, scrollToTopOf } from './scrolling.js';
import { Unread } from './unread.js';

/** @typedef {import('./log-rows.js').Actions} Actions */
/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Waiting} Waiting */

const NEAR_TOP = 400; // pixels within which older messages are fetched
const PAGE = 200; // messages that are loaded at once to get to a place
const SEEN_AFTER_MS = 400;

export class MessageLog {
  #id = '';
  #rows;
  /** @type {Unread | null} */
  #unread = null;
  #arriving = false; // what was unread is on its way; nothing counts as seen
  #oldest = 0; // the seq of the first message that was here at the last drawing
  #atEnd = true;
  /** @type {Promise<number> | null} */
  #loading = null;
  /** @type {any} */
  #seenTimer = 0;
  #sayingSeen = 0;

  /**
   * @param {import('./deskbell.js').Deskbell} desk
   * @param {Omit<Actions, 'unfold'> & {looking: () => boolean}} actions
   */
  constructor(desk, actions) {
    this.desk = desk;
    this.actions = {
      ...actions,
      unfold: (/** @type {Message | Waiting} */ message) => this.unfold(message),
    };
    this.#rows = new LogRows(desk, this.actions);
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
    this.#atEnd = true;
    this.#unreadFrom(this.conversation);
    clearTimeout(this.#seenTimer);
    this.#seenTimer = 0;
    this.#loading = null;
    this.render();
  }

  /** Begin at what is unread now. @param {Conversation | undefined} conversation */
  #unreadFrom(conversation) {
    this.#unread = Unread.of(conversation, this.desk);
    this.#arriving =
      this.#unread !== null && !(conversation && Unread.seen(conversation, this.desk.person));
  }

  render() {
    const conversation = this.conversation;
    if (!conversation) return;
    if (this.#unread?.answered(this.desk.outbox(this.#id))) this.#unread = null;
    const first = conversation.messages[0]?.seq ?? 0;
    const taken = this.#oldest && first > this.#oldest; // by a reset
    if (taken && !this.#rows.fresh) this.#unreadFrom(conversation);
    this.#oldest = first;
    const { scrollHeight, scrollTop } = this.scroller;
    const oldFirst = this.#rows.firstKey;
    const firstUnread = this.#unread?.first(conversation, this.desk.person) ?? 0;
    arrange(this.list, this.#rows.of(conversation, firstUnread));
    this.#tabStop();
    this.#head(conversation);
    const typing = this.desk.typists(this.#id).length > 0;
    this.typing.hidden = !typing;
    if (this.#atEnd) this.toEnd(false);
    else if (oldFirst !== this.#rows.firstKey) {
      this.scroller.scrollTop = scrollTop + this.scroller.scrollHeight - scrollHeight;
    }
    this.#rows.fresh = false;
    if (this.#arriving) this.#arrive(conversation);
    this.#jumper(conversation);
    this.#fill();
    this.seen();
  }

  /** @param {Message | Waiting} message @returns {boolean} whether only its beginning is shown */
  folded(message) {
    return this.#rows.folded(message);
  }

  /** Show all of a long text, from where it begins. @param {Message | Waiting} message */
  unfold(message) {
    this.#rows.unfold(message);
    this.#atEnd = false;
    this.render();
    this.#scrolled();
  }

  /** @param {Conversation} conversation */
  #head(conversation) {
    const offline = this.desk.status.state !== 'online';
    const text = headText(conversation.more, offline);
    if (this.head.textContent !== text) this.head.textContent = text;
    this.head.classList.toggle('loading', conversation.more && !offline);
  }

  // --- Scrolling ---

  /** @param {boolean} smooth */
  toEnd(smooth) {
    this.#atEnd = true;
    if (smooth) this.#arriving = false;
    scrollToEnd(this.scroller, smooth);
    if (smooth) this.render();
  }

  #scrolled() {
    this.#atEnd = isNearEnd(this.scroller);
    const conversation = this.conversation;
    if (conversation) this.#jumper(conversation);
    this.#fill();
    this.seen();
  }

  #resized() {
    if (this.#atEnd) this.toEnd(false);
    const conversation = this.conversation;
    if (conversation && this.#arriving) this.#arrive(conversation);
    this.#fill();
    this.seen();
  }

  /**
   * Begin at the line above what is unread, or at the oldest message that could be loaded.
   * @param {Conversation} conversation
   */
  #arrive(conversation) {
    if (this.#unread?.wantsMore(conversation) && this.desk.status.state === 'online') {
      this.#load(PAGE).catch(() => {}); // it is tried again with the next drawing
      return;
    }
    if (!this.scroller.clientHeight) return;
    this.#arriving = false;
    const oldest = this.#unread?.reachesBack(conversation) ? this.list.firstElementChild : null;
    const line = this.list.querySelector('.separator.unread') ?? oldest;
    if (!line) return;
    scrollToTopOf(this.scroller, line);
    this.#atEnd = isNearEnd(this.scroller);
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
    this.#load().catch(() => {}); // it is asked for again when the connection is back
  }

  /** Older messages, one page at a time. @param {number} [limit] @returns {Promise<number>} */
  #load(limit) {
    if (this.#loading) return this.#loading;
    const loading = this.desk
      .history(this.#id, limit)
      .finally(() => {
        if (this.#loading === loading) this.#loading = null;
      })
      .then((count) => {
        if (count) this.render();
        return count;
      });
    this.#loading = loading;
    return loading;
  }

  /** Show one message, loading history until it is here. @param {number} seq */
  async reveal(seq) {
    const id = this.#id;
    while (this.conversation?.more && (this.conversation.messages[0]?.seq ?? 0) > seq) {
      const count = await this.#load(PAGE);
      if (id !== this.#id) return; // another conversation is shown by now
      if (!count) break;
    }
    this.#arriving = false;
    this.render();
    const row = rowOf(this.list, seq);
    if (!row) throw new Error('That message is from before you came.');
    this.#atEnd = false;
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
    if (!conversation || this.#arriving || !this.actions.looking()) return;
    if (!conversation.unread && !this.#behind(conversation)) return;
    const upTo = this.#atEnd
      ? conversation.last_seq
      : lowestShown(this.scroller, this.list);
    if (upTo <= (this.desk.model.me(conversation)?.read_up_to ?? 0)) return;
    this.#sayingSeen = this.#seenTimer ? Math.max(upTo, this.#sayingSeen) : upTo;
    this.#seenTimer ||= setTimeout(() => {
      this.#seenTimer = 0;
      if (this.actions.looking()) this.desk.read(this.#id, this.#sayingSeen);
    }, SEEN_AFTER_MS);
  }

  /**
   * Whether the cursor is behind what others said though nothing is unread: where the team shares a
   * count, that is so of what a colleague said, or has read before.
   * @param {Conversation} conversation
   */
  #behind(conversation) {
    if (conversation.team_read_up_to === undefined) return false;
    const { person } = this.desk;
    const last = conversation.messages.findLast((each) => each.author !== person);
    const mine = this.desk.model.me(conversation);
    return last !== undefined && mine !== undefined && last.seq > mine.read_up_to;
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
      this.#open(row);
    }
  }

  /** The menu of a message or a note. @param {any} row */
  #open(row) {
    if (row.note) this.actions.note(row.firstElementChild, row.note);
    else this.actions.menu(row.querySelector('.bubble') ?? row, row.message);
  }

  /** @param {MouseEvent} event */
  #context(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {any} */ (target.closest('.row'));
    if (!(row?.message || row?.note) || target.closest('a') || String(getSelection())) return;
    event.preventDefault();
    this.#open(row);
  }
}
