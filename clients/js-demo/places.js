/** The locations of the business, and at which of them the person works. */

/** @typedef {{id: string, name: string, status: string, merged_into?: string}} Place */

export class Places {
  /** @type {Place[]} */
  all = [];
  /** @type {string[]} */
  #mine = [];

  /**
   * @param {import('./deskbell.js').Deskbell} desk
   * @param {() => void} changed
   */
  constructor(desk, changed) {
    this.desk = desk;
    desk.on('ready', () => {
      if (desk.role === 'customer') return;
      this.#load().then(changed, () => {}); // else it is asked again with the next connection
    });
  }

  async #load() {
    const [all, me] = await Promise.all([this.#pages(), this.desk.request('GET', '/v1/me')]);
    this.all = all;
    this.#mine = me.locations;
  }

  async #pages() {
    const all = [];
    let after = '';
    do {
      const query = new URLSearchParams({ limit: '100', ...(after ? { after } : {}) });
      const page = await this.desk.request('GET', `/v1/locations?${query}`);
      all.push(...page.locations);
      after = page.next ?? '';
    } while (after);
    return all;
  }

  /** Those that take part, by name. */
  get open() {
    return this.all
      .filter(({ status }) => status === 'open')
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Those whose queue the person may see. */
  get mine() {
    if (this.desk.role === 'owner') return this.open;
    return this.open.filter(({ id }) => this.#mine.includes(id));
  }

  /** @param {string} id */
  name(id) {
    return this.all.find((each) => each.id === id)?.name ?? id;
  }

  /** @param {string[]} ids */
  names(ids) {
    return ids.map((id) => this.name(id)).join(', ');
  }
}
