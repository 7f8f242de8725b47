/**
 * The account of somebody of the team: signing in and out, and the devices they are signed in on.
 *
 * What keeps this device signed in is a cookie that no script can read. The tokens that it gives are
 * held in memory: nothing on the device is worth stealing.
 */

const MARK = 'deskbell:account'; // '' signed out, 'in', or 'out': wants to be, and the server knows not
const RENEW_MS = 6 * 60 * 60_000; // a window that is open for long is in use

/**
 * @typedef {{id: string, device: string, created_at: number, last_used_at: number,
 *   connected: boolean, current: boolean}} Session
 * @typedef {{token?: string, businesses: {id: string, name: string}[]}} Entered
 */

/** Why the server said no, in words for a person. */
export class AccountError extends Error {
  /** @param {number} status @param {{detail?: string, retry_after?: number}} problem */
  constructor(status, { detail = `The server answered ${status}.`, retry_after = 0 }) {
    super(status === 429 ? `${detail} ${inWords(retry_after)}` : detail);
    this.status = status;
  }
}

/** @param {number} seconds */
function inWords(seconds) {
  const count = seconds < 90 ? Math.ceil(seconds) : Math.ceil(seconds / 60);
  const unit = seconds < 90 ? 'second' : 'minute';
  return `Try again in ${count} ${unit}${count === 1 ? '' : 's'}.`;
}

/**
 * @param {string} method @param {string} path @param {object} [body] @param {string} [token]
 * @returns {Promise<any>} rejects with an AccountError, or as `fetch` does where there is no line
 */
async function ask(method, path, body, token) {
  const reply = await fetch(path, {
    method,
    headers: {
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new AccountError(reply.status, answer);
  return answer;
}

/** @param {string} [value] @returns {string} */
function mark(value) {
  try {
    if (value === '') localStorage.removeItem(MARK);
    else if (value) localStorage.setItem(MARK, value);
    return localStorage.getItem(MARK) ?? '';
  } catch {
    return value ?? ''; // storage is forbidden: one signs in at each visit
  }
}

/** @param {Entered} entered @returns {Entered} */
function entered(entered) {
  if (entered.token) mark('in');
  return entered;
}

/** @param {{email: string, password: string, business?: string}} credentials */
export const signIn = async (credentials) => entered(await ask('POST', '/v1/sign-in', credentials));

/** @param {string} email */
export const sendLink = (email) => ask('POST', '/v1/sign-in/link', { email });

/** @param {string} link @param {string} [password] */
export const redeem = async (link, password) =>
  entered(
    await ask('POST', '/v1/sign-in/link/redeem', { link, ...(password ? { password } : {}) }),
  );

/** @param {Record<string, string>} owner */
export const setUp = async (owner) =>
  entered(
    await ask('POST', '/v1/setup', {
      ...owner,
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
    }),
  );

/**
 * A token, if this device is signed in; undefined if it is not, or not any more.
 * @returns {Promise<string | undefined>} rejects where the server cannot be asked
 */
export async function renew() {
  if (mark() === 'out') await tellSignedOut();
  if (mark() !== 'in') return undefined;
  try {
    return (await ask('POST', '/v1/sign-in/refresh', {})).token;
  } catch (error) {
    if (!(error instanceof AccountError) || error.status >= 500) throw error;
    mark('');
    return undefined;
  }
}

/** Whether somebody is signed in here by an account, as far as this device knows. */
export const isSignedIn = () => mark() === 'in';

/** Sign this device out: at once here, and on the server as soon as it can be told. */
export async function signOut() {
  mark('out');
  await tellSignedOut();
}

async function tellSignedOut() {
  try {
    await ask('DELETE', '/v1/sign-in');
    mark('');
  } catch {
    // the next visit tells
  }
}

/** What one is called; '' where that cannot be asked. @param {string} token */
export const nameOfMine = (token) =>
  ask('GET', '/v1/me', undefined, token).then(
    ({ name }) => String(name),
    () => '',
  );

/** @param {string} token @returns {Promise<Session[]>} */
export const sessions = async (token) =>
  (await ask('GET', '/v1/me/sessions', undefined, token)).sessions;

/** @param {string} token @param {string} id */
export const endSession = (token, id) =>
  ask('DELETE', `/v1/me/sessions/${encodeURIComponent(id)}`, undefined, token);

/**
 * Choose another password: all devices are signed out, and this one is in again.
 * @param {string} token @param {string} password @param {string} current  '' where there was none
 */
export const changePassword = async (token, password, current) =>
  entered(
    await ask('POST', '/v1/me/password', { new: password, ...(current ? { current } : {}) }, token),
  );

/** A window that stays open says now and then that the device is in use. */
export function stayInUse() {
  setInterval(() => void renew().catch(() => {}), RENEW_MS);
}

/** What Deskbell keeps on the device, but for its session token: that is gone with the window. */
export class WithoutSession {
  /** @type {Map<string, string>} */
  #memory = new Map();

  /** @param {string} key */
  getItem(key) {
    return this.#isKept(key) ? localStorage.getItem(key) : (this.#memory.get(key) ?? null);
  }
  /** @param {string} key @param {string} value */
  setItem(key, value) {
    if (this.#isKept(key)) localStorage.setItem(key, value);
    else this.#memory.set(key, value);
  }
  /** @param {string} key */
  removeItem(key) {
    this.#memory.delete(key);
    localStorage.removeItem(key);
  }
  /** @param {string} key */
  #isKept(key) {
    return !key.endsWith(':session');
  }
}
