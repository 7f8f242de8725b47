/** The sheet in which a leader takes somebody into the team, and gets their one-time link. */

import { h } from './dom.js';
import { formSheet } from './form-sheet.js';
import { icon } from './icons.js';
import { sheet, toast } from './overlay.js';

/** @typedef {import('./deskbell.js').Deskbell} Deskbell */

const ADDRESS = /^[^\s@<>()[\],;:\\"]+@[^\s@.]+(\.[^\s@.]+)*$/;

/** @param {Deskbell} desk @param {HTMLElement} root @param {(error: unknown) => void} failed */
export function inviteSheet(desk, root, failed) {
  desk
    .request('GET', '/v1/locations?limit=100')
    .then(({ locations }) => showForm(desk, root, locations), failed);
}

/**
 * @param {Deskbell} desk @param {HTMLElement} root
 * @param {import('./places.js').Place[]} locations
 */
function showForm(desk, root, locations) {
  const places = locations
    .filter(({ status }) => status === 'open')
    .map(({ id, name }) =>
      h('label', null, h('input', { type: 'checkbox', value: id, checked: true }), name),
    );
  const role = h(
    'select',
    { id: 'form-role' },
    h('option', { value: 'staff', text: 'Staff' }),
    desk.role === 'owner' ? h('option', { value: 'manager', text: 'Manager' }) : null,
  );
  let person = ''; // once they are added, and only their account is missing
  const close = formSheet(root, 'Invite somebody', {
    fields: [
      { name: 'name', label: 'Name', props: { required: true, maxlength: '100', dir: 'auto' } },
      {
        name: 'email',
        label: 'E-mail',
        props: { required: true, inputmode: 'email', autocapitalize: 'none', maxlength: '254' },
      },
    ],
    submit: 'Make the link',
    more: [
      h('div', { class: 'asked-for' }, h('label', { for: 'form-role', text: 'Role' }), role),
      places.length
        ? h('fieldset', { class: 'asked-for' }, h('legend', { text: 'Works at' }), places)
        : null,
    ].filter((each) => each !== null),
    run: async ({ name, email }) => {
      if (!ADDRESS.test(email.trim())) // before anybody is added who cannot sign in
        throw new Error('This is not an e-mail address. Write it like name@example.com.');
      const chosen = places
        .map((place) => place.querySelector('input'))
        .filter(({ checked }) => checked)
        .map(({ value }) => value);
      const told = { name, role: role.value, locations: chosen };
      if (person) await desk.request('PATCH', `/v1/people/${person}`, told);
      else person = (await desk.request('POST', '/v1/people', told)).id;
      const { link } = await desk
        .request('PUT', `/v1/people/${person}/account`, { email })
        .catch((error) => {
          error.message += ` ${name} is in the team already; only the link is missing.`;
          throw error;
        });
      close();
      showLink(root, name, link);
    },
  });
}

/** @param {HTMLElement} root @param {string} name @param {string} link */
function showLink(root, name, link) {
  const field = h('input', { readonly: true, 'aria-label': 'One-time link', value: link });
  const copy = async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(link);
      toast(root, 'Copied', 'note');
    } catch {
      toast(root, 'The browser did not allow copying. Copy the link by hand.');
    }
  };
  sheet(root, `A link for ${name}`, [
    h('p', {
      class: 'lead',
      text: 'Give it to them: they choose a password with it. It works once, for three days.',
    }),
    h('div', { class: 'sign-in in-sheet' }, field),
    h('button', { type: 'button', class: 'wide', onclick: copy }, icon('copy'), 'Copy the link'),
  ]);
}
