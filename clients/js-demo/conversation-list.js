/** The list of conversations: who, the last word, when, and how much is unread. */

import { attachedWords } from './attachments.js';
import { arrange, h, hidden, moveFocus } from './dom.js';
import { handlingMarks } from './handling-marks.js';
import { icon, tickIcon } from './icons.js';
import { plain } from './markup.js';
import { entryWords, tickWords } from './message-row.js';
import { faces, isAutomatic, others, shortNameOf, titleOf, typistOf } from './names.js';
import { SearchResults } from './search-results.js';
import { listTime } from './times.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Deskbell} Deskbell */

export class ConversationList {
  /** @type {Map<string, {element: HTMLElement, signature: string}>} */
  #items = new Map();
  #selected = '';

  /**
   * @param {Deskbell} desk
   * @param {import('./inbox.js').Inbox} inbox
   * @param {{open: (id: string) => void, create: () => void, draft: (id: string) => string,
   *   reveal: (id: string, seq: number) => void, failed: (error: Error) => void,
   *   name: (conversation: Conversation, person: string) => string}} actions
   */
  constructor(desk, inbox, actions) {
    this.desk = desk;
    this.inbox = inbox;
    this.actions = actions;
    this.results = new SearchResults(desk, {
      reveal: actions.reveal,
      failed: actions.failed,
      changed: () => this.render(),
    });
    this.search = h('input', {
      type: 'search',
      placeholder: 'Search',
      maxlength: '100',
      'aria-label': 'Search conversations and messages',
      oninput: () => this.render(),
    });
    this.list = h('ul', { class: 'list', 'aria-label': 'Conversations' });
    this.empty = h('div', { class: 'empty', hidden: true });
    this.older = h('button', {
      type: 'button',
      class: 'quiet',
      text: 'Show older conversations',
      hidden: true,
      onclick: () => this.#more(),
    });
    this.element = h(
      'div',
      { class: 'list-frame' },
      h('label', { class: 'search' }, icon('search'), this.search),
      inbox.filters,
      this.list,
      this.empty,
      this.older,
      this.results.element,
    );
    this.element.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) =>
      this.#key(event),
    );
  }

  /** @param {string} id */
  select(id) {
    this.#selected = id;
    this.render();
  }

  /**
   * Move the focus to a conversation, or to the search if it is not in the list.
   * @param {string} id
   */
  focus(id) {
    const item = this.#items.get(id)?.element.querySelector('button');
    (item ?? this.search).focus({ preventScroll: true });
  }

  render() {
    const wanted = this.search.value.trim().toLowerCase();
    this.results.look(this.search.value.trim());
    const found = this.inbox
      .list(wanted !== '')
      .filter((each) => !wanted || this.#words(each).includes(wanted));
    const keep = new Map();
    for (const each of found) keep.set(each.id, this.#item(each));
    this.#items = keep;
    arrange(
      this.list,
      [...keep.values()].map((item) => item.element),
    );
    this.older.hidden = !this.inbox.more;
    this.#nothing(found.length === 0 && !this.results.found.length, wanted);
  }

  /** @param {boolean} nothing @param {string} wanted */
  #nothing(nothing, wanted) {
    this.empty.hidden = !nothing;
    if (!nothing) return;
    const loading = !this.desk.person;
    const text = wanted
      ? this.inbox.more
        ? 'None of the conversations shown so far matches.'
        : 'No conversation matches.'
      : loading
        ? 'Loading…'
        : this.inbox.nothing || 'No conversations yet.';
    const start = h('button', {
      type: 'button',
      class: 'primary',
      text: 'Start one',
      onclick: this.actions.create,
    });
    this.empty.replaceChildren(
      h('p', { text }),
      ...(wanted || loading || this.inbox.nothing ? [] : [start]),
    );
  }

  /** @param {Conversation} conversation */
  #words(conversation) {
    const names = conversation.members.map((member) => member.name);
    return [titleOf(conversation, this.desk.person), ...names, this.#preview(conversation)]
      .join(' ')
      .toLowerCase();
  }

  /** @param {Conversation} conversation */
  #preview(conversation) {
    const [typist] = this.desk.typists(conversation.id);
    if (typist) return `${typistOf(conversation, typist)} is typing…`;
    const draft = this.actions.draft(conversation.id);
    if (draft && conversation.id !== this.#selected) return `Draft: ${plain(draft)}`;
    const message = this.#last(conversation);
    if (!message) return 'No messages yet';
    if ('kind' in message && message.kind !== 'text') return entryWords(conversation, message);
    const mine = !('author' in message) || message.author === this.desk.person;
    const group = others(conversation, this.desk.person).length > 1;
    const text =
      'deleted_at' in message && message.deleted_at
        ? 'Message deleted'
        : plain(message.text, 90) || attachedWords(message);
    if (mine) return `You: ${text}`;
    const named = group || isAutomatic(message.author);
    return named ? `${shortNameOf(conversation, message.author)}: ${text}` : text;
  }

  /** @param {Conversation} conversation */
  #last(conversation) {
    return this.desk.outbox(conversation.id).at(-1) ?? conversation.messages.at(-1);
  }

  /** @param {Conversation} conversation */
  #item(conversation) {
    const { id, unread, marked = false } = conversation;
    const preview = this.#preview(conversation);
    const last = this.#last(conversation);
    const mine =
      last &&
      (!('author' in last) ||
        (last.author === this.desk.person && last.kind === 'text' && !last.deleted_at));
    const drafted = preview.startsWith('Draft: ');
    const ticks = mine && !drafted ? this.desk.ticks(conversation, last) : null;
    const title = titleOf(conversation, this.desk.person);
    const time = listTime(last?.at ?? conversation.created_at, this.desk.serverTime);
    const face = faces(this.desk, conversation);
    const current = id === this.#selected;
    const typing = this.desk.typists(id).length > 0;
    const marks = handlingMarks(this.desk, conversation, this.actions.name);
    const drawn = [face, ...marks].map((each) => each.outerHTML);
    const looks = JSON.stringify([title, preview, time, unread, marked, ticks, current, drawn]);
    const old = this.#items.get(id);
    if (old?.signature === looks) return old;
    const badge = unread
      ? h(
          'span',
          { class: 'badge' },
          hidden(`${unread} unread`),
          h('span', { 'aria-hidden': 'true', text: unread > 99 ? '99+' : String(unread) }),
        )
      : marked
        ? h('span', { class: 'badge marked' }, hidden('Marked as unread'))
        : null;
    const tick = ticks
      ? h(
          'span',
          { class: `ticks ${ticks.state}` },
          tickIcon(ticks.state),
          hidden(tickWords(ticks)),
        )
      : null;
    const kinds = [
      (unread > 0 || marked) && 'unread',
      typing && 'typing-now',
      drafted && 'drafted',
    ];
    const kind = ['item', ...kinds.filter(Boolean)].join(' ');
    const button = h(
      'button',
      {
        type: 'button',
        class: kind,
        'aria-current': current ? 'true' : false,
        onclick: () => this.actions.open(id),
      },
      face,
      h(
        'span',
        { class: 'top' },
        h('span', { class: 'title', dir: 'auto', text: title }),
        h('time', { text: time }),
      ),
      h(
        'span',
        { class: 'bottom' },
        tick,
        h('span', { class: 'preview', dir: 'auto', text: preview }),
        marks,
        badge,
      ),
    );
    const element = old?.element ?? h('li');
    const focused = element.contains(document.activeElement);
    element.replaceChildren(button);
    if (focused) button.focus({ preventScroll: true });
    return { element, signature: looks };
  }

  async #more() {
    const focused = document.activeElement === this.older;
    this.older.disabled = true; // which loses the focus
    try {
      await this.inbox.showMore();
    } catch (error) {
      this.actions.failed(/** @type {Error} */ (error));
    }
    this.older.disabled = false;
    this.render();
    if (!focused || document.activeElement !== document.body) return;
    (this.older.hidden ? this.search : this.older).focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = /** @type {HTMLElement[]} */ ([...this.element.querySelectorAll('.item')]);
    if (event.target === this.search) {
      if (event.key === 'ArrowDown' && items[0]) {
        event.preventDefault();
        items[0].focus();
      } else if (event.key === 'Enter' && items[0]) items[0].click();
      else if (event.key === 'Escape' && this.search.value) {
        event.stopPropagation();
        this.search.value = '';
        this.render();
      }
      return;
    }
    if (event.key === 'ArrowUp' && document.activeElement === items[0]) {
      event.preventDefault();
      this.search.focus();
    } else moveFocus(event, items);
  }
}
