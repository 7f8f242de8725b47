/** The sheet of one's own settings: what others see of one, how it looks, and the connection. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { avatar, roleName } from './names.js';
import { ask, sheet, toggle } from './overlay.js';

/**
 * @typedef {object} Sheet  one that is opened from the settings
 * @property {string} icon
 * @property {string} text
 * @property {(desk: import('./deskbell.js').Deskbell, root: HTMLElement,
 *   failed: (error: unknown) => void) => void} open
 * @property {boolean} [leads]  it is for owners and managers
 */

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root @param {string} name
 * @param {{failed: (error: unknown) => void, signOut: (() => void) | null,
 *   business: () => string, sheets?: Sheet[]}} actions  `business`: its name, '' until it is known
 */
export function settingsSheet(desk, root, name, { failed, signOut, business, sheets = [] }) {
  const leads = ['owner', 'manager'].includes(desk.role);
  /** @type {(() => void)[]} what follows the business while the sheet is open */
  const draws = [];
  /** @param {'read_receipts' | 'last_seen'} choice @param {string} title @param {string} text */
  const privacy = (choice, title, text) => {
    const element = toggle(title, text, desk.model.settings[choice], (on) => {
      asking = true;
      void desk
        .privacy({ [choice]: on })
        .catch(failed)
        .finally(() => {
          asking = false;
          draw();
        });
    });
    let asking = false;
    const draw = () => {
      const allowed = desk.model.businessSettings[choice];
      const off = allowed ? '' : ' Your business has switched this off for everyone.';
      const input = element.querySelector('input');
      element.querySelector('small').textContent = text + off;
      if (!asking) input.checked = desk.model.settings[choice];
      input.disabled = !allowed;
    };
    draw();
    draws.push(draw);
    return element;
  };
  const online = toggle(
    'Connected',
    'Switch it off to write while offline: what you write waits here and goes out once.',
    desk.status.state !== 'stopped',
    (on) => {
      if (on) void desk.connect().catch(() => {});
      else desk.close();
    },
  );
  const leave = () => {
    const waiting = desk.outbox().length;
    if (!waiting) signOut?.();
    else
      ask(root, 'Sign out?', {
        text: waiting === 1 ? 'A message still waits.' : `${waiting} messages still wait.`,
        hint: 'What has not been sent by now is deleted from this device, and is not sent.',
        yes: 'Sign out',
        run: () => signOut?.(),
      });
  };
  const role = h('small');
  const about = h(
    'div',
    { class: 'profile' },
    avatar(desk.person, name),
    h('span', { class: 'words' }, h('strong', { text: name }), role),
  );
  draws.push(() => {
    role.textContent = `${roleName(desk.role)} of ${business() || desk.model.business}`;
    online.querySelector('input').checked = desk.status.state !== 'stopped';
  });
  const draw = () => draws.forEach((each) => each());
  const stops = [desk.on('change', draw), desk.on('status', draw)];
  sheet(
    root,
    'Settings',
    [
      about,
      h('h3', { text: 'Privacy' }),
      privacy(
        'read_receipts',
        'Read receipts',
        'Others see when you have read their messages, and you see when they have read yours.',
      ),
      privacy(
        'last_seen',
        'Last seen',
        'Others see when you are online or were last here, and you see it of them.',
      ),
      h('h3', { text: 'This device' }),
      online,
      h(
        'button',
        { type: 'button', class: 'wide', 'data-theme-toggle': true },
        icon('theme'),
        'Light or dark',
      ),
      ...sheets
        .filter((each) => leads || !each.leads)
        .map((each) =>
          h(
            'button',
            { type: 'button', class: 'wide', onclick: () => each.open(desk, root, failed) },
            icon(each.icon),
            each.text,
          ),
        ),
      signOut
        ? h(
            'button',
            { type: 'button', class: 'wide danger', onclick: leave },
            icon('leave'),
            'Sign out',
          )
        : null,
      h('p', { class: 'hint', text: `Device ${desk.device}` }),
    ].filter((each) => each !== null),
    { onclose: () => stops.forEach((stop) => stop()) },
  );
  draw();
}
