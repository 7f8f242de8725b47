/** Where a log is scrolled to: measured, and moved. */

const NEAR_END = 60; // pixels within which the newest message counts as shown
const MARGIN = 8;

/** @param {HTMLElement} scroller */
export function isNearEnd({ scrollTop, scrollHeight, clientHeight }) {
  return scrollHeight - scrollTop - clientHeight < NEAR_END;
}

/**
 * Smoothly only over a short way, and for who likes motion.
 * @param {HTMLElement} scroller
 * @param {boolean} smooth
 */
export function scrollToEnd(scroller, smooth) {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const far = scroller.scrollHeight - scroller.scrollTop > 4 * scroller.clientHeight;
  const behavior = smooth && !calm && !far ? 'smooth' : 'instant';
  scroller.scrollTo({ top: scroller.scrollHeight, behavior });
}

/** Put an element below the upper edge. @param {HTMLElement} scroller @param {Element} element */
export function scrollToTopOf(scroller, element) {
  const above = element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  scroller.scrollTop += above - MARGIN;
}

/**
 * The seq of the last message that is shown down to its end, or 0.
 * @param {HTMLElement} scroller
 * @param {HTMLElement} list
 * @returns {number}
 */
export function lowestShown(scroller, list) {
  const end = scroller.getBoundingClientRect().bottom;
  const rows = [...list.children].reverse();
  const shown = rows.find(
    (row) => /** @type {any} */ (row).message?.seq && row.getBoundingClientRect().bottom <= end + 8,
  );
  return /** @type {any} */ (shown)?.message.seq ?? 0;
}

/** The row of a message. @param {HTMLElement} list @param {number} seq @returns {any} */
export function rowOf(list, seq) {
  return /** @type {any[]} */ ([...list.children]).find((each) => each.message?.seq === seq);
}
