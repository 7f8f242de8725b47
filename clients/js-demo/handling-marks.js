/** What an item of the list says of how the team deals with it. */

import { h, hidden } from './dom.js';
import { duration, isHandled, waitingWords } from './handling.js';
import { icon } from './icons.js';
import { avatar } from './names.js';

/**
 * Who waits, for how long, who sees to it, and whether it rests.
 * @param {import('./deskbell.js').Deskbell} desk
 * @param {import('./deskbell.js').Conversation} conversation
 * @param {(conversation: import('./deskbell.js').Conversation, person: string) => string} nameOf
 *   also of who is not in it
 * @returns {HTMLElement[]}
 */
export function handlingMarks(desk, conversation, nameOf) {
  const { handling } = conversation;
  if (!handling || !isHandled(conversation)) return [];
  const { waiting_since, alerted, assignee, status } = handling;
  const marks = [];
  if (status !== 'open')
    marks.push(h('span', { class: 'rests', text: status === 'closed' ? 'Closed' : 'Snoozed' }));
  if (assignee) {
    const mine = assignee === desk.person;
    const name = nameOf(conversation, assignee);
    const face = avatar(assignee, name);
    face.title = mine ? 'Assigned to you' : `Assigned to ${name}`;
    marks.push(face, hidden(face.title));
  }
  if (waiting_since) {
    const now = desk.serverTime;
    const late = alerted === waiting_since;
    const words = waitingWords(waiting_since, now);
    marks.push(
      h(
        'span',
        { class: late ? 'waits late' : 'waits', title: words },
        icon('clock'),
        h('span', { 'aria-hidden': 'true', text: duration(waiting_since, now) }),
        hidden(words),
      ),
    );
  }
  return marks;
}
