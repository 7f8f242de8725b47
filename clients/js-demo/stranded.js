/** What was written in conversations that one is in no longer: it cannot be sent, and is not lost. */

import { h } from './dom.js';
import { sheet, toast } from './overlay.js';

/** @typedef {import('./deskbell.js').Deskbell} Deskbell */
/** @typedef {import('./deskbell.js').Waiting} Waiting */

/** @param {Deskbell} desk @returns {Waiting[]} */
const stranded = (desk) =>
  desk.outbox().filter((each) => each.error && !desk.conversations.has(each.conversation));

/**
 * Show what is stranded, if anything is and it is not shown already, to be copied or deleted.
 * @param {Deskbell} desk @param {HTMLElement} root the pane
 */
export function showStranded(desk, root) {
  if (!stranded(desk).length || root.querySelector('.stranded')) return;
  const rows = h('ul', { class: 'stranded' });
  const hint = 'You are not in the conversation any more in which you wrote this. It was not sent.';
  const content = [h('p', { class: 'hint', text: hint }), rows];
  const { close } = sheet(root, 'Not sent', content, { onclose: () => stop() });
  const draw = () => {
    const entries = stranded(desk);
    if (!entries.length) close();
    rows.replaceChildren(...entries.map((entry) => row(entry)));
  };
  /** @param {Waiting} entry */
  const row = ({ text, client_message_id: id }) =>
    h(
      'li',
      null,
      h('p', { class: 'asked', dir: 'auto', text }),
      h(
        'div',
        { class: 'answers' },
        h('button', { type: 'button', class: 'answer', text: 'Copy', onclick: () => copy(text) }),
        h('button', {
          type: 'button',
          class: 'answer danger',
          text: 'Delete',
          onclick: () => {
            desk.discard(id);
            draw();
          },
        }),
      ),
    );
  const copy = (/** @type {string} */ text) =>
    navigator.clipboard.writeText(text).then(
      () => toast(root, 'Copied', 'note'),
      () => toast(root, 'The browser did not allow copying. Select the text and copy it by hand.'),
    );
  const stop = desk.on('failed', draw);
  draw();
}
