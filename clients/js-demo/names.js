/** Who is who: names, titles, initials and colours. */

import { h } from './dom.js';
import { lastSeen } from './times.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */
/** @typedef {import('./deskbell.js').Deskbell} Deskbell */

const HUES = 8;

/** Who is said to be the author of what the business says by itself, and how the page calls it. */
const BUSINESS = '@business';
const AUTOMATIC = 'Automatic message';

/** @param {string} author */
export const isAutomatic = (author) => author === BUSINESS;

/** @param {string} name */
export const firstName = (name) => name.split(/\s+/)[0];

/** @param {string} role */
export const roleName = (role) => role.charAt(0).toUpperCase() + role.slice(1);

/** @param {string} name */
export function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return (
    letters
      .map((word) => [...word][0])
      .join('')
      .toUpperCase() || '?'
  );
}

/** One of eight colours, always the same for one person. @param {string} id */
export function hue(id) {
  let sum = 8;
  for (const letter of id) sum = (sum * 59 + /** @type {number} */ (letter.codePointAt(0))) >>> 0;
  return `hue-${((sum ^ (sum >>> 9)) >>> 0) % HUES}`;
}

/**
 * The name of somebody who is, or was, in a conversation, or of the business's own voice.
 * @param {Conversation | undefined} conversation
 * @param {string} person
 */
export function nameOf(conversation, person) {
  if (isAutomatic(person)) return AUTOMATIC;
  const member = conversation?.members.find((each) => each.person === person);
  if (member?.name) return member.name;
  const entry = conversation?.messages.find((each) => each.person === person && each.text);
  return entry?.text || person;
}

/**
 * The first name of a person; the business's own voice has one name alone.
 * @param {Conversation | undefined} conversation
 * @param {string} person
 */
export function shortNameOf(conversation, person) {
  const name = nameOf(conversation, person);
  return isAutomatic(person) ? name : firstName(name);
}

/** @param {Conversation} conversation @param {string} me */
export function others(conversation, me) {
  return conversation.members.filter((member) => member.person !== me);
}

/**
 * Whom a conversation is about: to the team its customers, else everybody else.
 * @param {Conversation} conversation @param {string} me
 */
export function subjects(conversation, me) {
  const rest = others(conversation, me);
  const customers = rest.filter(({ role }) => role === 'customer');
  return conversation.handling && customers.length ? customers : rest;
}

/** @param {Conversation} conversation @param {string} me */
export function titleOf(conversation, me) {
  if (conversation.title) return conversation.title;
  const names = subjects(conversation, me).map((member) => member.name);
  if (names.length < 2) return names[0] ?? 'Only you';
  return names.map(firstName).join(', ');
}

/**
 * Who types; somebody who works where a conversation is placed may be no member of it.
 * @param {Conversation} conversation @param {string} person
 */
export function typistOf(conversation, person) {
  const name = nameOf(conversation, person);
  return name === person ? 'Somebody' : firstName(name);
}

/**
 * What is said under the title: who types, is online, or when they were last seen.
 * @param {Deskbell} desk
 * @param {Conversation} conversation
 */
export function stateOf(desk, conversation) {
  const typists = desk.typists(conversation.id).map((person) => typistOf(conversation, person));
  if (typists.length === 1) return `${typists[0]} is typing…`;
  if (typists.length > 1) return `${typists.join(' and ')} are typing…`;
  const rest = others(conversation, desk.person);
  if (rest.length === 1) return presenceOf(desk, rest[0]);
  const online = rest.filter(
    ({ person }) => desk.model.presence.get(person)?.state === 'online',
  ).length;
  const names = conversation.title
    ? rest.map((member) => firstName(member.name)).join(', ')
    : `${rest.length + 1} people`;
  return online && desk.status.state === 'online' ? `${names} · ${online} online` : names;
}

/** @param {Deskbell} desk @param {{person: string, role: string}} member */
export function presenceOf(desk, { person, role }) {
  const presence = desk.model.presence.get(person);
  if (desk.status.state !== 'online' || !presence) return roleName(role);
  if (presence.state !== 'offline') return presence.state;
  return presence.last_seen_at ? lastSeen(presence.last_seen_at, desk.serverTime) : roleName(role);
}

/** @param {string} id @param {string} name @param {string} [state] a presence to show as a dot */
export function avatar(id, name, state = '') {
  const dot = state && state !== 'offline' ? h('span', { class: `dot ${state}` }) : null;
  return h('span', { class: `avatar ${hue(id)}`, 'aria-hidden': 'true' }, initials(name), dot);
}

/**
 * The face of a conversation: that of whom it is about, or two of several.
 * @param {Deskbell} desk
 * @param {Conversation} conversation
 */
export function faces(desk, conversation) {
  const rest = subjects(conversation, desk.person);
  if (rest.length === 1) {
    const live = desk.status.state === 'online';
    const state = live ? desk.model.presence.get(rest[0].person)?.state : '';
    return avatar(rest[0].person, rest[0].name, state);
  }
  const two = rest.slice(0, 2).map((member) => avatar(member.person, member.name));
  return h(
    'span',
    { class: 'faces', 'aria-hidden': 'true' },
    two.length ? two : avatar(conversation.id, '·'),
  );
}
