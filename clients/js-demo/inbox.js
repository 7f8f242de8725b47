/** Which conversations are shown: of all or of one location; waiting, mine or unread. */

import { h } from './dom.js';
import { isHandled } from './handling.js';
import { icon } from './icons.js';
import { menu } from './overlay.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Deskbell} Deskbell */

const IN_STORE = 10; // conversations of a location that are shown at once: MT-06
const PAGE = 50; // elsewhere
const WAITING_PAGE = 100; // of those who wait, who are all counted: the most that the server gives
const WAITING_PAGES = 5;
const FILTERS = /** @type {const} */ (['all', 'waiting', 'mine', 'unread']);

export class Inbox {
  /** @type {string} '' is everywhere */
  location = '';
  /** @type {typeof FILTERS[number]} */
  filter = 'all';
  #shown = IN_STORE;
  #next = ''; // where the next page of the queue begins
  #asked = 0;
  #counting = 0;
  #uncounted = false; // more wait than were asked for

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
    this.filters = h('div', {
      class: 'filters',
      role: 'group',
      'aria-label': 'Which',
      hidden: true,
    });
    this.filters.append(...FILTERS.map((filter) => this.#filterButton(filter)));
  }

  /** @param {typeof FILTERS[number]} filter */
  #filterButton(filter) {
    const onclick = () => {
      this.filter = filter;
      this.load();
      this.actions.changed();
    };
    return h('button', { type: 'button', 'data-filter': filter, onclick });
  }

  /** The locations are known, or something else is to be shown: its first page is asked for. */
  load() {
    if (this.location && !this.places.mine.some(({ id }) => id === this.location))
      this.location = '';
    this.#shown = IN_STORE;
    this.#next = '';
    this.#asked += 1; // what is on its way is not of this
    const failed = (/** @type {any} */ error) => {
      if (error.code !== 'disconnected') this.actions.failed(error); // else it is asked again
    };
    this.#count().catch(failed);
    if (this.filter !== 'waiting' && (this.location || this.filter !== 'all'))
      this.#follow('').catch(failed);
  }

  /** All who wait, so that they are counted, and who waits longest is among them. */
  async #count() {
    this.#counting += 1;
    const mine = this.#counting;
    let next = '';
    for (let page = 0; page < WAITING_PAGES; page += 1) {
      next = (await this.#page('waiting', next)).next;
      if (mine !== this.#counting) return; // something else is shown by now
      if (!next) break;
    }
    this.#uncounted = next !== '';
    if (this.filter === 'waiting') this.#next = next;
    this.actions.changed();
  }

  /** A page of what is shown now. @param {string} before where it begins, '' for the first */
  async #follow(before) {
    this.#asked += 1;
    const asked = this.#asked;
    const { next } = await this.#page(this.filter, before);
    if (asked !== this.#asked) return;
    this.#next = next;
    if (this.filter === 'waiting') this.#uncounted = next !== '';
  }

  /** @param {typeof FILTERS[number]} filter @param {string} before */
  #page(filter, before) {
    const { location } = this;
    const limit = filter === 'waiting' ? WAITING_PAGE : location ? IN_STORE : PAGE;
    if (location && (filter === 'all' || filter === 'waiting'))
      return this.desk.queue(location, { waiting: filter === 'waiting', before, limit });
    return this.desk.filtered({
      location,
      status: location || filter === 'mine' ? 'open' : '',
      waiting: filter === 'waiting',
      unread: filter === 'unread',
      assignee: filter === 'mine' ? this.desk.person : '',
      before,
      limit,
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
    if (!this.location && this.filter === 'all') return Boolean(this.desk.next);
    return this.#next !== '' || (this.location !== '' && this.list(true).length > this.#shown);
  }

  async showMore() {
    if (!this.location && this.filter === 'all') {
      await this.desk.more();
      return;
    }
    this.#shown += IN_STORE;
    if (this.#next) await this.#follow(this.#next);
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
    if (this.filter === 'unread') return conversation.unread > 0 || conversation.marked;
    if (!isHandled(conversation)) return false;
    const { assignee, status } = conversation.handling ?? {};
    if (this.filter === 'mine') return assignee === this.desk.person && status === 'open';
    return conversation.handling?.waiting_since !== 0;
  }

  #choose() {
    const to = (/** @type {string} */ id) => () => {
      this.location = id;
      this.load();
      this.actions.changed();
      this.switcher.focus();
    };
    const items = this.places.mine.map(({ id, name }) => ({
      icon: 'place',
      text: name,
      run: to(id),
    }));
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
      waiting: waiting ? `Waiting ${waiting}${this.#uncounted ? '+' : ''}` : 'Waiting',
      mine: 'Mine',
      unread: 'Unread',
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
    if (this.filter === 'mine') return 'Nothing open is assigned to you.';
    if (this.filter === 'unread') return 'Everything is read.';
    return this.location ? 'Nothing is open here.' : '';
  }
}
