/** The notes of the open conversation: loaded as far back as its messages are, changed, deleted. */

import { h } from './dom.js';
import { ask, menu, sheet } from './overlay.js';
import { plain } from './markup.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Note} Note */

export class Notes {
  #id = '';
  /** @type {string | undefined} where older ones begin; '' asks for the newest */
  #next = '';
  #loading = false;

  /**
   * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
   * @param {(error: unknown) => void} failed
   */
  constructor(desk, root, failed) {
    this.desk = desk;
    this.root = root;
    this.failed = failed;
    desk.on('ready', () => {
      this.#next = ''; // what came meanwhile, if it is not told
    });
  }

  /**
   * Load those that belong between the messages that are held.
   * @param {Conversation} conversation
   */
  fill(conversation) {
    if (conversation.id !== this.#id) {
      this.#id = conversation.id;
      this.#next = '';
    }
    if (!conversation.handling || this.#loading || this.#next === undefined) return;
    if (this.desk.status.state !== 'online') return;
    const first = conversation.messages[0]?.seq ?? 0;
    const oldest = conversation.notes?.[0]?.seq ?? Infinity;
    if (this.#next !== '' && conversation.more && oldest < first) return;
    void this.#load(conversation.id);
  }

  /** @param {string} id */
  async #load(id) {
    this.#loading = true;
    try {
      const next = await this.desk.notes(id, this.#next || undefined);
      if (id === this.#id) this.#next = next;
    } catch (error) {
      if (id === this.#id) this.#next = undefined; // it is asked again with the next connection
      if (/** @type {any} */ (error).code !== 'disconnected') this.failed(error);
    }
    this.#loading = false;
  }

  /** @param {Element} anchor @param {Note} note @param {(text: string) => void} copy */
  menu(anchor, note, copy) {
    const mine = note.author === this.desk.person || this.desk.role === 'owner';
    const id = this.#id;
    menu(this.root, anchor, 'Note', [
      { icon: 'copy', text: 'Copy text', run: () => copy(note.text) },
      mine ? { icon: 'edit', text: 'Edit', run: () => this.#edit(id, note) } : null,
      mine
        ? { icon: 'trash', text: 'Delete', danger: true, run: () => this.#askToDelete(id, note) }
        : null,
    ]);
  }

  /** @param {string} id @param {Note} note */
  #askToDelete(id, note) {
    ask(this.root, 'Delete this note?', {
      text: `“${plain(note.text)}”`,
      hint: 'Nobody can read it any more.',
      yes: 'Delete',
      run: () => void this.desk.deleteNote(id, note.note).catch(this.failed),
    });
  }

  /** @param {string} id @param {Note} note */
  #edit(id, note) {
    const text = h('textarea', { rows: 4, 'aria-label': 'Note', dir: 'auto', 'data-first': true });
    text.value = note.text;
    const problem = h('p', { class: 'problem', role: 'alert' });
    const save = async () => {
      try {
        await this.desk.editNote(id, note.note, { text: text.value.trim() });
        close();
      } catch (error) {
        problem.textContent = String(/** @type {Error} */ (error).message);
      }
    };
    const { close } = sheet(this.root, 'Edit the note', [
      h(
        'form',
        {
          class: 'note-form',
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            void save();
          },
        },
        text,
        problem,
        h('button', { class: 'primary', text: 'Save' }),
      ),
    ]);
  }
}
