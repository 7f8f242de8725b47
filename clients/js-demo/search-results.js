/** Messages that were found, below the conversations whose names match. */

import { h } from './dom.js';
import { unmarked } from './markup.js';
import { faces, isAutomatic, shortNameOf, titleOf } from './names.js';
import { listTime } from './times.js';

/** @typedef {import('./deskbell.js').Found} Found */

const WAIT_MS = 200; // after the last keystroke
const LEAST = 2; // characters

export class SearchResults {
  #asked = 0;
  #q = '';
  #next = '';
  #missed = false; // there was no connection to ask over
  /** @type {any} */
  #timer = 0;

  /**
   * @param {import('./deskbell.js').Deskbell} desk
   * @param {{reveal: (conversation: string, seq: number) => void, failed: (error: Error) => void,
   *   changed: () => void}} actions
   */
  constructor(desk, actions) {
    this.desk = desk;
    this.actions = actions;
    /** @type {Found[]} */
    this.found = [];
    this.searching = false;
    desk.on('ready', () => {
      if (this.#missed && this.searching) void this.#ask('');
    });
    this.list = h('ul', { class: 'list', 'aria-label': 'Messages found' });
    this.more = h('button', {
      type: 'button',
      class: 'quiet',
      text: 'Show more',
      hidden: true,
      onclick: () => void this.#ask(this.#next),
    });
    this.told = h('p', { class: 'found-count', role: 'status' });
    this.element = h(
      'section',
      { class: 'found', 'aria-label': 'Messages', hidden: true },
      h('h2', { text: 'Messages' }),
      this.told,
      this.list,
      this.more,
    );
  }

  /** Look for words once they stay the same for a moment. @param {string} q */
  look(q) {
    if (q === this.#q) return;
    this.#q = q;
    this.#asked += 1;
    clearTimeout(this.#timer);
    this.searching = [...q].length >= LEAST;
    this.element.hidden = !this.searching;
    if (this.searching) this.#timer = setTimeout(() => void this.#ask(''), WAIT_MS);
    else this.#draw([], '');
  }

  /** @param {string} before where the next page begins, '' for the first one */
  async #ask(before) {
    this.#asked += 1;
    this.#missed = false;
    const asked = this.#asked;
    try {
      const answer = await this.desk.search(this.#q, before ? { before } : {});
      const unknown = new Set(answer.found.map(({ conversation }) => conversation));
      await Promise.all([...unknown].map((id) => this.desk.open(id)));
      if (asked !== this.#asked) return;
      this.#draw([...(before ? this.found : []), ...answer.found], answer.next ?? '');
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      if (asked !== this.#asked) return;
      if (!before) this.#draw([], ''); // what was found before is of other words
      if (code === 'bad_request') return; // there is no word in it yet
      this.#missed = code === 'disconnected';
      if (this.#missed) this.told.textContent = 'They are searched once you are connected.';
      else this.actions.failed(/** @type {Error} */ (error));
    }
  }

  /** @param {Found[]} found @param {string} next */
  #draw(found, next) {
    this.found = found;
    this.#next = next;
    this.more.hidden = !next;
    this.told.textContent = found.length || next ? '' : 'No message says that.';
    this.list.replaceChildren(...found.map((each) => this.#item(each)));
    this.actions.changed();
  }

  /** @param {Found} found */
  #item({ conversation: id, seq, at, author, parts, more_before, more_after }) {
    const conversation = this.desk.conversations.get(id);
    if (!conversation) return h('li'); // it is gone
    const mine = author === this.desk.person;
    const who = !author || isAutomatic(author) ? '' : shortNameOf(conversation, author);
    const words = unmarked(parts).map(({ text, hit }) => (hit ? h('mark', { text }) : text));
    return h(
      'li',
      null,
      h(
        'button',
        {
          type: 'button',
          class: 'item hit',
          onclick: () => this.actions.reveal(id, seq),
        },
        faces(this.desk, conversation),
        h(
          'span',
          { class: 'top' },
          h('span', { class: 'title', dir: 'auto', text: titleOf(conversation, this.desk.person) }),
          h('time', { text: listTime(at, this.desk.serverTime) }),
        ),
        h(
          'span',
          { class: 'preview', dir: 'auto' },
          mine ? 'You: ' : who && `${who}: `,
          more_before ? '…' : '',
          words,
          more_after ? '…' : '',
        ),
      ),
    );
  }
}
