/** How moments are said. Every `at` and `now` is in milliseconds. */

const ENGLISH = navigator.languages?.find((each) => each.startsWith('en')) ?? 'en-GB';
const DAY = 86_400_000;

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => {
  const formatter = new Intl.DateTimeFormat(ENGLISH, options);
  return (/** @type {number} */ at) => formatter.format(at);
};
export const clockTime = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const exact = format({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const weekday = format({ weekday: 'long' });
export const shortWeekday = format({ weekday: 'short' });
const date = format({ day: 'numeric', month: 'long' });
export const shortDate = format({ day: 'numeric', month: 'short' });
const year = format({ day: 'numeric', month: 'long', year: 'numeric' });

/** The local day as a number that counts up. @param {number} at */
export function dayOf(at) {
  const day = new Date(at);
  return Math.round(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate()) / DAY);
}

/** @param {number} at @param {number} now */
export function dayLabel(at, now) {
  const days = dayOf(now) - dayOf(at);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return weekday(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? date(at) : year(at);
}

/** Short, for a list. @param {number} at @param {number} now */
export function listTime(at, now) {
  const days = dayOf(now) - dayOf(at);
  if (days <= 0) return clockTime(at);
  if (days === 1) return 'Yesterday';
  return days < 7 ? shortWeekday(at) : shortDate(at);
}

/** When something takes place. @param {number} at @param {number} now */
export function dateTime(at, now) {
  const days = dayOf(at) - dayOf(now);
  const near = days === 0 ? 'Today' : days === 1 ? 'Tomorrow' : days === -1 ? 'Yesterday' : '';
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return `${near || `${shortWeekday(at)} ${(sameYear ? date : year)(at)}`}, ${clockTime(at)}`;
}

/** To the second, for a receipt. @param {number} at @param {number} now */
export function moment(at, now) {
  const day = dayLabel(at, now);
  return `${dayOf(now) - dayOf(at) < 2 ? day.toLowerCase() : day}, ${exact(at)}`;
}

/** @param {number} at @param {number} now */
export function lastSeen(at, now) {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return 'last seen just now';
  if (minutes === 1) return 'last seen a minute ago';
  if (minutes < 60) return `last seen ${minutes} minutes ago`;
  const days = dayOf(now) - dayOf(at);
  if (days === 0) return `last seen today at ${clockTime(at)}`;
  if (days === 1) return `last seen yesterday at ${clockTime(at)}`;
  return `last seen on ${dayLabel(at, now)} at ${clockTime(at)}`;
}
