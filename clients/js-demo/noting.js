/** The other mode of the composer: a note to the team, which no customer ever sees. */

import { h } from './dom.js';
import { Drafts } from './drafts.js';
import { icon } from './icons.js';
import { sheet } from './overlay.js';
import { peoplePicker } from './people-picker.js';

const SIGN = /(?:^|\s)@$/; // just typed: somebody is to be named

export class Noting {
  active = false;
  /** @type {Map<string, string>} person → how they are named in the text */
  #mentioned = new Map();

  /**
   * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
   * @param {{failed: (error: unknown) => void, toggle: () => void}} actions
   */
  constructor(desk, root, actions) {
    this.desk = desk;
    this.drafts = new Drafts(desk, 'notes');
    this.root = root;
    this.actions = actions;
    this.button = h(
      'button',
      {
        type: 'button',
        class: 'round attach',
        'aria-label': 'Write a note to the team',
        'aria-pressed': 'false',
        onclick: actions.toggle,
      },
      icon('note'),
    );
  }

  /** @param {boolean} active */
  set(active) {
    this.active = active;
    this.button.setAttribute('aria-pressed', String(active));
  }

  /** After "@" one chooses whom. @param {string} conversation @param {HTMLTextAreaElement} text */
  typed(conversation, text) {
    const { selectionStart: at, value } = text;
    if (!this.active || !SIGN.test(value.slice(0, at))) return;
    const picker = peoplePicker(this.desk, this.actions.failed, {
      seeing: conversation,
      pick: ({ id, name }) => {
        close();
        this.#mentioned.set(id, name);
        text.setRangeText(`${name} `, at, at, 'end');
        text.focus();
      },
    });
    const { close } = sheet(this.root, 'Mention', [picker]);
  }

  /**
   * @param {string} conversation @param {string} text
   * @returns {Promise<void>} resolves when it is stored
   */
  async add(conversation, text) {
    const named = [...this.#mentioned].filter(([, name]) => text.includes(`@${name}`));
    await this.desk.addNote(
      conversation,
      text,
      named.map(([id]) => id),
    );
    this.#mentioned.clear();
  }
}
