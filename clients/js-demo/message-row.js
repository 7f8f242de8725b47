/** One row of a conversation: a message with its bubble, a membership entry, or a separator. */

import { attachedWords } from './attachments.js';
import { h, hidden } from './dom.js';
import { icon, tickIcon } from './icons.js';
import { plain, rendered } from './markup.js';
import { avatar, firstName, hue, isAutomatic, nameOf, others } from './names.js';
import { clockTime } from './times.js';

/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Waiting} Waiting */
/** @typedef {import('./deskbell.js').Ticks} Ticks */
/** @typedef {import('./deskbell.js').Deskbell} Deskbell */
/** @typedef {import('./deskbell.js').Conversation} Conversation */

/**
 * @typedef {object} Row
 * @property {string} key
 * @property {Message | Waiting} message
 * @property {boolean} first of its author's group
 * @property {boolean} last
 * @property {boolean} folded  only its beginning is shown
 *
 * @typedef {object} Actions what a row can ask of the log it is in
 * @property {(anchor: Element, message: Message | Waiting) => void} menu
 * @property {(anchor: Element, message: Message | Waiting) => void} receipts
 * @property {(seq: number) => void} jump
 * @property {(message: Message | Waiting) => void} unfold
 * @property {import('./attachments.js').Files} files
 * @property {(entry: Waiting) => void} retry
 * @property {(entry: Waiting) => void} discard
 */

const GROUP_MS = 5 * 60_000;
const LONG_CHARACTERS = 1_200;
const LONG_LINES = 18;
const EMOJI = /^(?:\p{ExtPict}(?:[\u{FE0F}\u{1F3FB}-\u{1F3FF}]|\u200D\p{ExtPict})*\s*){1,3}$/u;

/** What a tick says, in words. @param {Ticks} ticks */
export function tickWords({ state, delivered, read, of }) {
  if (state === 'waiting') return 'Waiting to be sent';
  if (state === 'failed') return 'Not sent';
  if (state === 'read') return of > 1 ? 'Read by all' : 'Read';
  const some = [
    delivered && `delivered to ${delivered} of ${of}`,
    read && `read by ${read} of ${of}`,
  ];
  if (state === 'delivered' && of <= 1) return 'Delivered';
  const words = some.filter(Boolean).join(', ');
  return of > 1 && words ? words.charAt(0).toUpperCase() + words.slice(1) : 'Sent';
}

/**
 * @param {Deskbell} desk
 * @param {Conversation} conversation
 * @param {Row} row what decides how it looks
 */
export function signature(desk, conversation, { message, first, last, folded }) {
  const quoted = message.reply_to
    ? conversation.messages.find((each) => each.seq === message.reply_to)
    : null;
  const quote = quoted ? [quoted.text, quoted.deleted_at, nameOf(conversation, quoted.author)] : [];
  const mine = authorOf(desk, message) === desk.person;
  const seq = 'seq' in message ? message.seq : 0;
  return JSON.stringify([
    message,
    seq,
    first,
    last,
    folded,
    mine,
    quote,
    nameOf(conversation, authorOf(desk, message)),
  ]);
}

/** @param {Deskbell} desk @param {Message | Waiting} message */
export function authorOf(desk, message) {
  return 'author' in message ? message.author : desk.person;
}

/**
 * Whether two neighbours are of one group.
 * @param {Deskbell} desk @param {Message | Waiting | null} one @param {Message | Waiting} next
 */
export function together(desk, one, next) {
  const entry = (/** @type {any} */ each) => (each.kind ?? 'text') !== 'text';
  return (
    one &&
    !entry(one) &&
    !entry(next) &&
    authorOf(desk, one) === authorOf(desk, next) &&
    next.at - one.at < GROUP_MS
  );
}

/**
 * @param {Deskbell} desk
 * @param {Conversation} conversation
 * @param {Row} row
 * @param {Actions} actions
 */
export function messageRow(desk, conversation, row, actions) {
  const { message, first, last, folded } = row;
  if ('kind' in message && message.kind !== 'text') return entryRow(conversation, message);
  const author = authorOf(desk, message);
  const mine = author === desk.person;
  const group = others(conversation, desk.person).length > 1;
  const deleted = 'deleted_at' in message && message.deleted_at > 0;
  const kind = [mine ? 'mine' : 'theirs', first && 'first', last && 'last', deleted && 'deleted'];
  const name = nameOf(conversation, author);
  const more = deleted
    ? null
    : h(
        'button',
        {
          type: 'button',
          class: 'round more',
          tabindex: '-1',
          'aria-label': 'What to do with this message',
          'aria-haspopup': 'menu',
          onclick: () => actions.menu(more, message),
        },
        icon('more'),
      );
  const face =
    mine || !group ? null : h('span', { class: 'face' }, last ? avatar(author, name) : null);
  const element = h(
    'li',
    { class: `row ${kind.filter(Boolean).join(' ')}`, tabindex: '-1' },
    face,
    h(
      'div',
      { class: 'bubble' },
      hidden(mine ? 'You: ' : `${name}: `),
      first && (group || isAutomatic(author)) && !mine
        ? h('span', { class: `author ${hue(author)}`, 'aria-hidden': 'true', text: name })
        : null,
      quote(conversation, message, actions),
      actions.files.of(message),
      body(desk, conversation, message, { ...actions, folded }),
    ),
    more,
  );
  if ('error' in message && message.error) element.append(failure(message, actions));
  return element;
}

/**
 * @param {Deskbell} desk
 * @param {Conversation} conversation
 * @param {Message | Waiting} message
 * @param {Actions & {folded: boolean}} actions
 */
function body(desk, conversation, message, actions) {
  const mine = authorOf(desk, message) === desk.person;
  const deleted = 'deleted_at' in message && message.deleted_at > 0;
  const edited = 'edited_at' in message && message.edited_at > 0 && !deleted;
  const words = deleted
    ? h('em', { class: 'text' }, icon('trash'), 'This message was deleted')
    : h('div', { class: 'text' }, rendered(message.text));
  const jumbo = !deleted && EMOJI.test(message.text.trim());
  const empty = !deleted && !message.text;
  const kinds = [
    mine && 'with-ticks',
    edited && 'with-edited',
    jumbo && 'jumbo',
    empty && 'empty-text',
  ];
  const kind = ['body', ...kinds.filter(Boolean)].join(' ');
  const meta = h(
    'span',
    { class: 'meta' },
    edited ? h('span', { text: 'edited' }) : null,
    h('time', { datetime: new Date(message.at).toISOString(), text: clockTime(message.at) }),
  );
  if (mine && !deleted) meta.append(ticksButton(desk, conversation, message, actions));
  const element = h('div', { class: kind, dir: 'auto' }, words, meta);
  if (!actions.folded) return element;
  element.classList.add('folded');
  const unfold = { type: 'button', class: 'unfold', tabindex: '-1', text: 'Show all' };
  words.after(h('button', { ...unfold, onclick: () => actions.unfold(message) }));
  return element;
}

/** Whether only the beginning of a text is shown until one asks for the rest. @param {string} text */
export function isLong(text) {
  return text.length > LONG_CHARACTERS || text.split('\n').length > LONG_LINES;
}

/**
 * @param {Deskbell} desk
 * @param {Conversation} conversation
 * @param {Message | Waiting} message
 * @param {Actions} actions
 */
export function ticksButton(desk, conversation, message, actions) {
  const ticks = desk.ticks(conversation, message);
  const words = tickWords(ticks);
  const some = ticks.state === 'sent' && ticks.delivered ? ' some' : '';
  const button = h(
    'button',
    {
      type: 'button',
      tabindex: '-1',
      class: `ticks ${ticks.state}${some}`,
      title: words,
      'data-state': ticks.state,
      'aria-label': `${words}. Show who and when`,
      'data-words': words,
      onclick: () => actions.receipts(button, message),
    },
    tickIcon(ticks.state),
  );
  return button;
}

/**
 * @param {Conversation} conversation
 * @param {Message | Waiting} message
 * @param {Actions} actions
 */
function quote(conversation, message, actions) {
  if (!message.reply_to || ('deleted_at' in message && message.deleted_at)) return null;
  const seq = message.reply_to;
  const quoted = conversation.messages.find((each) => each.seq === seq);
  const name = quoted ? nameOf(conversation, quoted.author) : 'An earlier message';
  const text = !quoted
    ? 'Show it'
    : quoted.deleted_at
      ? 'This message was deleted'
      : plain(quoted.text) || attachedWords(quoted);
  return h(
    'button',
    {
      type: 'button',
      class: `quote ${hue(quoted?.author ?? '')}`,
      tabindex: '-1',
      onclick: () => actions.jump(seq),
    },
    hidden('In reply to '),
    h('strong', { text: name }),
    h('span', { dir: 'auto', text }),
  );
}

/** @param {Waiting} entry @param {Actions} actions */
function failure(entry, actions) {
  return h(
    'div',
    { class: 'failure', role: 'alert' },
    h('span', { text: `Not sent. ${entry.error?.message}` }),
    h('button', { type: 'button', text: 'Try again', onclick: () => actions.retry(entry) }),
    h('button', { type: 'button', text: 'Delete', onclick: () => actions.discard(entry) }),
  );
}

/** @param {Conversation} conversation @param {Message} entry */
function entryRow(conversation, entry) {
  return h('li', { class: 'row entry' }, h('span', { text: entryWords(conversation, entry) }));
}

/** @param {Conversation} conversation @param {Message} entry */
export function entryWords(conversation, entry) {
  const who = firstName(nameOf(conversation, entry.author));
  const whom = entry.text || nameOf(conversation, entry.person);
  if (entry.kind === 'member_added' && entry.author === entry.person) return `${who} joined`;
  if (entry.kind === 'member_added') return `${who} added ${whom}`;
  if (entry.kind === 'member_removed') return `${who} removed ${whom}`;
  return entry.kind === 'member_left' ? `${whom} left` : '';
}

/**
 * What stands above the oldest message that is here.
 * @param {boolean} more  whether there are older ones @param {boolean} offline
 */
export function headText(more, offline) {
  if (!more) return 'This is where the conversation begins';
  return offline
    ? 'Earlier messages load when you are back online'
    : 'Loading earlier messages…';
}

/** @param {string} text @param {string} [kind] */
export function separator(text, kind = 'day') {
  return h('li', { class: `row separator ${kind}` }, h('span', { text }));
}
