/** The sheet from which a saved reply is taken into what is being written. */

import { h, moveFocus } from './dom.js';
import { icon } from './icons.js';
import { plain } from './markup.js';
import { sheet } from './overlay.js';

/** @typedef {import('./deskbell.js').Attachment} Attachment */
/**
 * @typedef {{id: string, title: string, text: string, location: string,
 *   attachments: Attachment[]}} SavedReply
 */
/** @typedef {(text: string, attachments: Attachment[]) => void} Take */

const PAGES = 5; // of 100

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
 * @param {string} conversation
 * @param {Take} take  takes the text, its variables filled in, and copies of its files
 */
export function savedRepliesSheet(desk, root, conversation, take) {
  /** @type {SavedReply[]} */
  let all = [];
  const list = h('ul', { class: 'people saved', 'aria-label': 'Saved replies' });
  const problem = h('p', { class: 'problem', role: 'alert' });
  const said = (/** @type {unknown} */ error) => {
    problem.textContent = String(/** @type {Error} */ (error).message);
  };
  /** @param {SavedReply} reply */
  const choose = async (reply) => {
    problem.textContent = '';
    try {
      const path = `/v1/conversations/${conversation}/render`;
      const { text, attachments } = await desk.request('POST', path, { saved_reply: reply.id });
      close();
      take(text, attachments);
    } catch (error) {
      said(error); // a variable has no value here: nothing is taken
    }
  };
  /** @param {SavedReply} reply */
  const row = (reply) =>
    h(
      'li',
      null,
      h(
        'button',
        { type: 'button', class: 'person', onclick: () => void choose(reply) },
        h(
          'span',
          { class: 'words' },
          h('strong', { dir: 'auto', text: reply.title }),
          h('small', { dir: 'auto', text: plain(reply.text) }),
          reply.attachments.length > 0 &&
            h('small', { text: `With ${reply.attachments.map(({ name }) => name).join(', ')}` }),
        ),
      ),
    );
  const draw = () => {
    const wanted = input.value.trim().toLowerCase();
    const found = all.filter(({ title, text }) =>
      `${title} ${text}`.toLowerCase().includes(wanted),
    );
    const none = all.length ? 'No saved reply matches.' : 'There are no saved replies yet.';
    list.replaceChildren(
      ...(found.length ? found.map(row) : [h('li', { class: 'hint', text: none })]),
    );
  };
  const input = h('input', {
    type: 'search',
    placeholder: 'Search saved replies',
    maxlength: '100',
    'aria-label': 'Search saved replies',
    oninput: draw,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      list.querySelector('button')?.click();
    },
  });
  const search = h('label', { class: 'search' }, icon('search'), input);
  const { element, close } = sheet(root, 'Saved replies', [
    h('div', { class: 'picker' }, search, problem, list),
  ]);
  element.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (['ArrowDown', 'ArrowUp'].includes(event.key))
      moveFocus(event, [input, ...list.querySelectorAll('button')]);
  });
  const load = async () => {
    const { locations = [] } = desk.conversations.get(conversation)?.handling ?? {};
    let after = '';
    for (let page = 0; page < PAGES; page += 1) {
      const query = new URLSearchParams({ limit: '100', ...(after ? { after } : {}) });
      const answer = await desk.request('GET', `/v1/saved-replies?${query}`);
      all = [...all, ...answer.saved_replies];
      after = answer.next ?? '';
      if (!after) break;
    }
    all = all.filter(({ location }) => !location || locations.includes(location));
    draw();
  };
  load().catch(said);
}
