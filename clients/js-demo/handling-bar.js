/** How the team deals with the open conversation, and what can be done about it. */

import { h } from './dom.js';
import { isHandled, putOffs, untilWords, waitingWords } from './handling.js';
import { icon } from './icons.js';
import { firstName } from './names.js';
import { menu, sheet, toast } from './overlay.js';
import { peoplePicker } from './people-picker.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Action} Action */
/** @typedef {{person?: string, location?: string, until?: number}} Fields */
/** @typedef {(action: Action, fields?: Fields, done?: () => void) => void} Act */

export class HandlingBar {
  #id = '';
  #looks = '';

  /**
   * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
   * @param {import('./places.js').Places} places @param {import('./people.js').People} people
   * @param {(error: unknown) => void} failed @param {() => void} markUnread
   */
  constructor(desk, root, places, people, failed, markUnread) {
    this.desk = desk;
    this.root = root;
    this.places = places;
    this.failed = failed;
    this.markUnread = markUnread;
    this.people = people;
    this.words = h('p', { class: 'handling-words' });
    this.take = h('button', { type: 'button', class: 'pill' });
    this.more = h(
      'button',
      {
        type: 'button',
        class: 'round',
        'aria-label': 'Handle this conversation',
        'aria-haspopup': 'menu',
        onclick: () => this.#menu(),
      },
      icon('more'),
    );
    this.take.addEventListener('click', () => this.#quick());
    this.element = h(
      'div',
      { class: 'handling', role: 'group', 'aria-label': 'Handling', hidden: true },
      this.words,
      this.take,
      this.more,
    );
  }

  /** @returns {Conversation | undefined} */
  get conversation() {
    return this.desk.conversations.get(this.#id);
  }

  /** @param {Conversation} conversation */
  render(conversation) {
    this.#id = conversation.id;
    const { handling } = conversation;
    this.element.hidden = !handling || !isHandled(conversation) || !this.places.all.length;
    if (this.element.hidden || !handling) return;
    const now = this.desk.serverTime;
    const { locations, status, snoozed_until, assignee, waiting_since } = handling;
    const mine = assignee === this.desk.person;
    const words = [
      ['place', this.places.names(locations) || 'No location', 'where'],
      status === 'closed' ? ['check', 'Closed', 'status'] : null,
      status === 'snoozed' ? ['moon', `Snoozed ${untilWords(snoozed_until, now)}`, 'status'] : null,
      waiting_since ? ['clock', waitingWords(waiting_since, now), 'waits'] : null,
      [
        'person',
        assignee
          ? `Assigned to ${mine ? 'you' : firstName(this.people.name(conversation, assignee))}`
          : 'Unassigned',
        'assignee',
      ],
    ].filter((each) => each !== null);
    const looks = JSON.stringify(words);
    if (looks !== this.#looks) {
      this.#looks = looks;
      this.words.replaceChildren(
        ...words.map(([name, text, kind]) =>
          h('span', { class: kind }, icon(name), h('span', { text })),
        ),
      );
    }
    const quick = status === 'closed' ? 'Reopen' : mine ? 'Close' : 'Take it';
    if (this.take.textContent !== quick) this.take.textContent = quick;
  }

  /** With the conversation that is open now, whichever is when it is called. @returns {Act} */
  #here() {
    const id = this.#id;
    return (action, fields, done) => {
      this.desk.handle(id, action, fields).then(done).catch(this.failed);
    };
  }

  #quick() {
    const { handling } = this.conversation ?? {};
    if (!handling) return;
    const act = this.#here();
    if (handling.status === 'closed') act('reopen');
    else if (handling.assignee === this.desk.person) act('close');
    else act('assign', { person: this.desk.person });
  }

  #menu() {
    const { handling } = this.conversation ?? {};
    if (!handling) return;
    const act = this.#here();
    const { status, assignee, waiting_since, locations } = handling;
    const elsewhere = this.places.open.some(
      ({ id }) => !locations.includes(id) || locations.length > 1,
    );
    menu(this.root, this.more, 'Handling', [
      { icon: 'person', text: 'Assign to…', run: () => this.#assign(act) },
      assignee ? { icon: 'close', text: 'Unassign', run: () => act('unassign') } : null,
      elsewhere
        ? { icon: 'swap', text: 'Transfer to…', run: () => this.#transfer(act, locations) }
        : null,
      waiting_since
        ? { icon: 'check', text: 'Needs no answer', run: () => act('handled') }
        : { icon: 'clock', text: 'Waits for an answer', run: () => act('waiting') },
      { icon: 'mail', text: 'Mark as unread', run: this.markUnread },
      status === 'open' ? { icon: 'moon', text: 'Snooze…', run: () => this.#snooze(act) } : null,
      status === 'open' ? null : { icon: 'history', text: 'Reopen', run: () => act('reopen') },
      status === 'closed' ? null : { icon: 'check', text: 'Close', run: () => act('close') },
    ]);
  }

  /** @param {Act} act */
  #snooze(act) {
    const times = putOffs(this.desk.serverTime).map(({ text, until }) => ({
      icon: 'moon',
      text,
      run: () => act('snooze', { until }),
    }));
    menu(this.root, this.more, 'Snooze', times);
  }

  /** @param {Act} act @param {string[]} locations where it is */
  #transfer(act, locations) {
    const places = this.places.open.filter(
      ({ id }) => locations.length !== 1 || !locations.includes(id),
    );
    const items = places.map(({ id, name }) => ({
      icon: 'place',
      text: name,
      run: () =>
        act('transfer', { location: id }, () =>
          toast(this.root, `It is at ${name} now.`, 'note'),
        ),
    }));
    menu(this.root, this.more, 'Transfer to', items);
  }

  /** @param {Act} act */
  #assign(act) {
    const picker = peoplePicker(this.desk, this.failed, {
      seeing: this.#id,
      pick: ({ id, name }) => {
        this.people.learn({ id, name });
        act('assign', { person: id });
        close();
      },
    });
    const me = h(
      'button',
      {
        type: 'button',
        class: 'wide',
        onclick: () => {
          act('assign', { person: this.desk.person });
          close();
        },
      },
      icon('person'),
      'To me',
    );
    const { close } = sheet(this.root, 'Assign to', [me, picker]);
  }
}
