import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse, plain, unmarked } from '../markup.js';

const FOLDER = new URL('../', import.meta.url);
const files = readdirSync(FOLDER).filter((name) => /\.(js|css|html|svg)$/.test(name));
const read = (name) => readFileSync(new URL(name, FOLDER), 'utf8');

test('the page keeps to its content security policy', () => {
  for (const name of files) {
    const text = read(name);
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function/,
      name,
    );
    if (!name.endsWith('.html')) continue;
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/i, name);
    for (const [, address] of text.matchAll(/(?:src|href)="([^"]+)"/g))
      assert.match(address, /^\/(?!\/)|^#/, name);
  }
});

test('nothing is fetched from elsewhere', () => {
  for (const name of files.filter((each) => !each.endsWith('.svg') && each !== 'deskbell.js')) {
    const addresses = [...read(name).matchAll(/["'(](https?:)?\/\/[\w][^"')\s]+/g)].map(
      ([found]) => found,
    );
    assert.deepEqual(
      addresses.filter((each) => !each.includes('www.w3.org')),
      [],
      name,
    );
  }
});

test('every file that is named exists, and modules stay small', () => {
  for (const name of files) {
    const text = read(name);
    const named = [...text.matchAll(/(?:from '\.\/|"\/page\/)([\w.-]+)['"]/g)].map(
      ([, file]) => file,
    );
    for (const file of named) assert.ok(files.includes(file), `${name} names ${file}`);
    if (name.endsWith('.js') && name !== 'deskbell.js')
      assert.ok(text.split('\n').length <= 400, name);
  }
});

const shape = (text) =>
  parse(text)
    .map((part) =>
      part.kind === 'text'
        ? part.text
        : `<${part.kind} ${part.href ?? ''}${JSON.stringify(part.parts)}>`,
    )
    .join('');
const kinds = (text) =>
  parse(text)
    .map((part) => part.kind)
    .join(' ');

test('markup: bold, italic and links, and nothing else', () => {
  assert.equal(kinds('a **b** c'), 'text strong text');
  assert.equal(kinds('*i*'), 'em');
  assert.equal(kinds('[w](https://example.org/a?b=c)'), 'link');
  assert.equal(kinds('[w](mailto:a@example.org)'), 'link');
  assert.equal(plain('a **b *c* d** [e](https://x.org)'), 'a b c d e');
  for (const literal of [
    '2 * 3 * 4',
    '**',
    '****',
    '** a **',
    '*a',
    'a*',
    '**a\nb**',
    '<b>x</b>',
    '`x`',
    '# x',
    '_x_',
    '~~x~~',
    '[w](javascript:alert(1))',
    '[w](data:text/html,x)',
    '[w](//x.org)',
    '[w]( https://x.org)',
    '[](https://x.org)',
    'https://x.org',
  ]) {
    assert.equal(shape(literal), literal);
    assert.ok(
      parse(literal).every((part) => part.kind === 'text'),
      literal,
    );
  }
});

test('markup: parsing and joining loses nothing', () => {
  const words = (parts) =>
    parts.map((part) => (part.kind === 'text' ? part.text : words(part.parts))).join('');
  const signs = ['*', '**', 'a', ' ', '\n', '[', ']', '(https://x.org)', 'ü', '🐕'];
  let state = 5;
  for (let round = 0; round < 3_000; round += 1) {
    let text = '';
    for (let n = 0; n < 12; n += 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      text += signs[(state >> 8) % signs.length];
    }
    const bare = (value) => value.replaceAll(/\*|\[|\]|\(https:\/\/x\.org\)/g, '');
    assert.equal(bare(words(parse(text))), bare(text), JSON.stringify(text));
  }
});

test('markup: 32 KiB of opening marks take no time', () => {
  for (const sign of ['**a ', '*a ', '[', '[a](', '**', '*a* ', '* a*', '**a *b ']) {
    const text = sign.repeat(32_768 / sign.length);
    const begin = process.cpuUsage().user;
    parse(text);
    assert.ok(process.cpuUsage().user - begin < 1_000_000, `${sign}: over a second`);
  }
});

test('what was found is shown without marks, wherever the hits are', () => {
  const shown = (text) =>
    unmarked(text.split(/(<[^>]*>)/).map((piece) => ({ text: piece.replace(/[<>]/g, ''), hit: piece.startsWith('<') })))
      .map(({ text: said, hit }) => (hit ? `<${said}>` : said))
      .join('');
  assert.equal(shown('**Bring** <Rex> here'), 'Bring <Rex> here');
  assert.equal(shown('See [our <rates>](https://shop.example/rates), Rex'), 'See our <rates>, Rex');
  assert.equal(shown('<See> [our rates](https://shop.example/rates)'), '<See> our rates');
  assert.equal(shown('[<rates>](https://a.example) and [<rates>](mailto:a@b.example)'), '<rates> and <rates>');
  assert.equal(shown('[our prices](https://shop.example/<rates>)'), '[our prices](https://shop.example/<rates>)');
  assert.equal(shown('[no](javascript:<rates>) [x] (y)'), '[no](javascript:<rates>) [x] (y)');
  assert.equal(shown('**<ä𝒳>** 🐶 [🐶](https://a.example)'), '<ä𝒳> 🐶 🐶');
});
