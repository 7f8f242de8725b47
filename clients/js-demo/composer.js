/** Where one writes: a text that grows, what it replies to or edits, and the limit it must keep. */

import { Attaching } from './attaching.js';
import { attachedWords } from './attachments.js';
import { h } from './dom.js';
import { Drafts } from './drafts.js';
import { icon } from './icons.js';
import { clean, plain } from './markup.js';
import { nameOf } from './names.js';
import { Noting } from './noting.js';

/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Deskbell} Deskbell */
/** @typedef {import('./saved-replies.js').Take} Take */

const TALLEST = 168; // pixels
const MANY = 0.8; // of the limit, from where the count is shown
const BYTES = new TextEncoder();

export class Composer {
  #id = '';
  /** @type {Message | null} */
  #replyTo = null;
  /** @type {Message | null} */
  #editing = null;
  #drafts;

  /**
   * @param {Deskbell} desk @param {HTMLElement} root
   * @param {{failed: (error: Error) => void, sent: () => void, leave: () => void,
   *   replies: (take: Take) => void}} actions  `replies` lets one choose one
   */
  constructor(desk, root, actions) {
    this.desk = desk;
    this.#drafts = new Drafts(desk, 'drafts');
    this.actions = actions;
    this.text = h('textarea', {
      rows: 1,
      placeholder: 'Message',
      'aria-label': 'Message',
      enterkeyhint: 'send',
      dir: 'auto',
      oninput: () => this.#input(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      onpaste: (/** @type {ClipboardEvent} */ event) => this.#paste(event),
    });
    this.count = h('output', { class: 'count', hidden: true });
    this.button = h(
      'button',
      {
        class: 'send',
        'aria-label': 'Send',
        disabled: true,
        // Who writes goes on writing: on a phone the keyboard stays.
        onmousedown: (/** @type {Event} */ event) => event.preventDefault(),
      },
      icon('send'),
    );
    this.context = h('div', { class: 'context', hidden: true });
    this.attaching = new Attaching(desk, {
      failed: actions.failed,
      changed: () => this.#measure(),
    });
    this.noting = new Noting(desk, root, {
      failed: (error) => actions.failed(/** @type {Error} */ (error)),
      toggle: () => this.#toggleNote(),
    });
    this.replies = h(
      'button',
      {
        type: 'button',
        class: 'round attach',
        'aria-label': 'Saved replies',
        onclick: () => actions.replies((text, files) => this.#insert(text, files)),
      },
      icon('bolt'),
    );
    this.element = h(
      'form',
      { class: 'composer', onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.context,
      this.attaching.tray,
      h('div', { class: 'field' }, this.text, this.count),
      h(
        'div',
        { class: 'tools' },
        this.attaching.button,
        this.attaching.input,
        this.replies,
        this.noting.button,
      ),
      this.button,
    );
  }

  /** @param {string} id */
  show(id) {
    this.keep();
    this.#noteMode(false);
    this.#id = id;
    this.#replyTo = null;
    this.#editing = null;
    this.#write(this.#drafts.get(id));
    this.attaching.show(id);
    const team = Boolean(this.desk.conversations.get(id)?.handling);
    this.replies.hidden = this.noting.button.hidden = !team;
    this.#showContext();
  }

  /** What was begun in a conversation and not sent. @param {string} id */
  draft(id) {
    const here = id === this.#id && !this.#editing && !this.noting.active;
    return (here ? this.text.value : this.#drafts.get(id)).trim();
  }

  /** The page may go away: what was begun is kept with the tab. */
  keep() {
    if (this.#id && !this.#editing) this.#begun.set(this.#id, this.text.value);
    this.#drafts.keep();
    this.noting.drafts.keep();
  }

  /** What was begun as what is written now: messages or notes. */
  get #begun() {
    return this.noting.active ? this.noting.drafts : this.#drafts;
  }

  /** From a message to a note, or back; what was begun of either stays. */
  #toggleNote() {
    if (this.#editing || this.#replyTo) this.#cancel();
    this.#begun.set(this.#id, this.text.value);
    this.#noteMode(!this.noting.active);
    this.#write(this.#begun.get(this.#id));
    this.focus();
  }

  /** @param {boolean} on */
  #noteMode(on) {
    this.noting.set(on);
    this.element.classList.toggle('noting', on);
    const words = on ? 'Note to the team' : 'Message';
    this.text.setAttribute('aria-label', words);
    this.text.placeholder = on ? 'Note to the team: no customer sees it' : words;
    this.button.setAttribute('aria-label', on ? 'Add the note' : 'Send');
    this.attaching.button.disabled = on;
  }

  focus() {
    this.text.focus({ preventScroll: true });
  }

  /** @param {Message} message */
  reply(message) {
    if (this.#deleted(message)) return; // since the menu opened
    if (this.noting.active) this.#toggleNote();
    if (this.#editing) this.#write('');
    this.#editing = null;
    this.#replyTo = message;
    this.#showContext();
    this.focus();
  }

  /** @param {Message} message */
  edit(message) {
    if (this.noting.active) this.#toggleNote();
    if (!this.#editing) this.#drafts.set(this.#id, this.text.value);
    this.#replyTo = null;
    this.#editing = { ...message }; // as it was: the one that is held changes
    this.#write(message.text);
    this.#showContext();
    this.focus();
    this.text.setSelectionRange(message.text.length, message.text.length);
  }

  /** @param {Message | null} message @returns {boolean} */
  #deleted(message) {
    const { messages = [] } = this.desk.conversations.get(this.#id) ?? {};
    return Boolean(messages.find((each) => each.seq === message?.seq)?.deleted_at);
  }

  /**
   * A message that is deleted is quoted and edited no more; what was written of it stays, as a new
   * text.
   */
  refresh() {
    if (this.#deleted(this.#replyTo)) this.#cancel();
    if (!this.#deleted(this.#editing)) return;
    const written = this.text.value;
    const changed = written !== this.#editing?.text;
    this.#cancel();
    if (!changed) return;
    this.#write([this.text.value, written].filter(Boolean).join('\n'));
    this.actions.failed(new Error('The message was deleted. What you wrote stays, as a new one.'));
  }

  #cancel() {
    if (this.#editing) this.#write(this.#drafts.get(this.#id));
    this.#editing = null;
    this.#replyTo = null;
    this.#showContext();
  }

  #showContext() {
    const message = this.#editing ?? this.#replyTo;
    this.context.hidden = !message;
    this.attaching.button.disabled = this.#editing !== null || this.noting.active; // text alone
    this.element.classList.toggle('editing', this.#editing !== null);
    if (!this.noting.active)
      this.button.setAttribute('aria-label', this.#editing ? 'Save' : 'Send');
    this.button.replaceChildren(icon(this.#editing ? 'check' : 'send'));
    if (!message) {
      this.context.replaceChildren();
      return;
    }
    const conversation = this.desk.conversations.get(this.#id);
    const title = this.#editing
      ? 'Edit message'
      : `Reply to ${nameOf(conversation, message.author)}`;
    this.context.replaceChildren(
      icon(this.#editing ? 'edit' : 'reply'),
      h(
        'span',
        { class: 'words' },
        h('strong', { text: title }),
        h('span', { dir: 'auto', text: plain(message.text) || attachedWords(message) }),
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'round',
          'aria-label': this.#editing ? 'Do not edit' : 'Do not reply',
          onclick: () => {
            this.#cancel();
            this.focus();
          },
        },
        icon('close'),
      ),
    );
  }

  /** Where one writes, in place of what is selected; files go with a message. @type {Take} */
  #insert(text, files) {
    this.attaching.adopt(files);
    const { selectionStart: start, selectionEnd: end } = this.text;
    this.text.setRangeText(text, start, end, 'end');
    this.#input();
    this.focus();
  }

  /** @param {string} value */
  #write(value) {
    this.text.value = value;
    this.#measure();
  }

  #input() {
    this.#measure();
    this.noting.typed(this.#id, this.text);
    if (this.#editing || this.noting.active) return; // nobody else is told
    this.desk.typing(this.#id, this.text.value.trim() !== '');
  }

  /** The height follows the text; the count shows when it nears the limit. */
  #measure() {
    this.text.style.height = 'auto';
    const height = Math.min(this.text.scrollHeight, TALLEST);
    if (height) this.text.style.height = `${height}px`; // 0 while it is not shown
    const bytes = BYTES.encode(clean(this.text.value)).length;
    const most = this.desk.limits.text_bytes;
    const over = bytes - most;
    this.count.hidden = bytes < most * MANY;
    this.count.classList.toggle('over', over > 0);
    const unit = Math.abs(over) === 1 ? 'byte' : 'bytes';
    this.count.textContent = over > 0 ? `${over} ${unit} too long` : `${-over} ${unit} left`;
    const alone = this.#editing !== null || this.noting.active;
    const files = !alone && this.attaching.ready.length > 0;
    const waits = !alone && this.attaching.busy;
    this.button.disabled = over > 0 || waits || (clean(this.text.value) === '' && !files);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) this.#submit(event);
    else if (event.key === 'Escape') {
      event.stopPropagation();
      if (this.noting.active) this.#toggleNote();
      else if (this.#editing || this.#replyTo) this.#cancel();
      else this.actions.leave();
    } else if (event.key === 'ArrowUp' && this.text.value === '' && !this.noting.active)
      this.#editLast(event);
    else if ((event.ctrlKey || event.metaKey) && event.key === 'b') this.#surround(event, '**');
    else if ((event.ctrlKey || event.metaKey) && event.key === 'i') this.#surround(event, '*');
  }

  /** @param {KeyboardEvent} event */
  #editLast(event) {
    const messages = this.desk.conversations.get(this.#id)?.messages ?? [];
    const mine = messages.findLast(
      (each) => each.author === this.desk.person && each.kind === 'text' && !each.deleted_at,
    );
    if (!mine) return;
    event.preventDefault();
    this.edit(mine);
  }

  /** @param {KeyboardEvent} event @param {string} sign */
  #surround(event, sign) {
    event.preventDefault();
    const { selectionStart: start, selectionEnd: end, value } = this.text;
    this.text.setRangeText(`${sign}${value.slice(start, end)}${sign}`, start, end, 'select');
    this.text.setSelectionRange(start + sign.length, end + sign.length);
    this.#input();
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const files = event.clipboardData?.files;
    if (!files?.length || this.attaching.button.disabled) return;
    event.preventDefault();
    this.attaching.add(files);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = clean(this.text.value);
    if (this.button.disabled) {
      if (this.attaching.busy && !this.noting.active && !this.#editing)
        this.actions.failed(new Error('A file is still on its way. Send it once it is there.'));
      return;
    }
    if (document.activeElement === this.button) this.focus(); // it goes out with the text
    if (this.noting.active) {
      void this.#note(this.#id, text);
      return;
    }
    const editing = this.#editing;
    const attachments = editing ? [] : this.attaching.ready;
    if (editing) {
      if (text === editing.text) this.#cancel();
      else this.#save(editing, text);
      return;
    }
    const reply_to = this.#replyTo?.seq ?? 0;
    this.#replyTo = null;
    this.#write('');
    this.keep();
    this.#showContext();
    this.attaching.sent();
    const stored = this.desk.send(this.#id, text, { reply_to, attachments });
    stored.catch(() => {}); // the row itself says what is wrong
    this.actions.sent();
  }

  /** If it is not stored, what was written comes back. @param {string} id @param {string} text */
  async #note(id, text) {
    this.#write('');
    try {
      await this.noting.add(id, text);
      this.keep();
      this.actions.sent();
    } catch (error) {
      this.actions.failed(/** @type {Error} */ (error));
      if (id === this.#id && this.noting.active && !this.text.value) this.#write(text);
      else this.noting.drafts.set(id, text);
    }
  }

  /**
   * What is typed until the answer comes is a new text. If it is not saved, what was written comes
   * back, to be tried again.
   * @param {Message} message @param {string} text
   */
  async #save(message, text) {
    const id = this.#id;
    this.#cancel();
    try {
      await this.desk.edit(id, message.seq, text);
    } catch (error) {
      this.actions.failed(/** @type {Error} */ (error));
      if (id === this.#id && !this.#editing && !this.#deleted(message)) {
        this.edit(message);
        this.#write(text);
      } else this.#keep(id, text);
    }
  }

  /** Behind what was begun in a conversation. @param {string} id @param {string} text */
  #keep(id, text) {
    const here = id === this.#id && !this.#editing;
    const all = [here ? this.text.value : this.#drafts.get(id), text].filter(Boolean).join('\n');
    if (here) this.#write(all);
    else this.#drafts.set(id, all);
  }
}
