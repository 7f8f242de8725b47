/** Reading JSON Schema as OpenAPI uses it: what a field is, in words, and an example of it. */

/** @typedef {Record<string, any>} Schema */

/**
 * @typedef {object} Field
 * @property {string} name  with its path
 * @property {string} type
 * @property {boolean} required
 * @property {string} limits
 * @property {string} description
 */

const DEEPEST = 6;

/** Follow a `$ref` within the document. @param {any} document @param {any} value @returns {any} */
export function resolved(document, value) {
  let found = value;
  for (let step = 0; found?.$ref && step < 20; step += 1) {
    const path = String(found.$ref).replace(/^#\//, '').split('/');
    const unescape = (/** @type {string} */ part) =>
      part.replaceAll('~1', '/').replaceAll('~0', '~');
    found = path.reduce((at, part) => at?.[unescape(part)], document);
  }
  return found ?? {};
}

/**
 * What a value is, in a few words.
 * @param {any} document
 * @param {Schema} schema
 * @returns {string}
 */
export function typeOf(document, schema) {
  const found = resolved(document, schema);
  const choices = found.anyOf ?? found.oneOf;
  if (choices)
    return [...new Set(choices.map((/** @type {Schema} */ each) => typeOf(document, each)))].join(
      ' or ',
    );
  if (found.allOf?.length === 1) return typeOf(document, found.allOf[0]);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum)
    return found.enum.map((/** @type {any} */ each) => JSON.stringify(each)).join(' | ');
  const types = [found.type ?? (found.properties ? 'object' : 'any')].flat();
  return types
    .map((type) =>
      type === 'array'
        ? `[${typeOf(document, found.items ?? {})}]`
        : type === 'object'
          ? (found.title ?? 'object')
          : type,
    )
    .join(' or ');
}

/**
 * The limits of a value, in words.
 * @param {any} document
 * @param {Schema} schema
 * @returns {string}
 */
export function limitsOf(document, schema) {
  const found = resolved(document, schema);
  const one = found.anyOf
    ?.map((/** @type {Schema} */ each) => resolved(document, each))
    .find((/** @type {Schema} */ each) => each.type !== 'null');
  const at = { ...one, ...found };
  /** @param {any} least @param {any} most @param {string} what */
  const range = (least, most, what) => {
    if (least === undefined && most === undefined) return '';
    if (least === undefined) return `at most ${most}${what}`;
    return most === undefined ? `at least ${least}${what}` : `${least} to ${most}${what}`;
  };
  const words = [
    range(at.minimum, at.maximum, ''),
    range(at.minLength, at.maxLength, ' characters'),
    range(at.minItems, at.maxItems, ' items'),
    at.pattern ? `matches ${at.pattern}` : '',
    at.format ?? '',
    at.default !== undefined && at.default !== null ? `default ${JSON.stringify(at.default)}` : '',
  ];
  return words.filter(Boolean).join(', ');
}

/**
 * The fields of an object, nested ones with their path.
 * @param {any} document @param {Schema} schema @param {string} [path] @param {number} [depth]
 * @returns {Field[]}
 */
export function fieldsOf(document, schema, path = '', depth = 0) {
  const found = merged(document, schema);
  if (depth > DEEPEST) return [];
  if (found.type === 'array' || found.items)
    return fieldsOf(document, found.items ?? {}, `${path}[].`, depth + 1);
  return Object.entries(found.properties ?? {}).flatMap(([name, field]) => {
    const inner = merged(document, field);
    const nested =
      inner.properties || inner.items
        ? fieldsOf(document, field, `${path}${name}${inner.items ? '' : '.'}`, depth + 1)
        : [];
    const row = {
      name: path + name,
      type: typeOf(document, field),
      required: (found.required ?? []).includes(name),
      limits: limitsOf(document, field),
      description: field.description ?? inner.description ?? '',
    };
    return [row, ...nested];
  });
}

/**
 * One schema of what `allOf` and an optional `anyOf` say together.
 * @param {any} document
 * @param {Schema} schema
 * @returns {Schema}
 */
function merged(document, schema) {
  const found = resolved(document, schema);
  const parts = [...(found.allOf ?? []), ...(found.anyOf ?? found.oneOf ?? [])]
    .map((part) => resolved(document, part))
    .filter((part) => part.type !== 'null');
  if (!parts.length) return found;
  const properties = Object.assign({}, ...parts.map((part) => part.properties), found.properties);
  const items = found.items ?? parts.find((part) => part.items)?.items;
  const required = parts.length === 1 ? parts[0].required : found.required;
  return {
    ...found,
    ...(Object.keys(properties).length ? { properties } : {}),
    ...(items ? { items } : {}),
    required,
  };
}

/**
 * An example: the one given, or one that fits.
 * @param {any} document
 * @param {Schema} schema
 * @param {string} [name]
 * @param {number} [depth]
 * @returns {any}
 */
export function exampleOf(document, schema, name = '', depth = 0) {
  const found = merged(document, schema);
  const given =
    found.example ?? found.examples?.[0] ?? found.const ?? found.enum?.[0] ?? found.default;
  if (given !== undefined && given !== null) return given;
  if (depth > DEEPEST) return null;
  if (found.properties) {
    return Object.fromEntries(
      Object.entries(found.properties).map(([key, field]) => [
        key,
        exampleOf(document, field, key, depth + 1),
      ]),
    );
  }
  if (found.items) return [exampleOf(document, found.items, name, depth + 1)];
  const inner = found.anyOf ?? found.oneOf;
  if (inner) return exampleOf(document, inner[0], name, depth + 1);
  const type = [found.type].flat().find((each) => each !== 'null');
  if (type === 'integer' || type === 'number')
    return /(_at|time)$/.test(name) ? 1_793_000_000_000 : (found.minimum ?? 1);
  if (type === 'boolean') return true;
  return type === 'string'
    ? ({
        text: 'Is Rex ready?',
        name: 'Carla Vega',
        id: 'carla',
        person: 'carla',
        conversation: 'c1',
      }[name] ?? '…')
    : null;
}
