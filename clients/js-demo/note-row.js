/** One note of the team, between the messages of a conversation. */

import { h, hidden } from './dom.js';
import { icon } from './icons.js';
import { rendered } from './markup.js';
import { firstName } from './names.js';
import { clockTime, dateTime, dayOf } from './times.js';

/** @typedef {import('./deskbell.js').Note} Note */
/** @typedef {import('./deskbell.js').Conversation} Conversation */

/**
 * @typedef {object} NoteActions what a note can ask of the log it is in
 * @property {(conversation: Conversation, person: string) => string} name
 * @property {(anchor: Element, note: Note) => void} note  opens its menu
 */

/**
 * The notes that are shown behind each message of those that are held, by its seq.
 * @param {Conversation} conversation
 * @returns {Map<number, Note[]>}
 */
export function notesBehind({ notes = [], messages, more }) {
  const first = messages[0]?.seq ?? 0;
  /** @type {Map<number, Note[]>} */
  const behind = new Map();
  for (const note of notes) {
    if (note.deleted_at || (more && note.seq < first)) continue;
    const seq = Math.max(note.seq, first);
    behind.set(seq, [...(behind.get(seq) ?? []), note]);
  }
  return behind;
}

/**
 * What decides how it looks.
 * @param {Conversation} conversation @param {Note} note @param {number} at
 * @param {NoteActions} actions
 */
export const noteSignature = (conversation, note, at, { name }) =>
  JSON.stringify([
    note,
    dayOf(at),
    name(conversation, note.author),
    note.mentions.map((each) => name(conversation, each)),
  ]);

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {Conversation} conversation
 * @param {Note} note @param {number} at  when the message it is behind was written
 * @param {NoteActions} actions
 */
export function noteRow(desk, conversation, note, at, actions) {
  const author = note.author === desk.person ? 'You' : actions.name(conversation, note.author);
  const names = note.mentions.map((each) =>
    each === desk.person ? 'you' : firstName(actions.name(conversation, each)),
  );
  const when =
    dayOf(note.at) === dayOf(at) ? clockTime(note.at) : dateTime(note.at, desk.serverTime);
  const more = h(
    'button',
    {
      type: 'button',
      class: 'round more',
      tabindex: '-1',
      'aria-label': 'What to do with this note',
      'aria-haspopup': 'menu',
      onclick: () => actions.note(more, note),
    },
    icon('more'),
  );
  return h(
    'li',
    { class: 'row note', tabindex: '-1', 'data-note': note.note },
    h(
      'div',
      { class: 'slip' },
      h(
        'p',
        { class: 'note-head' },
        icon('note'),
        hidden('Note of '),
        h('strong', { dir: 'auto', text: author }),
        names.length ? h('span', { dir: 'auto', text: `to ${names.join(', ')}` }) : null,
        h(
          'span',
          { class: 'note-time' },
          note.edited_at ? 'edited ' : '',
          h('time', { text: when }),
        ),
      ),
      h('div', { class: 'text', dir: 'auto' }, rendered(note.text)),
    ),
    more,
  );
}
