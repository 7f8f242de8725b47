/** Beside a conversation: who the customer is, how they are reached, and when they come. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { avatar, presenceOf } from './names.js';
import { timelineSheet } from './timeline.js';
import { dateTime } from './times.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Member} Member */
/**
 * @typedef {Record<string, boolean>} Consents
 * @typedef {{phones?: string[], email?: string, email_verified?: boolean, app_installed?: boolean,
 *   consents?: Consents, language?: string}} Contact
 * @typedef {{id: string, name: string, active?: boolean, locations?: string[], contact?: Contact,
 *   enrolled?: boolean, blocked?: boolean}} Person
 * @typedef {{id: string, staff?: string, location: string, start: number, end: number,
 *   status: string, title?: string}} Appointment
 * @typedef {{person: Person, next: Appointment[], past: Appointment[]}} Known
 */

const YEAR_MS = 365 * 86_400_000;
const SHOWN = 4; // appointments of either kind
/** @type {[string, string][]} */
const CONSENTS = [
  ['sms_transactional', 'SMS about appointments'],
  ['sms_marketing', 'SMS with offers'],
  ['email_transactional', 'E-mail about appointments'],
  ['email_marketing', 'E-mail with offers'],
];

export class PersonPanel {
  #id = '';
  #person = '';
  #looks = '';
  /** @type {Known | null} */
  #known = null;
  /** @type {HTMLElement | null} what had the focus before */
  #before = null;

  /**
   * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
   * @param {import('./places.js').Places} places @param {import('./people.js').People} people
   * @param {{failed: (error: unknown) => void, reveal: (id: string, seq: number) => void}} actions
   */
  constructor(desk, root, places, people, actions) {
    this.desk = desk;
    this.root = root;
    this.places = places;
    this.people = people;
    this.actions = actions;
    this.button = h(
      'button',
      { type: 'button', class: 'round', hidden: true, onclick: () => this.#toggle() },
      icon('person'),
    );
    this.close = h(
      'button',
      {
        type: 'button',
        class: 'round',
        'aria-label': 'Hide the customer',
        onclick: () => this.hide(),
      },
      icon('close'),
    );
    this.choice = h('div', { class: 'choice', role: 'group', 'aria-label': 'Which customer' });
    this.body = h('div', { class: 'panel-body' });
    this.element = h(
      'aside',
      { class: 'panel', 'aria-label': 'The customer', hidden: true },
      h('header', { class: 'bar' }, h('h2', { text: 'Customer' }), this.close),
      this.choice,
      this.body,
    );
    this.element.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      event.preventDefault();
      this.hide();
    });
  }

  /** @returns {Member[]} */
  get #customers() {
    const conversation = this.desk.conversations.get(this.#id);
    const members = this.desk.role === 'customer' ? [] : (conversation?.members ?? []);
    return members.filter(({ role }) => role === 'customer');
  }

  /** @param {string} id the conversation, '' for none */
  render(id) {
    this.#id = id;
    const customers = this.#customers;
    const [first] = customers;
    this.button.hidden = !first;
    if (!first) {
      this.hide(false);
      return;
    }
    if (!customers.some(({ person }) => person === this.#person)) this.#choose(first.person);
    const label = `About ${customers.length > 1 ? 'the customers' : first.name}`;
    this.button.setAttribute('aria-label', label);
    if (!this.element.hidden) this.#draw();
  }

  /** @param {string} person */
  #choose(person) {
    this.#person = person;
    this.#known = null;
    this.#draw();
    if (!this.element.hidden) void this.#load();
  }

  #toggle() {
    if (!this.element.hidden) {
      this.hide();
      return;
    }
    this.#before = /** @type {HTMLElement} */ (document.activeElement);
    this.element.hidden = false;
    this.root.dataset.panel = 'person';
    this.button.setAttribute('aria-expanded', 'true');
    this.close.focus({ preventScroll: true });
    this.#draw();
    void this.#load();
  }

  /** @param {boolean} [restore] whether the focus goes back */
  hide(restore = true) {
    if (this.element.hidden) return;
    this.element.hidden = true;
    delete this.root.dataset.panel;
    this.button.setAttribute('aria-expanded', 'false');
    if (restore && this.#before?.isConnected) this.#before.focus({ preventScroll: true });
  }

  async #load() {
    const person = this.#person;
    const now = this.desk.serverTime;
    const of = `/v1/appointments?customer=${person}`;
    try {
      const [shown, next, past] = await Promise.all([
        this.desk.request('GET', `/v1/people/${person}`),
        this.desk.request('GET', `${of}&start=${Math.round(now)}&limit=${SHOWN}`),
        this.desk.request(
          'GET',
          `${of}&start=${Math.round(now - YEAR_MS)}&until=${Math.round(now)}&limit=100`,
        ),
      ]);
      if (person !== this.#person) return;
      const before = past.appointments.slice(-SHOWN).reverse();
      this.#known = { person: shown, next: next.appointments, past: before };
      this.#draw();
    } catch (error) {
      this.actions.failed(error);
    }
  }

  #draw() {
    const customers = this.#customers;
    this.choice.hidden = customers.length < 2;
    this.choice.replaceChildren(
      ...customers.map(({ person, name }) =>
        h('button', {
          type: 'button',
          class: 'pill',
          'aria-pressed': String(person === this.#person),
          text: name,
          onclick: () => this.#choose(person),
        }),
      ),
    );
    const member = customers.find(({ person }) => person === this.#person);
    if (!member) return;
    const head = h(
      'div',
      { class: 'profile' },
      avatar(member.person, member.name, this.desk.model.presence.get(member.person)?.state),
      h(
        'span',
        { class: 'words' },
        h('strong', { dir: 'auto', text: member.name }),
        h('small', { text: presenceOf(this.desk, member) }),
      ),
    );
    const known = this.#known;
    const loading = h('p', { class: 'hint', text: 'Loading…' });
    const drawn = [head, ...(known ? this.#sections(known) : [loading])];
    const looks = drawn.map((each) => each.outerHTML).join('');
    if (looks === this.#looks) return; // what has the focus keeps it
    this.#looks = looks;
    this.body.replaceChildren(...drawn);
  }

  /** @param {Known} known @returns {HTMLElement[]} */
  #sections({ person, next, past }) {
    const { locations = [], blocked, enrolled = true } = person;
    const state = blocked
      ? 'Blocked: what they write is not delivered'
      : enrolled
        ? ''
        : 'Not enrolled any more';
    return [
      state ? h('p', { class: 'warned' }, icon('warning'), state) : null,
      ...reached(person.contact),
      section(
        'Locations',
        locations.length
          ? h(
              'p',
              { class: 'places' },
              locations.map((id) =>
                h('span', { class: 'place' }, icon('place'), this.places.name(id)),
              ),
            )
          : none('No location'),
      ),
      section('Next appointments', this.#appointments(next, 'None that you may see')),
      section('Before', this.#appointments(past, 'None in the last year')),
      h(
        'button',
        {
          type: 'button',
          class: 'wide',
          onclick: () =>
            timelineSheet(this.desk, this.root, person, {
              failed: this.actions.failed,
              reveal: (id, seq) => {
                if (this.#covers) this.hide(false);
                this.actions.reveal(id, seq);
              },
            }),
        },
        icon('history'),
        'All that was said',
      ),
    ].filter((each) => each !== null);
  }

  /** Whether it lies over the conversation. */
  get #covers() {
    return getComputedStyle(this.element).gridColumnStart !== '3'; // person.css says where it is
  }

  /** @param {Appointment[]} appointments @param {string} nothing */
  #appointments(appointments, nothing) {
    if (!appointments.length) return none(nothing);
    const conversation = this.desk.conversations.get(this.#id);
    const now = this.desk.serverTime;
    const rows = appointments.map(({ start, title, location, staff = '', status }) => {
      const by = staff && this.people.name(conversation, staff);
      const where = [this.places.name(location), by].filter(Boolean).join(' · ');
      return h(
        'li',
        { 'data-status': status },
        icon('calendar'),
        h(
          'span',
          { class: 'words' },
          h('strong', { text: dateTime(start, now) }),
          title ? h('span', { dir: 'auto', text: title }) : null,
          h('small', { text: where }),
        ),
        h('small', { class: 'status', text: status.replaceAll('_', ' ') }),
      );
    });
    return h('ul', { class: 'appointments' }, rows);
  }
}

/** @param {string} title @param {HTMLElement[]} content */
function section(title, ...content) {
  return h('section', { 'aria-label': title }, h('h3', { text: title }), content);
}

/** @param {string} text */
const none = (text) => h('p', { class: 'hint', text });

/** How somebody is reached, and what they have consented to. @param {Contact} [contact] */
function reached(contact) {
  if (!contact) return [section('Contact', none('Nothing is known that you may see.'))];
  const {
    phones = [],
    email = '',
    email_verified,
    app_installed,
    consents = {},
    language,
  } = contact;
  const lines = [
    ...phones.map((phone) => h('a', { href: `tel:${phone}` }, icon('phone'), phone)),
    email
      ? h(
          'a',
          { href: `mailto:${email}` },
          icon('mail'),
          h('span', { dir: 'auto', text: email }),
          email_verified ? h('small', { text: 'verified' }) : null,
        )
      : null,
    h('span', null, icon('bell'), app_installed ? 'Has the app' : 'Does not have the app'),
    language ? h('span', null, icon('book'), `Language: ${language}`) : null,
  ].filter((each) => each !== null);
  const agreed = CONSENTS.map(([name, words]) =>
    h(
      'li',
      { class: consents[name] ? 'yes' : 'no' },
      icon(consents[name] ? 'check' : 'close'),
      h('span', { text: words }),
      h('small', { text: consents[name] ? 'Yes' : 'No' }),
    ),
  );
  return [
    section('Contact', h('p', { class: 'reached' }, lines)),
    section('Consents', h('ul', { class: 'consents' }, agreed)),
  ];
}
