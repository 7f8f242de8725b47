/** Which conversations are shown: of all or of one location, and of those all, waiting or mine. */

import { h } from './dom.js';
import { isHandled } from './handling.js';
import { icon } from './icons.js';
import { menu } from './overlay.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Deskbell} Deskbell */

const IN_STORE = 10; // conversations of a location that are shown at once: MT-06
const WAITING = 50; // that are loaded of a location
const FILTERS = /** @type {const} */ (['all', 'waiting', 'mine']);

export class Inbox {
  /** @type {string} '' is everywhere */
  location = '';
  /** @type {'all' | 'waiting' | 'mine'} */
  filter = 'all';
  #shown = IN_STORE;
  #next = ''; // where the next page of the queue begins
  #asked = 0;

  /**
   * @param {Deskbell} desk @param {import('./places.js').Places} places @param {HTMLElement} root
   * @param {{changed: () => void, failed: (error: unknown) => void}} actions
   */
  constructor(desk, places, root, actions) {
    this.desk = desk;
    this.places = places;
    this.root = root;
    this.actions = actions;
    this.name = h('span', { text: 'Messages' });
    this.switcher = h(
      'button',
      {
        type: 'button',
        class: 'switcher',
        'aria-haspopup': 'menu',
        hidden: true,
        onclick: () => this.#choose(),
      },
      h('span'),
      icon('down'),
    );
    this.title = h('h1', null, this.name, this.switcher);
    this.filters = h('div', { class: 'filters', role: 'group', 'aria-label': 'Which', hidden: true });
    this.filters.append(...FILTERS.map((filter) => this.#filterButton(filter)));
  }

  /** @param {typeof FILTERS[number]} filter */
  #filterButton(filter) {
    const onclick = () => {
      this.filter = filter;
      this.#shown = IN_STORE;
      this.actions.changed();
    };
    return h('button', { type: 'button', 'data-filter': filter, onclick });
  }

  /** The locations are known, or the connection is back: what is shown is asked for again. */
  load() {
    if (this.location && !this.places.mine.some(({ id }) => id === this.location)) this.location = '';
    this.#shown = IN_STORE;
    this.#next = '';
    const places = this.location ? [this.location] : this.places.mine.map(({ id }) => id);
    for (const id of places) this.#ask(this.desk.queue(id, { waiting: true, limit: WAITING }));
    if (!this.location) return;
    this.#asked += 1;
    const asked = this.#asked;
    const first = this.desk.queue(this.location, { limit: IN_STORE }).then(({ next }) => {
      if (asked === this.#asked) this.#next = next;
    });
    this.#ask(first);
  }

  /** @param {Promise<any>} answer */
  #ask(answer) {
    answer.then(this.actions.changed, (error) => {
      if (error.code !== 'disconnected') this.actions.failed(error); // else it is asked again
    });
  }

  /**
   * What is to be listed, the first pages of it.
   * @param {boolean} [all] all that is here
   * @returns {Conversation[]}
   */
  list(all = false) {
    const found = this.#here().filter((each) => this.#isWanted(each));
    if (this.filter === 'waiting')
      found.sort((a, b) => (a.handling?.waiting_since ?? 0) - (b.handling?.waiting_since ?? 0));
    return this.location && !all ? found.slice(0, this.#shown) : found;
  }

  /** @returns {boolean} whether there is more of it */
  get more() {
    if (!this.location) return Boolean(this.desk.next) && this.filter !== 'waiting';
    return this.list(true).length > this.#shown || (this.filter !== 'waiting' && this.#next !== '');
  }

  async showMore() {
    if (!this.location) {
      await this.desk.more();
      return;
    }
    this.#shown += IN_STORE;
    if (!this.#next) return;
    const { location } = this;
    const { next } = await this.desk.queue(location, { before: this.#next, limit: IN_STORE });
    if (location === this.location) this.#next = next;
  }

  /** Those of the location that are open, or all. */
  #here() {
    const { location } = this;
    return this.desk
      .list()
      .filter(
        ({ handling }) =>
          !location || (handling?.status === 'open' && handling.locations.includes(location)),
      );
  }

  /** @param {Conversation} conversation */
  #isWanted(conversation) {
    if (this.filter === 'all') return true;
    if (!isHandled(conversation)) return false;
    if (this.filter === 'mine') return conversation.handling?.assignee === this.desk.person;
    return conversation.handling?.waiting_since !== 0;
  }

  #choose() {
    const to = (/** @type {string} */ id) => () => {
      this.location = id;
      this.load();
      this.actions.changed();
      this.switcher.focus();
    };
    const items = this.places.mine.map(({ id, name }) => ({ icon: 'place', text: name, run: to(id) }));
    menu(this.root, this.switcher, 'Where', [
      { icon: 'tray', text: 'All messages', run: to('') },
      ...items,
    ]);
  }

  render() {
    const team = this.places.mine.length > 0;
    this.name.hidden = team;
    this.switcher.hidden = this.filters.hidden = !team;
    if (!team) return;
    const name = this.location ? this.places.name(this.location) : 'All messages';
    this.switcher.firstElementChild.textContent = name;
    this.switcher.setAttribute('aria-label', `${name}. Choose a location`);
    const waiting = this.#here().filter(
      (each) => isHandled(each) && each.handling?.waiting_since,
    ).length;
    const words = {
      all: this.location ? 'Open' : 'All',
      waiting: waiting ? `Waiting ${waiting}` : 'Waiting',
      mine: 'Mine',
    };
    for (const button of this.filters.children) {
      const filter = /** @type {typeof FILTERS[number]} */ (button.dataset.filter);
      if (button.textContent !== words[filter]) button.textContent = words[filter];
      button.setAttribute('aria-pressed', String(filter === this.filter));
    }
  }

  /** What is said where nothing is to be listed. */
  get nothing() {
    if (this.filter === 'waiting') return 'Nobody waits for an answer.';
    if (this.filter === 'mine') return 'Nothing is assigned to you.';
    return this.location ? 'Nothing is open here.' : '';
  }
}
