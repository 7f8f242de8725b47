/**
 * One person's Deskbell in one pane: the list, a conversation, and what tells of the connection.
 */

import { attachedWords } from './attachments.js';
import { Banner } from './banner.js';
import { ConversationList } from './conversation-list.js';
import { ConversationView } from './conversation-view.js';
import { coalesced, h } from './dom.js';
import { icon } from './icons.js';
import { Inbox } from './inbox.js';
import { plain } from './markup.js';
import { avatar, firstName, nameOf, others, shortNameOf, titleOf } from './names.js';
import { newConversation } from './new-conversation.js';
import { closeAll, toast } from './overlay.js';
import { People } from './people.js';
import { Places } from './places.js';
import { settingsSheet } from './settings.js';
import { showStranded } from './stranded.js';

/** @typedef {import('./deskbell.js').Deskbell} Deskbell */

const ACTIVE_MS = 60_000; // how often at most it is told that somebody is here
const REDRAW_MS = 30_000; // for what time alone changes: "last seen", "today"

/**
 * @typedef {object} Options
 * @property {string} [name]  the person's, where it is known before the first conversation
 * @property {string} [first]  the conversation to open at once
 * @property {() => boolean} [looking]  whether the person has this pane before their eyes
 * @property {boolean} [alone]  whether the page is theirs alone: title, history, focus
 * @property {(() => void) | null} [signOut]
 * @property {import('./settings.js').Sheet[]} [sheets]  of who has an account
 */

export class Messenger {
  #first;
  #name;
  #alone;
  #signOut;
  #sheets;
  #business = ''; // what it is called, once it is known
  #activeAt = 0;

  /** @param {HTMLElement} root @param {Deskbell} desk @param {Options} [options] */
  constructor(
    root,
    desk,
    { name = '', first = '', looking = () => true, alone = true, signOut = null, sheets = [] } = {},
  ) {
    this.root = root;
    this.desk = desk;
    /** @type {() => boolean} */
    this.looking = () => document.visibilityState === 'visible' && looking() && this.#shown();
    this.#first = first;
    this.#name = name;
    this.#alone = alone;
    this.#signOut = signOut;
    this.#sheets = sheets;
    const failed = (/** @type {unknown} */ error) =>
      toast(root, String(/** @type {Error} */ (error).message));
    this.failed = failed;
    this.banner = new Banner(desk);
    this.places = new Places(desk, () => {
      this.inbox.load();
      this.draw();
    });
    this.inbox = new Inbox(desk, this.places, root, { changed: () => this.draw(), failed });
    this.people = new People(desk, () => this.draw());
    this.view = new ConversationView(desk, root, this.places, this.people, {
      reveal: (id, seq) => this.reveal(id, seq),
      back: () => this.back(),
      looking: this.looking,
      changed: () => this.draw(),
    });
    this.list = new ConversationList(desk, this.inbox, {
      open: (id) => this.open(id),
      reveal: (id, seq) => this.reveal(id, seq),
      create: () => this.#create(),
      failed,
      draft: (id) => this.view.composer.draft(id),
      name: (conversation, person) => this.people.name(conversation, person),
    });
    this.bar = h('header', { class: 'bar' });
    this.news = h('div', {
      class: 'hidden',
      role: 'log',
      'aria-live': 'polite',
      'aria-label': 'New messages',
    });
    root.classList.add('desk');
    root.dataset.view = 'list';
    root.replaceChildren(
      this.banner.element,
      h('nav', { class: 'side', 'aria-label': 'Conversations' }, this.bar, this.list.element),
      this.view.element,
      this.view.panel.element,
      this.news,
      h('div', { class: 'toasts', role: 'alert' }),
    );
    this.draw = coalesced(() => this.#draw());
    this.#listen();
    this.#draw();
  }

  /**
   * Whether the conversation is on the screen: on a narrow pane the list may cover it.
   * @returns {boolean}
   */
  #shown() {
    return this.view.log.element.getClientRects().length > 0;
  }

  #listen() {
    const { desk } = this;
    for (const event of ['change', 'status', 'typing', 'presence', 'ready'])
      desk.on(event, this.draw);
    desk.on('ready', () => this.#ready());
    desk.on('message', (detail) => this.#announce(detail));
    const stranded = () => showStranded(desk, this.root);
    for (const event of ['ready', 'failed', 'removed']) desk.on(event, stranded);
    desk.on('removed', ({ conversation }) => {
      if (conversation !== this.view.id) return;
      this.back(this.root.contains(document.activeElement));
      toast(this.root, 'You are not in that conversation any more.', 'note');
    });
    desk.on('note', (note) => void this.#mentioned(note));
    desk.on('error', this.failed);
    document.addEventListener('visibilitychange', () => this.#visible());
    window.addEventListener('online', () => desk.wake());
    window.addEventListener('pagehide', () => {
      desk.save();
      this.view.composer.keep();
    });
    for (const event of ['pointerdown', 'keydown'])
      this.root.addEventListener(event, () => this.#active());
    setInterval(this.draw, REDRAW_MS);
    if (this.#alone) {
      if (history.state?.conversation) history.replaceState(null, ''); // from before a reload
      window.addEventListener('popstate', ({ state }) => {
        closeAll(this.root);
        const id = state?.conversation ?? '';
        this.#show(this.desk.conversations.has(id) ? id : '');
      });
    }
  }

  /** @param {string} id */
  open(id) {
    const before = this.view.id;
    if (this.desk.conversations.get(id)?.marked) this.desk.mark(id, false).catch(this.failed);
    this.#show(id);
    const narrow = this.view.element.offsetWidth >= this.root.clientWidth - 2;
    if (this.#alone && narrow && before !== id) history.pushState({ conversation: id }, '');
    if (matchMedia('(pointer: fine)').matches) this.view.composer.focus();
  }

  /** Open a conversation at one of its messages. @param {string} id @param {number} seq */
  reveal(id, seq) {
    this.open(id);
    if (seq) this.view.reveal(seq);
  }

  /** To the list. @param {boolean} [focus] whether the focus goes there, too */
  back(focus = true) {
    const { id } = this.view;
    if (this.#alone && history.state?.conversation) history.back();
    this.#show('');
    if (focus) this.list.focus(id);
  }

  /** @param {string} id */
  #show(id) {
    this.root.dataset.view = id ? 'conversation' : 'list';
    this.view.show(id);
    this.list.select(id);
    this.draw();
  }

  /** Tell that this person has come to, or left, the pane. */
  looked() {
    this.view.log.seen();
  }

  /** Whoever reads and scrolls is at the device, too. */
  #active() {
    if (Date.now() - this.#activeAt < ACTIVE_MS) return;
    this.#activeAt = Date.now();
    this.desk.activity(true);
  }

  #visible() {
    const active = document.visibilityState === 'visible';
    this.desk.activity(active);
    if (!active) {
      this.view.composer.keep(); // a phone may take a page that is not looked at
      return;
    }
    this.desk.wake();
    this.looked();
  }

  #ready() {
    if (this.#first && this.desk.conversations.has(this.#first)) this.#show(this.#first);
    this.#first = '';
    if (this.view.id) void this.#stay(this.view.id);
    if (!this.#business) void this.#introduced();
  }

  /** What one is called, and the business: who is in no conversation yet has a name as well. */
  async #introduced() {
    try {
      const { name, business_name } = await this.desk.request('GET', '/v1/me');
      this.#name ||= name;
      this.#business = business_name;
      this.draw();
    } catch {
      // it is asked again with the next connection; until then ids stand for them
    }
  }

  /** A reset may have taken the open conversation off the list, or away. @param {string} id */
  async #stay(id) {
    try {
      await this.desk.open(id);
    } catch (error) {
      if (/** @type {any} */ (error).code === 'disconnected') return; // `ready` comes again
      if (id === this.view.id) this.back();
      this.failed(error);
    }
  }

  #draw() {
    const { desk } = this;
    const unread = desk
      .list()
      .reduce((sum, each) => sum + (each.unread || Number(each.marked ?? false)), 0);
    this.root.dataset.status = desk.status.state;
    this.root.dataset.unread = String(unread);
    if (this.#alone) document.title = unread ? `(${unread}) Deskbell` : 'Deskbell';
    const open = desk.conversations.get(this.view.id);
    desk.watch(
      [...(open ? [open] : []), ...desk.list()]
        .flatMap((each) => others(each, desk.person))
        .map((member) => member.person),
    );
    this.#bar();
    this.inbox.render();
    this.banner.render();
    this.list.render();
    this.view.render();
  }

  #bar() {
    const { desk } = this;
    const name =
      this.#name ||
      desk
        .list()
        .map((each) => nameOf(each, desk.person))
        .find((each) => each !== desk.person) ||
      desk.person;
    const who = `${desk.person} ${name}`;
    if (this.bar.dataset.who === who) return;
    this.bar.dataset.who = who;
    const settings = () =>
      settingsSheet(desk, this.root, name, {
        business: () => this.#business,
        failed: this.failed,
        signOut: this.#signOut,
        sheets: this.#sheets,
      });
    this.bar.replaceChildren(
      h(
        'button',
        { type: 'button', class: 'round me', 'aria-label': `${name}: settings`, onclick: settings },
        avatar(desk.person || name, name || '·'),
      ),
      this.inbox.title,
      h(
        'button',
        { type: 'button', class: 'round', 'aria-label': 'Settings', onclick: settings },
        icon('settings'),
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'round accent',
          'aria-label': 'New conversation',
          onclick: () => this.#create(),
        },
        icon('compose'),
      ),
    );
  }

  #create() {
    newConversation(this.desk, this.root, (id) => this.open(id), this.failed);
  }

  /** Somebody asks for one's attention in a note. @param {any} note as it is told */
  async #mentioned({ conversation: id, author, text = '', mentions = [], edited_at, deleted_at }) {
    const { person } = this.desk;
    if (author === person || !mentions.includes(person) || edited_at || deleted_at) return;
    const conversation = this.desk.conversations.get(id);
    if (!conversation) return;
    const where = titleOf(conversation, person);
    const who = firstName(await this.people.find(conversation, author));
    toast(this.root, `${who} mentioned you in a note about ${where}: ${plain(text, 80)}`, 'note');
  }

  /** @param {{conversation: string, message: import('./deskbell.js').Message}} detail */
  #announce({ conversation: id, message }) {
    if (message.author === this.desk.person || message.kind !== 'text') return;
    const conversation = this.desk.conversations.get(id);
    if (!conversation) return;
    const name = shortNameOf(conversation, message.author);
    const here = id === this.view.id;
    const place = here ? '' : ` in ${titleOf(conversation, this.desk.person)}`;
    const text = plain(message.text) || attachedWords(message);
    this.news.append(h('p', { text: `${name}${place}: ${text}` }));
    while (this.news.children.length > 5) this.news.firstElementChild?.remove();
  }
}
