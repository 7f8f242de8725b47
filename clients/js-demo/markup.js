/**
 * The markup of docs/protocol.md, section 3.2, as DOM nodes: **bold**, *italic* and links.
 * Everything else is text. A mark is closed on its own line, and parsing takes linear time.
 */

import { h } from './dom.js';

const SCHEME = /^(https?:\/\/[^\s/]|mailto:[^\s])/i;
const LINK = /\[([^[\]\n]{1,1000})\]\(([^\s()]{1,2000})\)/g;
const DEEPEST = 3;

/**
 * @typedef {{kind: 'text', text: string}
 *   | {kind: 'strong' | 'em', parts: Part[]}
 *   | {kind: 'link', href: string, parts: Part[]}} Part
 * @typedef {{part: Part, end: number}} Found
 */

/** @param {string} text @param {number} [depth] @returns {Part[]} */
export function parse(text, depth = 0) {
  /** @type {Part[]} */
  const parts = [];
  const unclosed = { '*': 0, '**': 0 }; // up to where a sign is known to have no closing one
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if ((text[at] !== '*' && text[at] !== '[') || depth >= DEEPEST) continue;
    const found = text[at] === '[' ? link(text, at, depth) : emphasis(text, at, depth, unclosed);
    if (!found) continue;
    if (at > from) parts.push({ kind: 'text', text: text.slice(from, at) });
    parts.push(found.part);
    from = found.end;
    at = found.end - 1;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} depth
 * @param {{'*': number, '**': number}} unclosed
 * @returns {Found | null}
 */
function emphasis(text, at, depth, unclosed) {
  const sign = text[at + 1] === '*' ? '**' : '*';
  const start = at + sign.length;
  if (at < unclosed[sign] || start >= text.length || /[\s*]/.test(text[start])) return null;
  const newline = text.indexOf('\n', start);
  const line = newline < 0 ? text.length : newline;
  let end = text.indexOf(sign, start);
  while (end > 0 && end < line) {
    const alone = sign === '**' || (text[end + 1] !== '*' && text[end - 1] !== '*');
    if (alone && !/\s/.test(text[end - 1])) {
      const kind = sign === '**' ? 'strong' : 'em';
      const part = /** @type {Part} */ ({ kind, parts: parse(text.slice(start, end), depth + 1) });
      return { part, end: end + sign.length };
    }
    end = text.indexOf(sign, end + 1);
  }
  unclosed[sign] = line;
  return null;
}

/** @param {string} text @param {number} at @param {number} depth @returns {Found | null} */
function link(text, at, depth) {
  const found = new RegExp(LINK, 'y');
  found.lastIndex = at;
  const [whole, words, href] = found.exec(text) ?? [];
  if (!whole || !SCHEME.test(href)) return null;
  return { part: { kind: 'link', href, parts: parse(words, depth + 1) }, end: at + whole.length };
}

/** @param {string} text @returns {(Node | string)[]} */
export function rendered(text) {
  return parse(text).map(node);
}

/** @param {Part} part @returns {Node | string} */
function node(part) {
  if (part.kind === 'text') return part.text;
  const children = part.parts.map(node);
  if (part.kind !== 'link') return h(part.kind, null, children);
  const { href } = part;
  const rel = 'noopener noreferrer nofollow';
  return h('a', { href, title: href, target: '_blank', rel }, children);
}

/**
 * The text without its marks, on one line: for a preview.
 * @param {string} text
 * @param {number} [length]
 */
export function plain(text, length = 160) {
  const line = words(parse(text.slice(0, length * 4)))
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

/**
 * Pieces of a text without the marks of bold and of links; an address stays in which there is a hit.
 * @template {{text: string, hit?: boolean}} Piece
 * @param {Piece[]} pieces @returns {Piece[]}
 */
export function unmarked(pieces) {
  const whole = pieces.map(({ text }) => text).join('');
  const hits = pieces.flatMap(({ text, hit }) => Array(text.length).fill(hit));
  const gone = new Set();
  const drop = (/** @type {number} */ from, /** @type {number} */ to) => {
    for (let at = from; at < to; at += 1) gone.add(at);
  };
  for (const { 0: sign, index } of whole.matchAll(/\*\*/g)) drop(index, index + sign.length);
  for (const { 0: all, 1: label, 2: href, index } of whole.matchAll(LINK)) {
    const behind = index + 1 + label.length;
    const end = index + all.length;
    if (!SCHEME.test(href) || hits.slice(behind, end).includes(true)) continue;
    drop(index, index + 1);
    drop(behind, end);
  }
  let at = 0;
  return pieces
    .map((piece) => {
      const kept = [...Array(piece.text.length).keys()].filter((n) => !gone.has(at + n));
      const text = kept.map((n) => piece.text[n]).join('');
      at += piece.text.length;
      return { ...piece, text };
    })
    .filter(({ text }) => text);
}

/** @param {Part[]} parts @returns {string} */
function words(parts) {
  return parts.map((part) => (part.kind === 'text' ? part.text : words(part.parts))).join('');
}

/**
 * What the protocol takes as text: no control characters but line feed and tab, nothing around it.
 * @param {string} text
 */
export function clean(text) {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{Cc}\p{Cs}]/gu, (each) => ('\n\t'.includes(each) ? each : ''))
    .trim();
}
