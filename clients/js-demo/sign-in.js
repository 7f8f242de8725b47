/** Signing in where there is no demo: by a token that the business gives out. */

import { h } from './dom.js';

/** @param {HTMLElement} app @param {(token: string) => void} signedIn */
export function showSignIn(app, signedIn) {
  const token = h('input', {
    type: 'password',
    id: 'token',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'token-hint',
  });
  const form = h(
    'form',
    {
      class: 'sign-in',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        const value = token.value.trim();
        if (value) signedIn(value);
      },
    },
    h('span', { class: 'bell', 'aria-hidden': 'true' }),
    h('h1', { text: 'Deskbell' }),
    h('label', { for: 'token', text: 'Access token' }),
    token,
    h('p', {
      class: 'hint',
      id: 'token-hint',
      text: 'You get one from your business, or with “deskbell token”. It stays on this device.',
    }),
    h('button', { class: 'primary', text: 'Sign in' }),
  );
  app.replaceChildren(h('main', { class: 'signing-in' }, form));
  token.focus();
}
