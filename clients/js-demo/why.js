/** The sheet that says why a message is where it is, and whom it reached. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { avatar } from './names.js';
import { sheet } from './overlay.js';
import { moment } from './times.js';

/**
 * @typedef {import('./deskbell.js').Explanation} Explanation
 * @typedef {import('./deskbell.js').Recipient} Recipient
 */

/** @type {Record<string, string>} */
const ANSWERS = {
  nothing: 'Nothing that the business sent',
  confirmation: 'A confirmation',
  campaign: 'A campaign',
  staff: 'Somebody of the team who began',
  transfer: 'A transfer',
};
/** @type {Record<string, string>} */
const REASONS = {
  not_logged_in: 'Was not logged in',
  no_permission: 'Works there, but has no access to the inbox',
};

/**
 * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
 * @param {import('./places.js').Places} places
 * @param {import('./deskbell.js').Message} message
 */
export async function whySheet(desk, root, places, { conversation, seq }) {
  const why = await desk.explain(conversation, seq);
  const { locations = [], recipients = [] } = why;
  const where = locations.map((id) =>
    h('span', { class: 'place' }, icon('place'), places.name(id)),
  );
  const content = [
    where.length ? h('p', { class: 'where' }, where) : null,
    h('p', { class: 'because', text: why.sentence }),
    why.rule ? facts(places, why, desk.serverTime) : null,
    recipients.length ? h('h3', { text: 'Who it reached' }) : null,
    h(
      'ul',
      { class: 'people', 'aria-label': 'Who it reached' },
      recipients.map((each) => recipient(each, desk.serverTime)),
    ),
  ];
  const { element } = sheet(
    root,
    'Why here?',
    content.filter((each) => each !== null),
  );
  element.classList.add('why');
}

/** What was known when the message came. @param {import('./places.js').Places} places
 * @param {Explanation} why @param {number} now */
function facts(places, why, now) {
  const { answers, customer_locations = [], staff_locations = [] } = why;
  const { last_appointment = '', newest_conversation = [] } = why;
  const from = answers?.location ? `, ${places.name(answers.location)}` : '';
  const at = answers?.at ? `, ${moment(answers.at, now)}` : '';
  const known = [
    ['It answers', answers ? `${ANSWERS[answers.kind] ?? answers.kind}${from}${at}` : ''],
    ['The customer’s locations', places.names(customer_locations) || 'None'],
    ['Last appointment', last_appointment ? places.name(last_appointment) : 'None known'],
    ['Wrote last at', places.names(newest_conversation)],
    ['Who began works at', places.names(staff_locations)],
  ];
  return h(
    'dl',
    { class: 'facts' },
    known
      .filter(([, text]) => text)
      .flatMap(([term, text]) => [h('dt', { text: term }), h('dd', { text })]),
  );
}

/** @param {Recipient} each @param {number} now */
function recipient({ person, name, live, reason = '', delivered_at = 0 }, now) {
  const later = delivered_at ? `Received ${moment(delivered_at, now)}` : '';
  const words = live ? 'Received it live' : (REASONS[reason] ?? 'Did not receive it live');
  return h(
    'li',
    { class: live ? 'live' : '' },
    avatar(person, name || person),
    h(
      'span',
      { class: 'words' },
      h('strong', { text: name || person }),
      h('small', { text: words }),
      later ? h('small', { text: later }) : null,
    ),
    live ? icon('check') : null,
  );
}
