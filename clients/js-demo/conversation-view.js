/** One conversation: who is in it, its messages, and where one writes. */

import { attachedWords, Files } from './attachments.js';
import { Composer } from './composer.js';
import { h } from './dom.js';
import { HandlingBar } from './handling-bar.js';
import { icon, tickIcon } from './icons.js';
import { membersSheet } from './members.js';
import { MessageLog } from './message-log.js';
import { tickWords } from './message-row.js';
import { avatar, faces, nameOf, stateOf, titleOf } from './names.js';
import { savedRepliesSheet } from './saved-replies.js';
import { Notes } from './notes.js';
import { rowOf } from './scrolling.js';
import { ask, menu, popover, sheet, toast } from './overlay.js';
import { plain, rendered } from './markup.js';
import { PersonPanel } from './person-panel.js';
import { moment } from './times.js';
import { whySheet } from './why.js';

/** @typedef {import('./deskbell.js').Deskbell} Deskbell */
/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Waiting} Waiting */

export class ConversationView {
  id = '';
  #head = '';

  /**
   * @param {Deskbell} desk @param {HTMLElement} root the pane
   * @param {import('./places.js').Places} places @param {import('./people.js').People} people
   * @param {{reveal: (id: string, seq: number) => void, back: () => void,
   *   looking: () => boolean, changed: () => void}} actions
   */
  constructor(desk, root, places, people, actions) {
    this.desk = desk;
    this.root = root;
    this.places = places;
    this.actions = actions;
    this.notes = new Notes(desk, root, this.failed);
    this.files = new Files(desk, root, this.failed);
    this.log = new MessageLog(desk, {
      looking: actions.looking,
      menu: (anchor, message) => this.#menu(anchor, message),
      receipts: (anchor, message) => void this.#receipts(anchor, message),
      jump: (seq) => this.reveal(seq),
      files: this.files,
      name: (conversation, person) => people.name(conversation, person),
      note: (anchor, note) => this.notes.menu(anchor, note, (text) => void this.#copy(text)),
      retry: (entry) => desk.retry(entry.client_message_id),
      discard: ({ text, client_message_id }) =>
        this.#askToDelete(text, 'It has not been sent.', () => this.#discard(client_message_id)),
    });
    this.composer = new Composer(desk, root, {
      failed: this.failed,
      sent: () => this.log.toEnd(true),
      leave: actions.back,
      replies: (take) => savedRepliesSheet(desk, root, this.id, take),
    });
    this.handling = new HandlingBar(desk, root, places, people, this.failed, () =>
      this.#markUnread(),
    );
    this.panel = new PersonPanel(desk, root, places, people, {
      failed: this.failed,
      reveal: actions.reveal,
    });
    const members = () => void membersSheet(desk, root, this.id, this.failed);
    this.who = h('button', { type: 'button', class: 'who', onclick: members });
    this.bar = this.#header(members);
    this.body = h(
      'div',
      { class: 'talk-body', hidden: true },
      this.bar,
      this.handling.element,
      this.log.element,
      this.composer.element,
    );
    this.composer.attaching.takeFrom(this.body);
    this.nothing = h(
      'div',
      { class: 'nothing' },
      h('div', { class: 'bell', 'aria-hidden': 'true' }),
      h('p', { text: 'Choose a conversation, or start a new one.' }),
    );
    this.element = h(
      'section',
      { class: 'talk', 'aria-label': 'Conversation' },
      this.nothing,
      this.body,
    );
    this.element.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) actions.back();
    });
  }

  failed = (/** @type {unknown} */ error) =>
    toast(this.root, String(/** @type {Error} */ (error).message));

  /** @param {string} id '' shows none */
  show(id) {
    const same = id === this.id;
    this.id = id;
    this.#head = '';
    if (!same && id) this.composer.show(id);
    if (!same) this.log.show(id);
    this.render();
  }

  render() {
    const conversation = this.desk.conversations.get(this.id);
    this.body.hidden = !conversation;
    this.nothing.hidden = Boolean(conversation);
    this.panel.render(conversation ? this.id : '');
    if (!conversation) return;
    this.#bar(conversation);
    this.handling.render(conversation);
    this.composer.refresh();
    this.notes.fill(conversation);
    this.log.render();
  }

  /**
   * Its buttons stay the same ones, so that the focus can come back to them.
   * @param {() => void} members
   */
  #header(members) {
    return h(
      'header',
      { class: 'bar' },
      h(
        'button',
        {
          type: 'button',
          class: 'round back',
          'aria-label': 'Back to the conversations',
          onclick: this.actions.back,
        },
        icon('back'),
      ),
      this.who,
      this.panel.button,
      h(
        'button',
        { type: 'button', class: 'round', 'aria-label': 'Members', onclick: members },
        icon('group'),
      ),
    );
  }

  /** @param {import('./deskbell.js').Conversation} conversation */
  #bar(conversation) {
    const title = titleOf(conversation, this.desk.person);
    const state = stateOf(this.desk, conversation);
    const face = faces(this.desk, conversation);
    const looks = JSON.stringify([title, state, face.outerHTML]);
    if (looks === this.#head) return;
    this.#head = looks;
    const typing = this.desk.typists(conversation.id).length > 0;
    this.who.setAttribute('aria-label', `${title}, ${state}. Show the members`);
    this.who.replaceChildren(
      face,
      h(
        'span',
        { class: 'words' },
        h('strong', { dir: 'auto', text: title }),
        h('small', { class: typing ? 'typing-now' : '', text: state }),
      ),
    );
  }

  /** @param {Element} anchor @param {Message | Waiting} message */
  #menu(anchor, message) {
    if (!('seq' in message)) {
      this.#waitingMenu(anchor, message);
      return;
    }
    if (message.kind !== 'text') return;
    const mine = message.author === this.desk.person;
    const owner = this.desk.role === 'owner';
    const { id } = this;
    menu(this.root, anchor, 'Message', [
      ...this.files.entries(message),
      this.log.folded(message)
        ? { icon: 'expand', text: 'Show all', run: () => this.log.unfold(message) }
        : null,
      message.deleted_at
        ? null
        : { icon: 'reply', text: 'Reply', run: () => this.composer.reply(message) },
      message.reply_to && !message.deleted_at
        ? { icon: 'up', text: 'Go to the quoted message', run: () => this.reveal(message.reply_to) }
        : null,
      message.deleted_at || !message.text
        ? null
        : { icon: 'copy', text: 'Copy text', run: () => void this.#copy(message.text) },
      mine && !message.deleted_at
        ? { icon: 'edit', text: 'Edit', run: () => this.composer.edit(message) }
        : null,
      {
        icon: 'info',
        text: mine ? 'Who has read it' : 'Receipts',
        run: () => void this.#receipts(anchor, message),
      },
      this.handling.element.hidden
        ? null
        : {
            icon: 'place',
            text: 'Why here?',
            run: () => void whySheet(this.desk, this.root, this.places, message).catch(this.failed),
          },
      (owner && (message.edited_at || message.deleted_at)) ||
      (mine && message.edited_at && !message.deleted_at)
        ? { icon: 'history', text: 'Earlier versions', run: () => void this.#versions(message) }
        : null,
      (mine || owner) && !message.deleted_at
        ? {
            icon: 'trash',
            text: 'Delete',
            danger: true,
            run: () => this.#delete(id, message),
          }
        : null,
    ]);
  }

  /** To come back to it: so one leaves it now. */
  #markUnread() {
    this.desk.mark(this.id).catch(this.failed);
    this.actions.back();
  }

  /** @param {number} seq */
  reveal(seq) {
    void this.log.reveal(seq).catch(this.failed);
  }

  /** @param {Element} anchor @param {Waiting} entry */
  #waitingMenu(anchor, entry) {
    const id = entry.client_message_id;
    menu(this.root, anchor, 'Message that waits', [
      { icon: 'copy', text: 'Copy text', run: () => void this.#copy(entry.text) },
      entry.error ? { icon: 'send', text: 'Try again', run: () => this.desk.retry(id) } : null,
      { icon: 'trash', text: 'Do not send', danger: true, run: () => this.#discard(id) },
    ]);
  }

  /** @param {string} id @param {Message} message */
  #delete(id, message) {
    const { seq } = message;
    const text = message.text || attachedWords(message);
    const hint = 'It is deleted for everybody. Only the owner of the business can still read it.';
    this.#askToDelete(text, hint, () => void this.desk.delete(id, seq).catch(this.failed));
  }

  /** @param {string} text @param {string} hint @param {() => void} run */
  #askToDelete(text, hint, run) {
    const quoted = `“${plain(text)}”`;
    ask(this.root, 'Delete this message?', { text: quoted, hint, yes: 'Delete', run });
  }

  /** @param {string} id */
  #discard(id) {
    if (!this.desk.discard(id))
      toast(this.root, 'It is on its way already. Delete it once it is sent.');
  }

  /** @param {string} text */
  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast(this.root, 'Copied', 'note');
    } catch {
      toast(this.root, 'The browser did not allow copying. Select the text and copy it by hand.');
    }
  }

  /**
   * Who has received and read a message, and when.
   * @param {Element} anchor
   * @param {Message | Waiting} message
   */
  async #receipts(anchor, message) {
    const conversation = this.desk.conversations.get(this.id);
    if (!conversation) return;
    const ticks = this.desk.ticks(conversation, message);
    if (!('seq' in message)) {
      const text = `${tickWords(ticks)}. Written ${moment(message.at, this.desk.serverTime)}.`;
      popover(
        this.root,
        anchor,
        h(
          'div',
          { class: 'receipts', role: 'dialog', 'aria-label': 'Receipts', tabindex: '-1' },
          h('p', { text }),
        ),
      );
      return;
    }
    const { id } = this;
    try {
      const receipts = await this.desk.receipts(id, message.seq);
      // Who writes, or looks at something else by now, is not interrupted.
      if (id !== this.id || this.composer.element.contains(document.activeElement)) return;
      const row = rowOf(this.log.list, message.seq);
      const beside = anchor.isConnected ? anchor : (row?.querySelector('.ticks') ?? row);
      if (!beside) return;
      const now = this.desk.serverTime;
      const rows = receipts.map(({ person, delivered_at, read_at }) => {
        const name = nameOf(conversation, person);
        const lines = [
          read_at && `Read ${moment(read_at, now)}`,
          delivered_at && `Delivered ${moment(delivered_at, now)}`,
        ];
        const words = lines.filter(Boolean);
        const state = read_at ? 'read' : delivered_at ? 'delivered' : 'sent';
        return h(
          'li',
          null,
          avatar(person, name),
          h(
            'span',
            { class: 'words' },
            h('strong', { text: name }),
            (words.length ? words : ['Not delivered yet']).map((text) => h('small', { text })),
          ),
          h('span', { class: `ticks ${state}` }, tickIcon(state)),
        );
      });
      const sent = h('p', { text: `Sent ${moment(message.at, now)}` });
      popover(
        this.root,
        beside,
        h(
          'div',
          { class: 'receipts', role: 'dialog', 'aria-label': 'Receipts', tabindex: '-1' },
          h('ul', null, rows),
          sent,
        ),
      );
    } catch (error) {
      this.failed(error);
    }
  }

  /** @param {Message} message */
  async #versions(message) {
    try {
      const versions = await this.desk.versions(this.id, message.seq);
      const now = this.desk.serverTime;
      sheet(this.root, 'Earlier versions', [
        h(
          'ol',
          { class: 'versions' },
          versions.map(({ text, at }) =>
            h(
              'li',
              null,
              h('small', { text: moment(at, now) }),
              h('div', { class: 'text', dir: 'auto' }, rendered(text)),
            ),
          ),
        ),
      ]);
    } catch (error) {
      this.failed(error);
    }
  }
}
