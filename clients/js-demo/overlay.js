/**
 * What lies over one pane: menus and popovers beside something, sheets and questions over everything,
 * toasts.
 */

import { h, moveFocus } from './dom.js';
import { icon } from './icons.js';

const MARGIN = 8;
const TOAST_MS = 7_000;

/**
 * Show something beside an element until Escape, a click elsewhere, or `close`. The focus moves in,
 * and back when it closes.
 * @param {HTMLElement} root the pane @param {Element} anchor @param {HTMLElement} content
 * @returns {() => void} closes it
 */
export function popover(root, anchor, content) {
  root.querySelector('.popover')?.dispatchEvent(new CustomEvent('dismiss'));
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  content.classList.add('popover');
  const close = (/** @type {boolean} */ restore = true) => {
    if (!content.isConnected) return;
    content.remove();
    document.removeEventListener('pointerdown', outside, true);
    if (restore && before?.isConnected) before.focus({ preventScroll: true });
  };
  const outside = (/** @type {PointerEvent} */ event) => {
    if (!content.contains(/** @type {Node} */ (event.target))) close(false);
  };
  content.addEventListener('dismiss', () => close(false));
  content.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' && event.key !== 'Tab') return;
    event.stopPropagation();
    event.preventDefault();
    close();
  });
  document.addEventListener('pointerdown', outside, true);
  root.append(content);
  place(root, anchor, content);
  /** @type {HTMLElement | null} */ (content.querySelector('button, [tabindex]') ?? content)?.focus(
    { preventScroll: true },
  );
  return close;
}

/**
 * Beside the anchor, and never outside the pane.
 * @param {HTMLElement} root
 * @param {Element} anchor
 * @param {HTMLElement} content
 */
function place(root, anchor, content) {
  const frame = root.getBoundingClientRect();
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = content;
  const right = at.left - frame.left > frame.width / 2;
  const x = right ? at.right - frame.left - width : at.left - frame.left;
  const below = at.bottom - frame.top + MARGIN;
  const above = at.top - frame.top - height - MARGIN;
  const y = below + height < frame.height - MARGIN ? below : above;
  const inside = (/** @type {number} */ value, /** @type {number} */ most) =>
    Math.max(MARGIN, Math.min(value, most - MARGIN));
  content.style.left = `${inside(x, frame.width - width)}px`;
  content.style.top = `${inside(y, frame.height - height)}px`;
}

/**
 * A menu beside an element, for the keyboard too.
 * @param {HTMLElement} root @param {Element} anchor @param {string} label
 * @param {({icon: string, text: string, danger?: boolean, run: () => void} | null)[]} items
 */
export function menu(root, anchor, label, items) {
  const choose = (/** @type {() => void} */ run) => () => {
    close();
    run();
  };
  const buttons = items
    .filter((item) => item !== null)
    .map((item) =>
      h(
        'button',
        {
          type: 'button',
          role: 'menuitem',
          class: item.danger ? 'danger' : '',
          onclick: choose(item.run),
        },
        icon(item.icon),
        item.text,
      ),
    );
  const list = h('div', { role: 'menu', 'aria-label': label, class: 'menu' }, buttons);
  list.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) =>
    moveFocus(event, buttons),
  );
  const close = popover(root, anchor, list);
}

/**
 * A sheet over the pane, and over another sheet, with the focus inside until it closes.
 * @param {HTMLElement} root @param {string} title @param {any[]} content
 * @param {{onclose?: () => void, role?: string, description?: string}} [options]
 * @returns {{element: HTMLElement, close: () => void}}
 */
export function sheet(root, title, content, { onclose, role = 'dialog', description } = {}) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const close = () => {
    if (!veil.isConnected) return;
    veil.remove();
    document.removeEventListener('keydown', escape);
    for (const child of behind) child.inert = false;
    if (before?.isConnected) before.focus({ preventScroll: true });
    onclose?.();
  };
  const dismiss = h(
    'button',
    { type: 'button', class: 'round', 'aria-label': 'Close', onclick: close },
    icon('close'),
  );
  const element = h(
    'section',
    {
      class: 'sheet',
      role,
      'aria-modal': 'true',
      'aria-label': title,
      'aria-description': description,
      tabindex: '-1',
    },
    h('header', { class: 'bar' }, h('h2', { text: title }), dismiss),
    h('div', { class: 'sheet-body' }, content),
  );
  const veil = h(
    'div',
    { class: 'veil', onclick: (/** @type {Event} */ event) => event.target === veil && close() },
    element,
  );
  // Heard of the document, since what had the focus may be gone: then nothing in here hears it.
  const escape = (/** @type {KeyboardEvent} */ event) => {
    const lost = document.activeElement === document.body && veil.getClientRects().length > 0;
    const here = veil.contains(/** @type {Node} */ (event.target)) || lost;
    if (event.key !== 'Escape' || event.defaultPrevented || !here || veil.inert) return;
    event.preventDefault();
    close();
  };
  document.addEventListener('keydown', escape);
  const behind = /** @type {HTMLElement[]} */ ([...root.children]).filter(
    (child) => !child.inert && !child.classList.contains('toasts'),
  );
  for (const child of behind) child.inert = true;
  root.append(veil);
  const first = element.querySelector('input, [data-first]') ?? element;
  /** @type {HTMLElement} */ (first).focus({ preventScroll: true });
  return { element, close };
}

/** Close whatever lies over the pane. @param {HTMLElement} root */
export function closeAll(root) {
  root.querySelector('.popover')?.dispatchEvent(new CustomEvent('dismiss'));
  for (const veil of [...root.querySelectorAll('.veil')].reverse())
    /** @type {HTMLElement} */ (veil).click();
}

/**
 * Ask before what cannot be taken back. Cancel has the focus; Escape and a click elsewhere mean it.
 * @param {HTMLElement} root @param {string} title
 * @param {{text: string, hint?: string, yes: string, run: () => void, onclose?: () => void}} question
 * @returns {() => void} takes the question back
 */
export function ask(root, title, { text, hint = '', yes, run, onclose }) {
  const cancel = h('button', {
    type: 'button',
    class: 'answer',
    text: 'Cancel',
    'data-first': true,
    onclick: () => close(),
  });
  const agree = h('button', {
    type: 'button',
    class: 'answer danger',
    text: yes,
    onclick: () => {
      close();
      run();
    },
  });
  const { element, close } = sheet(
    root,
    title,
    [
      h('p', { class: 'asked', dir: 'auto', text }),
      hint ? h('p', { class: 'hint', text: hint }) : '',
      h('div', { class: 'answers' }, cancel, agree),
    ],
    { onclose, role: 'alertdialog', description: `${text} ${hint}`.trim() },
  );
  element.classList.add('question');
  return close;
}

/**
 * Say something at the foot of the pane, for a while.
 * @param {HTMLElement} root
 * @param {string} text
 * @param {'error' | 'note'} [kind]
 */
export function toast(root, text, kind = 'error') {
  const place = root.querySelector('.toasts');
  if (!place || [...place.children].some((child) => child.textContent === text)) return;
  const element = h(
    'div',
    { class: `toast ${kind}` },
    icon(kind === 'error' ? 'warning' : 'check'),
    h('span', { text }),
  );
  const gone = () => element.remove();
  element.append(
    h(
      'button',
      { type: 'button', class: 'round', 'aria-label': 'Dismiss', onclick: gone },
      icon('close'),
    ),
  );
  place.append(element);
  setTimeout(gone, TOAST_MS);
}

/**
 * A switch with a title and an explanation.
 * @param {string} title
 * @param {string} text
 * @param {boolean} on
 * @param {(on: boolean) => void} change
 */
export function toggle(title, text, on, change) {
  const input = h('input', {
    type: 'checkbox',
    role: 'switch',
    checked: on,
    onchange: () => change(input.checked),
  });
  const words = h('span', { class: 'words' }, h('strong', { text: title }), h('small', { text }));
  return h(
    'label',
    { class: 'setting' },
    words,
    input,
    h('span', { class: 'switch', 'aria-hidden': 'true' }),
  );
}
