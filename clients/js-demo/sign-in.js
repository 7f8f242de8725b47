/** The screens before one is in: e-mail and password, a link that was opened, the first owner. */

import { redeem, sendLink, setUp, signIn } from './account.js';
import { h } from './dom.js';

export const PASSWORD_LEAST = 10;
const PASSWORD_HINT = `At least ${PASSWORD_LEAST} characters. A few words are easy to remember.`;

/** @typedef {(token: string) => void} In  takes the token of whoever is in */
/** @typedef {{element: HTMLElement, input: HTMLInputElement}} Field */

/** @param {string} id @param {string} label @param {object} [props] @param {string} [hint] */
function field(id, label, props = {}, hint = '') {
  const input = h('input', {
    id,
    name: id,
    required: true,
    maxlength: '254',
    'aria-describedby': hint ? `${id}-hint problem` : 'problem',
    ...props,
  });
  return {
    input,
    element: h(
      'div',
      { class: 'asked-for' },
      h('label', { for: id, text: label }),
      input,
      hint ? h('p', { class: 'hint', id: `${id}-hint`, text: hint }) : null,
    ),
  };
}

const email = () =>
  field('email', 'E-mail', {
    // not type=email: that takes no letters beyond ASCII before the @
    type: 'text',
    inputmode: 'email',
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
  });

/** @param {boolean} required */
const newPassword = (required) =>
  field(
    'password',
    required ? 'Password' : 'New password',
    {
      type: 'password',
      autocomplete: 'new-password',
      required,
      minlength: `${PASSWORD_LEAST}`,
      maxlength: '200',
    },
    required ? PASSWORD_HINT : `${PASSWORD_HINT} Leave it empty to keep the one you have.`,
  );

/**
 * A form that fills the page; what goes wrong is said in it, and what was typed stays.
 * @param {HTMLElement} app
 * @param {{title: string, lead?: string, fields: Field[], submit: string, more?: any[],
 *   problem?: string, run: (values: Record<string, string>) => Promise<void> | void}} what
 */
function showForm(app, { title, lead = '', fields, submit, more = [], problem = '', run }) {
  const told = h('p', { class: 'problem', id: 'problem', role: 'alert', text: problem });
  const go = h('button', { class: 'primary', text: submit });
  const invalid = (/** @type {boolean} */ on) => {
    for (const { input } of fields) input.setAttribute('aria-invalid', String(on));
  };
  invalid(problem !== '');
  const form = h(
    'form',
    {
      class: 'sign-in',
      'aria-label': title,
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        if (go.disabled) return;
        go.disabled = true;
        told.textContent = '';
        invalid(false);
        try {
          await run(Object.fromEntries(fields.map(({ input }) => [input.name, input.value])));
        } catch (error) {
          told.textContent = wordsOf(error);
          invalid(true);
          fields[0].input.focus();
        } finally {
          go.disabled = false;
        }
      },
    },
    h('span', { class: 'bell', 'aria-hidden': 'true' }),
    h('h1', { text: title }),
    lead ? h('p', { class: 'hint', text: lead }) : null,
    fields.map(({ element }) => element),
    told,
    go,
    more,
  );
  app.replaceChildren(h('main', { class: 'signing-in' }, form));
  fields[0].input.focus();
  return { told, form };
}

/** @param {unknown} error */
function wordsOf(error) {
  if (error instanceof TypeError) return 'The server cannot be reached. Try again in a moment.';
  return String(/** @type {Error} */ (error).message);
}

/** @param {string} text @param {() => void} onclick */
const quiet = (text, onclick) => h('button', { type: 'button', class: 'link', text, onclick });

/** @param {HTMLElement} app @param {In} signedIn @param {In} withToken @param {string} [problem] */
export function showSignIn(app, signedIn, withToken, problem = '') {
  const address = email();
  const password = field('password', 'Password', {
    type: 'password',
    autocomplete: 'current-password',
    maxlength: '200',
  });
  const sent = h('p', { class: 'hint sent', role: 'status' });
  const link = quiet('Send me a link', () => {
    if (!address.input.value.trim()) {
      told.textContent = 'Type your e-mail address first.';
      address.input.focus();
      return;
    }
    told.textContent = sent.textContent = '';
    sendLink(address.input.value).then(
      () => {
        sent.textContent =
          'If this address has an account, a link is on its way. It works once, within 15 minutes.';
      },
      (error) => {
        told.textContent = wordsOf(error);
      },
    );
  });
  const { told } = showForm(app, {
    title: 'Deskbell',
    fields: [address, password],
    submit: 'Sign in',
    problem,
    more: [
      sent,
      h(
        'div',
        { class: 'others' },
        link,
        quiet('Use an access token', () => showToken(app, withToken)),
      ),
    ],
    run: async ({ email, password }) => {
      const { token, businesses } = await signIn({ email, password });
      if (token) signedIn(token);
      else showChoice(app, signedIn, { email, password }, businesses);
    },
  });
}

/**
 * The password fits in several businesses.
 * @param {HTMLElement} app @param {In} signedIn @param {{email: string, password: string}} with_
 * @param {{id: string, name: string}[]} businesses
 */
function showChoice(app, signedIn, with_, businesses) {
  const told = h('p', { class: 'problem', role: 'alert' });
  const choose = (/** @type {string} */ business) => () =>
    signIn({ ...with_, business }).then(
      ({ token = '' }) => signedIn(token),
      (error) => {
        told.textContent = wordsOf(error);
      },
    );
  const choices = businesses.map(({ id, name }) =>
    h('button', { type: 'button', class: 'primary', dir: 'auto', text: name, onclick: choose(id) }),
  );
  app.replaceChildren(
    h(
      'main',
      { class: 'signing-in' },
      h('div', { class: 'sign-in' }, h('h1', { text: 'Which business?' }), choices, told),
    ),
  );
  choices[0].focus();
}

/** By a token that the business gives out. @param {HTMLElement} app @param {In} withToken */
export function showToken(app, withToken, problem = '') {
  const hint = 'You get one from your business, or with “deskbell token”. It stays on this device.';
  const token = field(
    'token',
    'Access token',
    { type: 'password', autocomplete: 'off', spellcheck: 'false', maxlength: '4096' },
    hint,
  );
  showForm(app, {
    title: 'Deskbell',
    fields: [token],
    submit: 'Sign in',
    problem,
    run: ({ token: value }) => {
      if (value.trim()) withToken(value.trim());
    },
  });
}

/** A one-time link was opened. @param {HTMLElement} app @param {In} signedIn @param {string} link */
export function showLink(app, signedIn, link) {
  showForm(app, {
    title: 'Welcome',
    lead: 'This link signs you in, once. You may choose a password for the next time.',
    fields: [newPassword(false)],
    submit: 'Sign in',
    more: [
      h(
        'div',
        { class: 'others' },
        quiet('Sign in another way', () => location.replace('/')),
      ),
    ],
    run: async ({ password }) => signedIn((await redeem(link, password)).token ?? ''),
  });
}

/** The server has no owner yet. @param {HTMLElement} app @param {In} signedIn @param {string} link */
export function showSetUp(app, signedIn, link) {
  const text = { type: 'text', maxlength: '100', dir: 'auto' };
  showForm(app, {
    title: 'Set up Deskbell',
    lead: 'Your business and its owner: you. Everything else can be added later.',
    fields: [
      field('business', 'Name of the business', { ...text, autocomplete: 'organization' }),
      field('name', 'Your name', { ...text, autocomplete: 'name' }),
      email(),
      newPassword(true),
    ],
    submit: 'Begin',
    run: async (owner) => signedIn((await setUp({ setup_token: link, ...owner })).token ?? ''),
  });
}
