/** The files of a message: pictures that can be looked at, and everything else to download. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { sheet } from './overlay.js';

/** @typedef {import('./deskbell.js').Attachment} Attachment */
/** @typedef {import('./deskbell.js').Message} Message */
/** @typedef {import('./deskbell.js').Waiting} Waiting */
/** @typedef {{url: string, thumbnail_url: string, expires_at: number}} Link */

const WIDEST = 260; // pixels of a picture in the log
const LEAST = 64; // to be seen, and hit with a thumb
const FRESH_MS = 20_000; // that a link should still be good for

/** @param {string} kind */
export const iconOf = (kind) => (kind === 'image' ? 'image' : kind === 'video' ? 'film' : 'file');

/** @param {number} bytes */
export function sizeWords(bytes) {
  if (bytes < 1_000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  const [amount, unit] = bytes < 1_000_000 ? [bytes / 1_000, 'kB'] : [bytes / 1_000_000, 'MB'];
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}

/** What stands for a message without a text. @param {Message | Waiting} message */
export function attachedWords({ attachments = [] }) {
  if (!attachments.length) return '';
  if (attachments.length > 1) return `${attachments.length} files`;
  const [{ kind, name }] = attachments;
  return kind === 'image' ? 'Picture' : kind === 'video' ? 'Video' : name;
}

/** Shows and downloads the files of one person's conversations. */
export class Files {
  /** @type {Map<string, Promise<Link>>} attachment → its link */
  #links = new Map();

  /**
   * @param {import('./deskbell.js').Deskbell} desk @param {HTMLElement} root
   * @param {(error: unknown) => void} failed
   */
  constructor(desk, root, failed) {
    this.desk = desk;
    this.root = root;
    this.failed = failed;
  }

  /**
   * The files of a message, or null where it has none.
   * @param {Message | Waiting} message
   * @returns {HTMLElement | null}
   */
  of(message) {
    const { attachments = [] } = message;
    if (!attachments.length || ('deleted_at' in message && message.deleted_at)) return null;
    return h(
      'ul',
      { class: 'attachments', 'aria-label': 'Attachments' },
      attachments.map((each) => h('li', null, this.#element(message, each))),
    );
  }

  /**
   * The same for the menu of a message: there the keyboard reaches them.
   * @param {Message} message
   */
  entries(message) {
    return (message.attachments ?? [])
      .filter((each) => (each.state ?? 'ready') === 'ready')
      .map((each) =>
        each.thumbnail
          ? { icon: 'image', text: `Show ${each.name}`, run: () => void this.#show(message, each) }
          : {
              icon: 'download',
              text: `Download ${each.name}`,
              run: () => void this.#download(message, each),
            },
      );
  }

  /** @param {Message | Waiting} message @param {Attachment} attachment */
  #element(message, attachment) {
    const stored = 'seq' in message;
    const { state = 'ready', thumbnail } = attachment;
    return stored && state === 'ready' && thumbnail
      ? this.#picture(message, attachment)
      : this.#file(stored ? message : null, attachment);
  }

  /** @param {Message} message @param {Attachment} attachment */
  #picture(message, attachment) {
    const { name, width = 4, height = 3 } = attachment;
    const image = h('img', { alt: name, decoding: 'async' });
    const frame = h(
      'button',
      {
        type: 'button',
        class: 'picture',
        tabindex: '-1',
        'aria-label': `Picture ${name}. Show it`,
        onclick: () => void this.#show(message, attachment),
      },
      image,
    );
    const scale = Math.min(1, WIDEST / width, WIDEST / height);
    const [wide, high] = [width, height].map((side) => Math.max(LEAST, Math.round(side * scale)));
    frame.style.width = `${wide}px`;
    frame.style.aspectRatio = `${wide} / ${high}`; // of a strip only the middle is seen
    this.#link(message, attachment.id).then(
      ({ thumbnail_url }) => {
        image.src = thumbnail_url;
      },
      () => frame.replaceChildren(icon('image'), h('span', { text: name })),
    );
    return frame;
  }

  /** @param {Message | null} message null while it waits @param {Attachment} attachment */
  #file(message, attachment) {
    const { name, kind, bytes, state = 'ready' } = attachment;
    const mine = message?.author === this.desk.person;
    const told =
      state === 'refused'
        ? 'Removed: it is not safe'
        : state === 'pending-scan'
          ? 'Being checked'
          : '';
    const open = message && (state === 'ready' || (state === 'pending-scan' && mine));
    return h(
      'button',
      {
        type: 'button',
        class: `file ${state}`,
        tabindex: '-1',
        disabled: !open,
        'aria-label': open ? `Download ${name}` : name,
        onclick: () => message && void this.#download(message, attachment),
      },
      icon(iconOf(kind)),
      h(
        'span',
        { class: 'words' },
        h('strong', { dir: 'auto', text: name }),
        h('small', { text: [sizeWords(bytes), told].filter(Boolean).join(' · ') }),
      ),
      open ? icon('download') : null,
    );
  }

  /** @param {Message} message @param {string} id @returns {Promise<Link>} */
  async #link({ conversation, seq }, id) {
    const known = await this.#links.get(id)?.catch(() => undefined);
    if (known && known.expires_at - this.desk.serverTime > FRESH_MS) return known;
    const asked = this.desk.link(conversation, seq, id);
    this.#links.set(id, asked);
    return asked;
  }

  /** @param {Message} message @param {Attachment} attachment */
  async #show(message, attachment) {
    try {
      const { url } = await this.#link(message, attachment.id);
      const { element } = sheet(this.root, attachment.name, [
        h('img', { class: 'whole-picture', src: url, alt: attachment.name }),
        h(
          'a',
          { class: 'wide', href: url, download: attachment.name },
          icon('download'),
          'Download',
        ),
      ]);
      element.classList.add('looking-at');
    } catch (error) {
      this.failed(error);
    }
  }

  /** @param {Message} message @param {Attachment} attachment */
  async #download(message, attachment) {
    try {
      const { url } = await this.#link(message, attachment.id);
      h('a', { href: url, download: attachment.name }).click();
    } catch (error) {
      this.failed(error);
    }
  }
}
