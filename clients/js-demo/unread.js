/** What was unread when a conversation was opened: where the line above it stands. */

/** @typedef {import('./deskbell.js').Conversation} Conversation */

const MOST = 1_000; // messages that are loaded to find the line

export class Unread {
  /**
   * @param {number} after the last one that had been read
   * @param {number} upTo the newest one then
   * @param {Set<string>} waiting what waited to be sent then
   */
  constructor(after, upTo, waiting) {
    this.after = after;
    this.upTo = upTo;
    this.waiting = waiting;
  }

  /**
   * @param {Conversation | undefined} conversation
   * @param {import('./deskbell.js').Deskbell} desk
   * @returns {Unread | null} null if nothing is
   */
  static of(conversation, desk) {
    const mine = conversation && desk.model.me(conversation);
    if (!conversation?.unread || !mine) return null;
    const waiting = desk.outbox(conversation.id).map((entry) => entry.client_message_id);
    return new Unread(desk.model.readUpTo(conversation), conversation.last_seq, new Set(waiting));
  }

  /**
   * Whether a conversation is opened at its end all the same: who had the last word, on another
   * device, has seen what was before it.
   * @param {Conversation} conversation @param {string} me
   */
  static seen({ messages }, me) {
    return messages.at(-1)?.author === me;
  }

  /**
   * @param {import('./deskbell.js').Waiting[]} outbox
   * @returns {boolean} whether something has been said since: who answers has seen what was unread
   */
  answered(outbox) {
    return outbox.some((entry) => !this.waiting.has(entry.client_message_id));
  }

  /**
   * @param {Conversation} conversation
   * @returns {boolean} whether some of it has not been loaded yet
   */
  reachesBack({ messages, more }) {
    return more && (messages[0]?.seq ?? 0) > this.after + 1;
  }

  /**
   * @param {Conversation} conversation
   * @returns {boolean} whether to go on loading until the line is here
   */
  wantsMore(conversation) {
    return this.reachesBack(conversation) && conversation.messages.length < MOST;
  }

  /**
   * The first message of somebody else that was unread, or 0: one's own, sent from another device,
   * are not new to oneself, and what was before the messages held is not known.
   * @param {Conversation} conversation
   * @param {string} me
   */
  first(conversation, me) {
    if (this.reachesBack(conversation)) return 0;
    const first = conversation.messages.find(
      ({ seq, author, kind, deleted_at }) =>
        seq > this.after &&
        seq <= this.upTo &&
        author !== me &&
        kind === 'text' &&
        !deleted_at,
    );
    return first?.seq ?? 0;
  }
}
