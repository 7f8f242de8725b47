/** The sheet that starts a conversation: search people, choose, and it opens. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { firstName } from './names.js';
import { sheet } from './overlay.js';
import { peoplePicker } from './people-picker.js';

/** @typedef {import('./people-picker.js').Person} Person */

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
 * @param {(id: string) => void} open @param {(error: unknown) => void} failed
 */
export function newConversation(desk, root, open, failed) {
  /** @type {Map<string, Person>} */
  const chosen = new Map();
  const chips = h('div', { class: 'chips' });
  const title = h('input', {
    type: 'text',
    maxlength: '60',
    placeholder: 'Title of the group (optional)',
    'aria-label': 'Title of the group',
    hidden: true,
  });
  const start = h('button', {
    type: 'button',
    class: 'primary',
    disabled: true,
    text: 'Start',
    onclick: () => void create(),
  });

  const draw = () => {
    title.hidden = chosen.size < 2;
    start.disabled = chosen.size === 0;
    start.textContent = chosen.size < 2 ? 'Start' : `Start a group of ${chosen.size + 1}`;
    chips.replaceChildren(
      ...[...chosen.values()].map((person) =>
        h(
          'button',
          {
            type: 'button',
            class: 'chip',
            'aria-label': `Do not take ${person.name}`,
            onclick: () => drop(person),
          },
          firstName(person.name),
          icon('close'),
        ),
      ),
    );
  };
  /** @param {Person} person */
  const pick = (person) => {
    if (!chosen.delete(person.id)) chosen.set(person.id, person);
    for (const button of picker.querySelectorAll('[data-person]')) {
      const id = button.getAttribute('data-person') ?? '';
      button.setAttribute('aria-pressed', String(chosen.has(id)));
    }
    draw();
  };
  /** The next chip has the focus then, or the search. @param {Person} person */
  const drop = (person) => {
    const at = [...chosen.keys()].indexOf(person.id);
    pick(person);
    const next = chips.children[Math.min(at, chosen.size - 1)] ?? picker.querySelector('input');
    /** @type {HTMLElement} */ (next).focus();
  };
  const create = async () => {
    start.disabled = true;
    try {
      const people = [...chosen.keys()];
      const id = await desk.create(
        people.length > 1 ? 'group' : 'direct',
        people,
        title.hidden ? '' : title.value.trim(),
      );
      close();
      open(id);
    } catch (error) {
      start.disabled = false;
      failed(error);
    }
  };

  const picker = peoplePicker(desk, failed, { pick, chosen: () => new Set(chosen.keys()) });
  const hint = h('p', {
    class: 'hint',
    text: 'The owner of the business is in every conversation.',
  });
  const foot = h('footer', { class: 'foot' }, title, start, desk.role === 'owner' ? null : hint);
  const { close } = sheet(root, 'New conversation', [chips, picker, foot]);
}
