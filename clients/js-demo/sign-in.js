/** Signing in where there is no demo: by a token that the business gives out. */

import { h } from './dom.js';

/**
 * @param {HTMLElement} app @param {(token: string) => void} signedIn
 * @param {string} [problem] with the token that was tried before
 */
export function showSignIn(app, signedIn, problem = '') {
  const token = h('input', {
    type: 'password',
    id: 'token',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    maxlength: '4096',
    'aria-invalid': problem !== '' && 'true',
    'aria-describedby': 'token-problem token-hint',
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
    problem ? h('p', { class: 'problem', id: 'token-problem', role: 'alert', text: problem }) : null,
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
