/** The sheet that shows who is in a conversation, and changes it. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { avatar, presenceOf, roleName, titleOf } from './names.js';
import { ask, sheet } from './overlay.js';
import { peoplePicker } from './people-picker.js';

/** @typedef {import('./deskbell.js').Deskbell} Deskbell */
/** @typedef {import('./deskbell.js').Member} Member */

/**
 * @param {Deskbell} desk
 * @param {HTMLElement} root
 * @param {string} id
 * @param {(error: unknown) => void} failed
 */
export function membersSheet(desk, root, id, failed) {
  const list = h('ul', { class: 'people' });
  const below = h('div', { class: 'below' });
  const team = desk.role !== 'customer';
  const isGroup = desk.conversations.get(id)?.kind === 'group'; // a direct one keeps its two people
  const isMember = () =>
    desk.conversations.get(id)?.members.some(({ person }) => person === desk.person);
  const title = h('p', { class: 'lead' });
  let takeBack = () => {};

  const draw = () => {
    const conversation = desk.conversations.get(id);
    if (!conversation) {
      close();
      return;
    }
    const count = conversation.members.length;
    const counted = count === 1 ? '1 member' : `${count} members`;
    title.textContent = `${titleOf(conversation, desk.person)} · ${counted}`;
    const inside = list.contains(document.activeElement);
    const held = inside ? /** @type {HTMLElement} */ (document.activeElement).dataset.person : '';
    list.replaceChildren(...conversation.members.map(row));
    if (inside) focus(held ?? '');
  };
  /** Who was chosen keeps the focus; when they are gone, the sheet has it. @param {string} person */
  const focus = (person) => {
    const buttons = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('button')]);
    (buttons.find((button) => button.dataset.person === person) ?? element).focus();
  };
  /** @param {Member} member */
  const row = (member) => {
    const me = member.person === desk.person;
    const state = desk.model.presence.get(member.person)?.state ?? '';
    const remove = () => {
      takeBack = ask(root, `Remove ${member.name}?`, {
        text: 'This conversation leaves their list.',
        hint: 'Somebody of the business can add them again.',
        yes: 'Remove',
        run: () => void desk.removeMember(id, member.person).catch(failed),
        onclose: () => focus(member.person),
      });
    };
    const there = member.active ? presenceOf(desk, member) : 'No access any more';
    const words = [roleName(member.role), me ? '' : there];
    const said = [...new Set(words.filter(Boolean))].join(' · ');
    return h(
      'li',
      null,
      avatar(member.person, member.name, me ? '' : state),
      h(
        'span',
        { class: 'words' },
        h('strong', { text: me ? `${member.name} (you)` : member.name }),
        h('small', { text: said }),
      ),
      team && isGroup && !me && member.role !== 'owner'
        ? h(
            'button',
            {
              type: 'button',
              class: 'round',
              'data-person': member.person,
              'aria-label': `Remove ${member.name}`,
              onclick: remove,
            },
            icon('close'),
          )
        : null,
    );
  };
  const add = () => {
    const conversation = desk.conversations.get(id);
    const here = new Set(conversation?.members.map((member) => member.person));
    const picker = peoplePicker(desk, failed, {
      skip: here,
      pick: (person) => {
        desk.addMember(id, person.id).catch(failed);
        below.replaceChildren(...actions());
        below.querySelector('button')?.focus(); // to add another one
      },
    });
    below.replaceChildren(picker);
    picker.querySelector('input')?.focus();
  };
  const leave = () => {
    takeBack = ask(root, 'Leave this conversation?', {
      text: 'It leaves your list.',
      hint: 'Somebody of the business can add you again.',
      yes: 'Leave',
      run: () => void desk.leave(id).then(close, failed),
    });
  };
  const actions = () =>
    [
      team && isGroup
        ? h('button', { type: 'button', class: 'wide', onclick: add }, icon('plus'), 'Add somebody')
        : null,
      desk.role === 'owner' || !isGroup || !isMember()
        ? null
        : h(
            'button',
            { type: 'button', class: 'wide danger', onclick: leave },
            icon('leave'),
            'Leave this conversation',
          ),
      h('p', { class: 'hint', text: 'The owner of the business is in every conversation.' }),
    ].filter((each) => each !== null);

  const stops = [desk.on('change', draw), desk.on('presence', draw)];
  const { element, close } = sheet(root, 'Members', [title, list, below], {
    onclose: () => {
      stops.forEach((stop) => stop());
      takeBack(); // a question over a sheet goes with it
    },
  });
  below.replaceChildren(...actions());
  draw();
}
