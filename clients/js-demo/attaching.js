/** The files that go with what is written: chosen, dropped or pasted, uploaded, or refused. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { iconOf, sizeWords } from './attachments.js';

/** @typedef {import('./deskbell.js').Attachment} Attachment */
/**
 * @typedef {object} Held
 * @property {AbortController} abort
 * @property {Attachment | null} attachment  once it is uploaded
 * @property {boolean} refused
 * @property {HTMLElement} element
 */

const MOST = 10; // files of one message
const PREVIEW = 112; // pixels

export class Attaching {
  #id = '';
  /** @type {Map<string, Held[]>} conversation → its files */
  #held = new Map();

  /**
   * @param {import('./deskbell.js').Deskbell} desk
   * @param {{failed: (error: Error) => void, changed: () => void}} actions
   */
  constructor(desk, actions) {
    this.desk = desk;
    this.actions = actions;
    this.input = h('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      'aria-label': 'Files to attach',
      onchange: () => {
        this.add(this.input.files);
        this.input.value = ''; // so that the same file can be chosen again
      },
    });
    this.button = h(
      'button',
      {
        type: 'button',
        class: 'round attach',
        'aria-label': 'Attach files',
        onclick: () => this.input.click(),
      },
      icon('clip'),
    );
    this.tray = h('ul', { class: 'tray', 'aria-label': 'Attached files', hidden: true });
  }

  /** @param {string} id the conversation */
  show(id) {
    this.#id = id;
    this.#draw();
  }

  /** @returns {Held[]} */
  get #here() {
    return this.#held.get(this.#id) ?? [];
  }

  /** Those that can be sent now. @returns {Attachment[]} */
  get ready() {
    return this.#here.flatMap(({ attachment }) => attachment ?? []);
  }

  /** @returns {boolean} whether some are still on their way */
  get busy() {
    return this.#here.some(({ attachment, refused }) => !attachment && !refused);
  }

  /** They have been sent, and what was refused has been seen. */
  sent() {
    this.#held.delete(this.#id);
    this.#draw();
  }

  /** @param {Iterable<File> | null} files */
  add(files) {
    for (const file of files ?? []) {
      if (this.#full) break;
      void this.#upload(this.#id, file);
    }
  }

  /** What is uploaded already is attached, if it can be. @param {Attachment[]} attachments */
  adopt(attachments) {
    for (const attachment of attachments) {
      if (this.button.disabled || this.#full) {
        this.#giveUp(attachment);
        continue;
      }
      const { held } = this.#hold(this.#id, attachment.name, attachment.kind, attachment.bytes);
      held.attachment = attachment;
    }
    this.#draw();
  }

  /** Whether there is no room for one more; who writes is told so. */
  get #full() {
    const full = this.#here.filter(({ refused }) => !refused).length >= MOST;
    if (full) this.actions.failed(new Error(`At most ${MOST} files go with one message.`));
    return full;
  }

  /** What is dropped on an element is attached. @param {HTMLElement} element */
  takeFrom(element) {
    const files = (/** @type {DragEvent} */ event) =>
      event.dataTransfer?.types.includes('Files') && !this.button.disabled;
    const over = (/** @type {DragEvent} */ event) => {
      if (!files(event)) return;
      event.preventDefault();
      element.classList.add('dropping');
    };
    element.addEventListener('dragenter', over);
    element.addEventListener('dragover', over);
    element.addEventListener('dragleave', ({ relatedTarget }) => {
      if (!element.contains(/** @type {Node | null} */ (relatedTarget)))
        element.classList.remove('dropping');
    });
    element.addEventListener('drop', (event) => {
      element.classList.remove('dropping');
      if (!files(event)) return;
      event.preventDefault();
      this.add(event.dataTransfer?.files ?? null);
    });
  }

  /**
   * A row in the tray, with nothing to be sent yet.
   * @param {string} id @param {string} name @param {string} kind @param {number} bytes
   */
  #hold(id, name, kind, bytes) {
    const state = h('small', { text: sizeWords(bytes) });
    const words = h('span', { class: 'words' }, h('strong', { dir: 'auto', text: name }), state);
    const face = h('span', { class: 'face-of-file' }, icon(iconOf(kind)));
    const remove = h(
      'button',
      {
        type: 'button',
        class: 'round',
        'aria-label': `Remove ${name}`,
        onclick: () => this.#remove(id, held),
      },
      icon('close'),
    );
    const element = h('li', null, face, words, remove);
    /** @type {Held} */
    const held = { abort: new AbortController(), attachment: null, refused: false, element };
    this.#held.set(id, [...(this.#held.get(id) ?? []), held]);
    return { held, state, words, face };
  }

  /** @param {string} id @param {File} file */
  async #upload(id, file) {
    const name = file.name || 'file';
    const { held, state, words, face } = this.#hold(id, name, file.type.split('/')[0], file.size);
    const { element } = held;
    const bar = h('progress', { max: '1', value: '0', 'aria-label': `Uploading ${name}` });
    words.append(bar);
    element.classList.add('uploading');
    this.#draw();
    void preview(file, face);
    try {
      held.attachment = await this.desk.upload(file, {
        name,
        signal: held.abort.signal,
        onProgress: (sent, size) => {
          bar.value = size ? sent / size : 1;
          if (sent === size) state.textContent = `${sizeWords(size)} · being examined`;
        },
      });
      state.textContent = sizeWords(held.attachment.bytes);
    } catch (error) {
      if (held.abort.signal.aborted) return;
      held.refused = true;
      state.textContent = String(/** @type {Error} */ (error).message);
      state.setAttribute('role', 'alert');
      element.classList.add('refused');
    }
    bar.remove();
    element.classList.remove('uploading');
    this.actions.changed();
  }

  /** @param {string} id @param {Held} held */
  #remove(id, held) {
    held.abort.abort();
    if (held.attachment) this.#giveUp(held.attachment);
    this.#held.set(
      id,
      (this.#held.get(id) ?? []).filter((each) => each !== held),
    );
    this.#draw();
    this.button.focus();
  }

  /** @param {Attachment} attachment */
  #giveUp({ id }) {
    this.desk.request('DELETE', `/v1/uploads/${id}`).catch(() => {}); // then it expires
  }

  #draw() {
    const here = this.#here;
    this.tray.replaceChildren(...here.map(({ element }) => element));
    this.tray.hidden = here.length === 0;
    this.actions.changed();
  }
}

/**
 * A small picture of an image, if the browser can read it.
 * @param {File} file @param {Element} face
 */
async function preview(file, face) {
  if (!file.type.startsWith('image/')) return;
  try {
    const image = await createImageBitmap(file);
    const side = Math.min(image.width, image.height);
    const canvas = h('canvas', { width: PREVIEW, height: PREVIEW, 'aria-hidden': 'true' });
    const [x, y] = [(image.width - side) / 2, (image.height - side) / 2];
    canvas.getContext('2d').drawImage(image, x, y, side, side, 0, 0, PREVIEW, PREVIEW);
    image.close();
    face.replaceChildren(canvas);
  } catch {
    // the server says what is the matter with it
  }
}
