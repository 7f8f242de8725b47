/** How the team deals with a conversation, in words. */

import { clockTime, dayOf, shortDate, shortWeekday } from './times.js';

/** @typedef {import('./deskbell.js').Conversation} Conversation */

const MINUTE = 60_000;

/**
 * Whether the team deals with it: somebody of the team is looking, and a customer is in it.
 * @param {Conversation} conversation
 */
export const isHandled = ({ kind, handling, members }) =>
  kind === 'group' && handling !== null && members.some(({ role }) => role === 'customer');

/** How long, shortly. @param {number} since @param {number} now */
export function duration(since, now) {
  const minutes = Math.floor((now - since) / MINUTE);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h`;
  const days = Math.floor(hours / 24);
  return days === 1 ? '1 day' : `${days} days`;
}

/** @param {number} since @param {number} now */
export function waitingWords(since, now) {
  const long = duration(since, now);
  return long === 'now' ? 'Waiting' : `Waiting for ${long}`;
}

/** @param {number} until @param {number} now */
export function untilWords(until, now) {
  const days = dayOf(until) - dayOf(now);
  if (days <= 0) return `until ${clockTime(until)}`;
  const day = days === 1 ? 'tomorrow' : (days < 7 ? shortWeekday : shortDate)(until);
  return `until ${day}, ${clockTime(until)}`;
}

/**
 * Times to which something can be put off.
 * @param {number} now
 * @returns {{text: string, until: number}[]}
 */
export function putOffs(now) {
  const morning = (/** @type {number} */ days) => {
    const day = new Date(now);
    day.setDate(day.getDate() + days);
    return day.setHours(9, 0, 0, 0);
  };
  const monday = (8 - new Date(now).getDay()) % 7 || 7;
  return [
    { text: 'For an hour', until: now + 60 * MINUTE },
    { text: 'For three hours', until: now + 180 * MINUTE },
    { text: 'Until tomorrow, 09:00', until: morning(1) },
    ...(monday > 1 ? [{ text: 'Until Monday, 09:00', until: morning(monday) }] : []),
  ];
}
