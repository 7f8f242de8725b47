/** The page begins here: the demo with three people, one person of it, or somebody who signs in. */

import * as account from './account.js';
import { Deskbell } from './deskbell.js';
import { devicesSheet } from './devices.js';
import { h } from './dom.js';
import { inviteSheet } from './invite.js';
import { Messenger } from './messenger.js';
import { passwordSheet } from './password.js';
import { showLink, showSetUp, showSignIn, showToken } from './sign-in.js';
import { demoToken, showThree } from './three.js';

const RETRY_MS = 2_000;

/** @type {import('./settings.js').Sheet[]} what one with an account can do about it */
const ACCOUNT_SHEETS = [
  { icon: 'key', text: 'Change password', open: passwordSheet },
  { icon: 'group', text: 'Signed-in devices', open: devicesSheet },
  { icon: 'plus', text: 'Invite somebody', open: inviteSheet, leads: true },
];

const app = /** @type {HTMLElement} */ (document.getElementById('app'));

/** What the fragment says; what concerns a token is taken out of the address at once. */
function fragment() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const token = fields.get('token') ?? '';
  const link = fields.get('link') ?? '';
  const setUp = fields.get('set-up') ?? '';
  const refused = fields.has('refused');
  if (token || link || setUp || refused) history.replaceState(null, '', location.pathname);
  return { token, link, setUp, refused, person: fields.get('person') ?? '' };
}

/**
 * What the demo offers, or null where there is none.
 * @returns {Promise<import('./three.js').Demo | null>}
 */
async function demo() {
  for (;;) {
    try {
      const reply = await fetch('/v1/demo');
      if (reply.status === 200) return await reply.json();
      if (reply.status < 500) return null;
    } catch {
      // the server is not there yet
    }
    app.replaceChildren(
      h('p', { class: 'plain', role: 'status', text: 'Waiting for the server…' }),
    );
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
    });
  }
}

/** @param {Deskbell} desk @param {import('./messenger.js').Options} options */
function showOne(desk, options) {
  const root = h('main', { class: 'whole' });
  app.replaceChildren(root);
  new Messenger(root, desk, options);
  return desk.connect();
}

/**
 * Somebody of the team with an account; without a token the server could not be asked for one yet.
 * @param {string} [token]
 */
async function signedIn(token) {
  const name = token ? await account.nameOfMine(token) : '';
  const desk = new Deskbell({
    name: 'deskbell',
    storage: new account.WithoutSession(),
    getToken: account.renew,
    ...(token ? { token } : {}),
  });
  const signOut = async () => {
    desk.forget();
    await account.signOut();
    location.reload();
  };
  account.stayInUse();
  showOne(desk, { name, signOut, sheets: ACCOUNT_SHEETS }).catch(() => {}); // the banner tells
}

/** Whoever has an account is in, else they are asked to sign in. */
async function enter() {
  try {
    const token = await account.renew();
    if (token) await signedIn(token);
    else withToken('');
  } catch {
    if (account.isSignedIn()) await signedIn();
    else withToken('');
  }
}

/** Somebody with a token, of now or of an earlier visit. @param {string} token */
function withToken(token) {
  const desk = new Deskbell({ name: 'deskbell', ...(token ? { token } : {}) });
  const signOut = () => {
    desk.forget();
    location.reload();
  };
  if (!token && !desk.sessionToken) {
    showSignIn(app, signedIn, withToken);
    return;
  }
  showOne(desk, { signOut }).catch(({ code }) => {
    if (code === 'unauthenticated' && !desk.person) location.replace('#refused'); // a fresh start
  }); // of all else the banner tells
}

/**
 * The address names somebody who is not there: say so, and who is.
 * @param {string} person
 * @param {import('./three.js').Demo} offered
 */
function showUnknown(person, { people }) {
  const link = (/** @type {string} */ href, /** @type {string} */ text) =>
    h('li', null, h('a', { class: 'link', href, text }));
  app.replaceChildren(
    h(
      'main',
      { class: 'plain' },
      h('h1', { dir: 'auto', text: `There is no “${person}” here` }),
      h('p', { text: 'Open the messages of' }),
      h('ul', null, [
        people.map(({ id, name }) => link(`#person=${encodeURIComponent(id)}`, name)),
        link('/', 'All three'),
      ].flat()),
    ),
  );
}

async function start() {
  const { token, link, setUp, refused, person } = fragment();
  if (link) {
    showLink(app, signedIn, link);
    return;
  }
  if (setUp) {
    showSetUp(app, signedIn, setUp);
    return;
  }
  if (refused) {
    showToken(app, withToken, 'This token is not valid, or has expired. Ask for a new one.');
    return;
  }
  if (token) {
    withToken(token);
    return;
  }
  const offered = await demo();
  const one = offered?.people.find((each) => each.id === person);
  if (one) {
    const desk = new Deskbell({
      name: `deskbell.one.${one.id}`,
      getToken: () => demoToken(one.id),
    });
    showOne(desk, { name: one.name }).catch(() => {}); // the banner tells
  } else if (offered && person) showUnknown(person, offered);
  else if (offered) showThree(app, offered);
  else await enter();
}

window.addEventListener('hashchange', () => location.reload());
void start();
