/** What was begun and not sent: kept with the tab, over a reload of the page, and gone with the tab. */

export class Drafts {
  #of = '';
  /** @type {Map<string, string>} conversation → text */
  #texts = new Map();

  /** @param {import('./deskbell.js').Deskbell} desk @param {string} kind */
  constructor(desk, kind) {
    this.desk = desk;
    this.kind = kind;
  }

  /** @param {string} conversation */
  get(conversation) {
    return this.#mine().get(conversation) ?? '';
  }

  /** @param {string} conversation @param {string} text */
  set(conversation, text) {
    this.#mine().set(conversation, text);
  }

  /** Write them down. Whoever was forgotten on this device leaves none. */
  keep() {
    const begun = [...this.#mine()].filter(([, text]) => text.trim());
    if (this.#of) store(this.#of, begun.length ? JSON.stringify(begun) : '');
  }

  /** Those of whoever is here now. */
  #mine() {
    const { person, model } = this.desk;
    const of = person && `deskbell:${this.kind}:${model.business}:${person}`;
    if (of === this.#of) return this.#texts;
    if (!of) store(this.#of, '');
    this.#of = of;
    this.#texts = new Map(of ? JSON.parse(stored(of) ?? '[]') : []);
    return this.#texts;
  }
}

/** @param {string} key */
function stored(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null; // storage is forbidden: they last as long as the page
  }
}

/** @param {string} key @param {string} text '' removes it */
function store(key, text) {
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // as above, or there is no room
  }
}
