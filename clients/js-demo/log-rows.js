/** The rows of a log: messages in their groups, with lines between days and above what is new. */

import { notesBehind, noteRow, noteSignature } from './note-row.js';
import {
  authorOf,
  isLong,
  messageRow,
  separator,
  signature,
  ticksButton,
  tickWords,
  together,
} from './message-row.js';
import { dayLabel, dayOf } from './times.js';

/** @typedef {import('./message-row.js').Row} Row */
/** @typedef {import('./message-row.js').Actions & import('./note-row.js').NoteActions} Actions */
/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Waiting} Waiting */

export class LogRows {
  /** @type {Map<string, {element: HTMLElement, signature: string, ticks: string}>} */
  #rows = new Map();
  /** @type {Set<string>} the keys of long texts that are shown in full */
  #unfolded = new Set();
  fresh = true; // nothing drawn yet: no motion
  firstKey = '';

  /** @param {import('./deskbell.js').Deskbell} desk @param {Actions} actions */
  constructor(desk, actions) {
    this.desk = desk;
    this.actions = actions;
  }

  /** Begin with another conversation. */
  clear() {
    this.#rows.clear();
    this.#unfolded.clear();
    this.fresh = true;
  }

  /**
   * The rows, those that look the same reused.
   * @param {Conversation} conversation
   * @param {number} firstUnread  the seq above which the line of what is new stands, or 0
   * @returns {HTMLElement[]}
   */
  of(conversation, firstUnread) {
    const messages = [...conversation.messages, ...this.desk.outbox(conversation.id)];
    const behind = notesBehind(conversation);
    const keep = new Map();
    const elements = [];
    let noted = false; // a note stands before
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
      const notes = 'seq' in message ? (behind.get(message.seq) ?? []) : [];
      const row = {
        key: this.#keyOf(message),
        message,
        first: unread || noted || !sameDay || !together(this.desk, before, message),
        last:
          !after ||
          notes.length > 0 ||
          dayOf(after.at) !== dayOf(message.at) ||
          !together(this.desk, message, after),
        folded: this.folded(message),
      };
      elements.push(this.#row(keep, conversation, row));
      for (const note of notes) elements.push(this.#note(keep, conversation, note, message.at));
      noted = notes.length > 0;
      before = message;
    }
    this.#rows = keep;
    this.firstKey = String(conversation.messages[0]?.seq ?? '');
    return elements;
  }

  /** @param {Message | Waiting} message */
  #keyOf(message) {
    const mine = message.client_message_id && authorOf(this.desk, message) === this.desk.person;
    return mine ? message.client_message_id : `seq ${'seq' in message ? message.seq : ''}`;
  }

  /** @param {Message | Waiting} message @returns {boolean} whether only its beginning is shown */
  folded(message) {
    return isLong(message.text) && !this.#unfolded.has(this.#keyOf(message));
  }

  /** Show all of a long text from now on. @param {Message | Waiting} message */
  unfold(message) {
    this.#unfolded.add(this.#keyOf(message));
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

  /**
   * @param {Map<string, any>} keep @param {Conversation} conversation
   * @param {import('./deskbell.js').Note} note @param {number} at  of the message before
   */
  #note(keep, conversation, note, at) {
    const key = `note ${note.note}`;
    const old = this.#rows.get(key);
    const looks = noteSignature(conversation, note, at, this.actions);
    const same = old?.signature === looks;
    const element = same ? old.element : noteRow(this.desk, conversation, note, at, this.actions);
    const held = same ? old : { element, signature: looks, ticks: '' };
    /** @type {any} */ (element).note = note;
    keep.set(key, held);
    return element;
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
      if (!old && !this.fresh && row.last) element.classList.add('arriving');
      if (old?.element.contains(document.activeElement))
        queueMicrotask(() => element.focus({ preventScroll: true }));
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
}
