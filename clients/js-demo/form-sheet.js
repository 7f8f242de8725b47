/** A sheet with a form: what goes wrong is said in it, and what was typed stays. */

import { h } from './dom.js';
import { sheet } from './overlay.js';

/**
 * @typedef {{name: string, label: string, props?: object, hint?: string}} Field
 * @param {HTMLElement} root @param {string} title
 * @param {{fields: Field[], submit: string, more?: any[],
 *   run: (values: Record<string, string>) => Promise<void>}} what
 * @returns {() => void} closes it
 */
export function formSheet(root, title, { fields, submit, more = [], run }) {
  const problem = h('p', { class: 'problem', id: 'form-problem', role: 'alert' });
  const go = h('button', { class: 'primary', text: submit });
  const inputs = fields.map(({ name, props, hint }) =>
    h('input', {
      id: `form-${name}`,
      name,
      'aria-describedby': hint ? `form-${name}-hint form-problem` : 'form-problem',
      ...props,
    }),
  );
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    problem.textContent = '';
    try {
      await run(Object.fromEntries(inputs.map(({ name, value }) => [name, value])));
    } catch (error) {
      const lost = error instanceof TypeError;
      problem.textContent = lost
        ? 'The server cannot be reached. Try again in a moment.'
        : String(/** @type {Error} */ (error).message);
    }
    go.disabled = false;
    if (form.isConnected && !form.contains(document.activeElement)) go.focus(); // it was lost with it
  };
  const asked = fields.map(({ name, label, hint }, index) =>
    h(
      'div',
      { class: 'asked-for' },
      h('label', { for: `form-${name}`, text: label }),
      inputs[index],
      hint ? h('p', { class: 'hint', id: `form-${name}-hint`, text: hint }) : null,
    ),
  );
  const form = h('form', { class: 'sign-in in-sheet', onsubmit: send }, asked, more, problem, go);
  return sheet(root, title, [form]).close;
}
