/** Names of people who may not be in the conversation at hand, asked for once. */

import { nameOf } from './names.js';

export class People {
  /** @type {Map<string, string>} */
  #names = new Map();

  /** @param {import('./deskbell.js').Deskbell} desk @param {() => void} changed */
  constructor(desk, changed) {
    this.desk = desk;
    this.changed = changed;
  }

  /** @param {{id: string, name: string}} person */
  learn({ id, name }) {
    this.#names.set(id, name);
  }

  /**
   * What somebody is called; their id until that is known.
   * @param {import('./deskbell.js').Conversation | undefined} conversation
   * @param {string} id
   */
  name(conversation, id) {
    const here = nameOf(conversation, id);
    if (here !== id) return here;
    const name = this.#names.get(id);
    if (name === undefined) void this.#ask(id);
    return name || id;
  }

  /**
   * The same, once it is known, or cannot be.
   * @param {import('./deskbell.js').Conversation | undefined} conversation
   * @param {string} id
   * @returns {Promise<string>}
   */
  async find(conversation, id) {
    const here = nameOf(conversation, id);
    if (here !== id) return here;
    if (!this.#names.get(id)) await this.#ask(id);
    return this.#names.get(id) || id;
  }

  /** @param {string} id */
  async #ask(id) {
    this.#names.set(id, '');
    try {
      this.learn(await this.desk.request('GET', `/v1/people/${id}`));
      this.changed();
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      if (code !== 'not_found') this.#names.delete(id); // it is asked again with the next drawing
    }
  }
}
