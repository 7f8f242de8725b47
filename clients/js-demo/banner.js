/** What is said when there is no connection, and what one can do about it. */

import { h } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('./deskbell.js').Deskbell} Deskbell */

const PATIENCE_MS = 1_200; // a connection that comes back sooner is not worth a word

export class Banner {
  #since = 0;
  /** @type {any} */
  #timer = 0;
  #said = '';

  /** @param {Deskbell} desk */
  constructor(desk) {
    this.desk = desk;
    this.text = h('span');
    this.button = h('button', { type: 'button' });
    this.button.addEventListener('click', () => this.act());
    this.act = () => {};
    this.element = h(
      'div',
      { class: 'banner', role: 'status', hidden: true },
      icon('plug'),
      this.text,
      this.button,
    );
  }

  render() {
    clearTimeout(this.#timer);
    const { state, code } = this.desk.status;
    if (state === 'online' || (state === 'stopped' && !code)) {
      this.#since = 0;
      this.element.hidden = true;
      this.#said = '';
      return;
    }
    this.#since ||= Date.now();
    const wait = state === 'stopped' ? 0 : PATIENCE_MS - (Date.now() - this.#since);
    this.#timer = setTimeout(() => this.render(), wait > 0 ? wait : 1_000);
    if (wait > 0 && this.element.hidden) return;
    const [text, button, act] = state === 'stopped' ? this.#stopped() : this.#trying();
    this.act = act;
    this.element.hidden = false;
    this.element.classList.toggle('stopped', state === 'stopped');
    if (`${text}${button}` === this.#said) return;
    this.#said = `${text}${button}`;
    this.text.textContent = text;
    this.button.textContent = button;
  }

  /** @returns {[string, string, () => void]} */
  #trying() {
    const { state, retry_at } = this.desk.status;
    const seconds = Math.ceil((retry_at - Date.now()) / 1_000);
    const soon =
      state === 'connecting' || seconds < 1 ? 'Connecting…' : `Trying again in ${seconds} s`;
    return [`No connection. ${soon}`, 'Try now', () => this.desk.wake()];
  }

  /** @returns {[string, string, () => void]} */
  #stopped() {
    const reload = () => location.reload(); // what waits is kept, and sent after signing in
    const connect = () => {
      this.desk.connect().catch(() => {});
    };
    switch (this.desk.status.code) {
      case 1000:
        return ['You are offline. What you write waits here.', 'Go online', connect];
      case 4501:
        return ['Your session has ended. Sign in again.', 'Sign in', reload];
      case 4503:
        return ['You no longer have access. Ask the owner of the business.', 'Sign in', reload];
      case 4509:
        return ['Deskbell is open in another window on this device.', 'Use it here', connect];
      default:
        return [
          `The connection was refused (${this.desk.status.code}). Reload the page.`,
          'Reload',
          reload,
        ];
    }
  }
}
