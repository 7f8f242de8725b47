/** The sheet of the devices on which one is signed in. */

import { endSession, sessions } from './account.js';
import { h } from './dom.js';
import { ask, sheet } from './overlay.js';
import { lastSeen, moment } from './times.js';

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
 * @param {(error: unknown) => void} failed
 */
export function devicesSheet(desk, root, failed) {
  const list = h('ul', { class: 'people devices', 'aria-label': 'Signed-in devices' });
  const { element } = sheet(root, 'Signed-in devices', [
    h('p', {
      class: 'lead',
      text: 'Wherever you are signed in. End what you do not know, and choose another password.',
    }),
    list,
  ]);
  /** @param {import('./account.js').Session} session */
  const end = (session) =>
    ask(root, `End ${session.device}?`, {
      text: `${session.device} is signed out at once.`,
      hint: 'Whoever uses it has to sign in again.',
      yes: 'End',
      run: () =>
        void endSession(desk.sessionToken, session.id)
          .then(() => draw())
          .catch(failed)
          .finally(() => element.focus()),
    });
  /** @param {import('./account.js').Session} session */
  const row = (session) => {
    const now = desk.serverTime;
    const used = session.connected
      ? 'connected'
      : lastSeen(session.last_used_at, now).replace('last seen', 'used');
    return h(
      'li',
      { 'data-session': session.id },
      h(
        'span',
        { class: 'words' },
        h('strong', { dir: 'auto', text: session.device }),
        h('small', { text: session.current ? `This device · ${used}` : used }),
        h('small', { text: `Signed in ${moment(session.created_at, now)}` }),
      ),
      session.current
        ? null
        : h('button', {
            type: 'button',
            class: 'link danger',
            'aria-label': `End ${session.device}`,
            text: 'End',
            onclick: () => end(session),
          }),
    );
  };
  const draw = async () => {
    const found = await sessions(desk.sessionToken);
    list.replaceChildren(...found.map(row));
  };
  draw().catch(failed);
}
