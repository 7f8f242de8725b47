/** What was unread when a conversation was opened: where the line above it stands. */

/** @typedef {import('./deskbell.js').Conversation} Conversation */

const MOST = 1_000; // messages that are loaded to find the line

export class Unread {
  /**
   * @param {number} after the last one that had been read
   * @param {number} upTo the newest one then
   */
  constructor(after, upTo) {
    this.after = after;
    this.upTo = upTo;
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
