/** The sheet of all that was said around a person, in every conversation one may read. */

import { attachedWords } from './attachments.js';
import { h } from './dom.js';
import { plain } from './markup.js';
import { entryWords } from './message-row.js';
import { isAutomatic, nameOf, titleOf } from './names.js';
import { sheet } from './overlay.js';
import { dayLabel, clockTime, dayOf } from './times.js';

/** @typedef {import('./deskbell.js').Message} Message */

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
 * @param {{id: string, name: string}} person
 * @param {{failed: (error: unknown) => void, reveal: (id: string, seq: number) => void}} actions
 */
export function timelineSheet(desk, root, person, { failed, reveal }) {
  const list = h('ol', { class: 'timeline', 'aria-label': 'Timeline' });
  let before = '';
  let day = NaN;
  const load = async () => {
    more.disabled = true;
    const query = new URLSearchParams({ limit: '50', ...(before ? { before } : {}) });
    try {
      const page = await desk.request('GET', `/v1/people/${person.id}/timeline?${query}`);
      before = page.next ?? '';
      const messages = page.items
        .filter((/** @type {any} */ item) => item.type === 'message')
        .map((/** @type {any} */ item) => item.message);
      const ids = new Set(messages.map((/** @type {Message} */ each) => each.conversation));
      await Promise.all([...ids].map((id) => desk.open(/** @type {string} */ (id))));
      for (const message of messages) append(message);
      if (!list.children.length) list.append(h('li', { class: 'hint', text: 'Nothing yet.' }));
    } catch (error) {
      failed(error);
    }
    more.disabled = false;
    more.hidden = !before;
  };
  /** @param {Message} message */
  const append = (message) => {
    const { at, seq, conversation: id } = message;
    if (dayOf(at) !== day) {
      day = dayOf(at);
      list.append(h('li', { class: 'day', text: dayLabel(at, desk.serverTime) }));
    }
    const go = () => {
      close();
      reveal(id, seq);
    };
    list.append(h('li', null, item(message, go)));
  };
  /** @param {Message} message @param {() => void} onclick */
  const item = (message, onclick) => {
    const conversation = desk.conversations.get(message.conversation);
    const { author, kind = 'text', deleted_at, at } = message;
    const said = deleted_at
      ? 'Message deleted'
      : plain(message.text ?? '') || attachedWords(message);
    const words = kind === 'text' || !conversation ? said : entryWords(conversation, message);
    const who = author === desk.person ? 'You' : nameOf(conversation, author);
    const title = conversation ? titleOf(conversation, desk.person) : '';
    return h(
      'button',
      { type: 'button', onclick },
      h(
        'span',
        { class: 'words' },
        h('strong', { text: isAutomatic(author) ? nameOf(conversation, author) : who }),
        h('span', { class: 'said', dir: 'auto', text: words }),
        h('small', { dir: 'auto', text: title }),
      ),
      h('time', { text: clockTime(at) }),
    );
  };
  const more = h('button', { type: 'button', class: 'quiet', text: 'Show older', onclick: load });
  const { close } = sheet(root, `All that was said with ${person.name}`, [list, more]);
  void load();
}
