/** A search for people one may talk to. */

import { h, moveFocus } from './dom.js';
import { icon } from './icons.js';
import { avatar, roleName } from './names.js';

/** @typedef {{id: string, name: string, role: string}} Person */

const WAIT_MS = 150; // after the last keystroke
const MOST = 50;
const NOBODY = 'Nobody by that name whom you may talk to.';
const NOBODY_SEES = 'Nobody else by that name sees this conversation. Add them to it first.';

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {(error: unknown) => void} failed
 * @param {{pick: (person: Person) => void, skip?: Set<string>, chosen?: () => Set<string>,
 *   seeing?: string}} options  `seeing`: only those of the team who see this conversation
 * @returns {HTMLElement}
 */
export function peoplePicker(desk, failed, options) {
  const { pick, skip = new Set(), chosen = () => new Set(), seeing = '' } = options;
  let asked = 0;
  /** @type {any} */
  let timer = 0;
  const list = h('ul', { class: 'people', 'aria-label': 'People' });
  /** @returns {Promise<boolean>} whether what was asked for is shown */
  const search = async () => {
    clearTimeout(timer);
    asked += 1;
    const mine = asked;
    try {
      const wanted = input.value.trim();
      const found = seeing
        ? await desk.colleagues(seeing, wanted, MOST)
        : await desk.people(wanted, MOST);
      if (mine !== asked) return false;
      draw(found.filter(({ id }) => !skip.has(id)));
      return true;
    } catch (error) {
      failed(error);
      if (/** @type {any} */ (error).code === 'disconnected') searchOnceReady();
      return false;
    }
  };
  /** The first of those whose name was typed, as soon as they are found. */
  const first = async () => {
    if (input.value.trim() && (await search())) list.querySelector('button')?.click();
  };
  const searchOnceReady = () => {
    const stop = desk.on('ready', () => {
      stop();
      if (element.isConnected) void search();
    });
  };
  /** @param {Person[]} people */
  const draw = (people) => {
    const rows = people.map((person) => {
      const button = h(
        'button',
        {
          type: 'button',
          class: 'person',
          'data-person': person.id,
          'aria-pressed': String(chosen().has(person.id)),
          onclick: () => {
            pick(person);
            button.setAttribute('aria-pressed', String(chosen().has(person.id)));
          },
        },
        avatar(person.id, person.name),
        h(
          'span',
          { class: 'words' },
          h('strong', { text: person.name }),
          h('small', { text: roleName(person.role) }),
        ),
        icon('check'),
      );
      return h('li', null, button);
    });
    list.replaceChildren(
      ...(rows.length
        ? rows
        : [h('li', { class: 'hint', text: seeing ? NOBODY_SEES : NOBODY })]),
    );
  };
  const input = h('input', {
    type: 'search',
    placeholder: 'Search people',
    maxlength: '100',
    'aria-label': 'Search people',
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => void search(), WAIT_MS);
    },
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Enter' || event.isComposing) return;
      event.preventDefault();
      void first();
    },
  });
  const element = h(
    'div',
    { class: 'picker' },
    h('label', { class: 'search' }, icon('search'), input),
    list,
  );
  element.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const stops = [input, ...list.querySelectorAll('button')];
    if (['ArrowDown', 'ArrowUp'].includes(event.key)) moveFocus(event, stops);
  });
  void search();
  return element;
}
