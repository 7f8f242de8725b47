/** The demo: three people side by side, each a session of its own, live. */

import { Deskbell } from './deskbell.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { Messenger } from './messenger.js';
import { avatar, firstName, roleName } from './names.js';

/** @typedef {{id: string, name: string, role: string}} Person */
/** @typedef {{people: Person[], conversation?: string}} Demo */

const SHOWN = ['owner', 'staff', 'customer'];

/** A token for one of the demo's people. @param {string} person @returns {Promise<string>} */
export async function demoToken(person) {
  const reply = await fetch('/v1/demo/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ person }),
  });
  if (!reply.ok) throw new Error(`No token for ${person}: HTTP ${reply.status}.`);
  return (await reply.json()).token;
}

/** One of each role, in this order. @param {Person[]} people @returns {Person[]} */
export function cast(people) {
  const chosen = SHOWN.map((role) => people.find((person) => person.role === role));
  return chosen.filter((person) => person !== undefined);
}

/** @param {HTMLElement} app @param {Demo} demo */
export function showThree(app, demo) {
  const people = cast(demo.people);
  const panes = people.map((person) => pane(person, demo.conversation ?? ''));
  const stage = h(
    'main',
    { class: 'stage' },
    panes.map((each) => each.element),
  );
  const tabs = h(
    'div',
    { class: 'tabs', role: 'group', 'aria-label': 'Whose messages' },
    people.map((person, index) =>
      h(
        'button',
        {
          type: 'button',
          onclick: () => choose(index),
        },
        avatar(person.id, person.name),
        firstName(person.name),
      ),
    ),
  );

  /** On a narrow screen one pane is shown at a time. @param {number} index */
  const choose = (index) => {
    for (const [at, each] of panes.entries()) {
      each.element.classList.toggle('chosen', at === index);
      tabs.children[at].setAttribute('aria-pressed', String(at === index));
    }
    look(panes[index]);
  };
  /**
   * The person whose pane was pointed at, or typed in, last is the one who looks.
   * @param {ReturnType<typeof pane> | null} current
   */
  const look = (current) => {
    for (const each of panes) each.look(each === current);
  };
  for (const each of panes) {
    each.element.addEventListener('pointerenter', () => look(each));
    each.element.addEventListener('focusin', () => look(each));
  }
  document.documentElement.addEventListener('pointerleave', () => {
    const typing = panes.find((each) => each.element.contains(document.activeElement));
    look(typing ?? null);
  });
  app.replaceChildren(topBar(tabs), stage);
  choose(0);
  look(null);
}

/** @param {HTMLElement} tabs */
function topBar(tabs) {
  return h(
    'header',
    { class: 'top-bar' },
    h(
      'a',
      { class: 'brand', href: '/' },
      h('span', { class: 'bell', 'aria-hidden': 'true' }),
      h('strong', { text: 'Deskbell' }),
    ),
    h('p', {
      class: 'tagline',
      text: 'Three people, three live sessions. Write in one and watch the ticks in the others.',
    }),
    tabs,
    h('a', { class: 'link', href: '/v1/docs' }, icon('book'), h('span', { text: 'API' })),
    h(
      'button',
      { type: 'button', class: 'round', 'aria-label': 'Light or dark', 'data-theme-toggle': true },
      icon('theme'),
    ),
  );
}

/** @param {Person} person @param {string} first */
function pane(person, first) {
  let looked = false;
  const desk = new Deskbell({
    name: `deskbell.three.${person.id}`,
    getToken: () => demoToken(person.id),
  });
  const root = h('div', { class: 'card' });
  const plug = h(
    'button',
    {
      type: 'button',
      class: 'round plug',
      'aria-pressed': 'false',
      onclick: () => {
        if (desk.status.state === 'stopped') void desk.connect().catch(() => {});
        else desk.close();
      },
    },
    icon('plug'),
  );
  const alone = h(
    'a',
    {
      class: 'round',
      href: `#person=${person.id}`,
      target: '_blank',
      rel: 'noopener',
      'aria-label': `Open ${person.name} on a page of its own`,
    },
    icon('expand'),
  );
  const element = h(
    'section',
    { class: 'pane', 'aria-label': person.name, 'data-person': person.id },
    h(
      'header',
      { class: 'pane-head' },
      avatar(person.id, person.name),
      h(
        'span',
        { class: 'words' },
        h('strong', { text: person.name }),
        h('small', { text: roleName(person.role) }),
      ),
      plug,
      alone,
    ),
    root,
  );
  const messenger = new Messenger(root, desk, {
    name: person.name,
    first,
    looking: () => looked,
    alone: false,
  });
  const status = () => {
    const off = desk.status.state === 'stopped';
    element.dataset.status = desk.status.state;
    plug.setAttribute('aria-pressed', String(off));
    plug.setAttribute(
      'aria-label',
      off
        ? `Bring ${firstName(person.name)} back online`
        : `Take ${firstName(person.name)} offline`,
    );
    plug.title = off ? 'Go back online' : 'Go offline';
  };
  desk.on('status', status);
  status();
  void desk.connect().catch(() => {}); // the banner tells
  return {
    element,
    /** @param {boolean} now */
    look: (now) => {
      looked = now;
      element.classList.toggle('looked', now);
      if (now) messenger.looked();
    },
  };
}
