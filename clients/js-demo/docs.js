/** The reader of the HTTP API: every route, field and example of /v1/openapi.json. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { exampleOf, fieldsOf, resolved, typeOf, limitsOf } from './schema.js';

/**
 * `told`: it is not asked of the server, but what the server tells somebody else's.
 * @typedef {{method: string, path: string, id: string, about: any, group: string, told: boolean}} Route
 */

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const root = /** @type {HTMLElement} */ (document.getElementById('docs'));

/** @param {any} api @returns {Route[]} */
function routesOf(api) {
  return [...listed(api.paths, false), ...listed(api.webhooks, true)];
}

/** @param {Record<string, any> | undefined} paths @param {boolean} told @returns {Route[]} */
function listed(paths, told) {
  return Object.entries(paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      method,
      path,
      id: `${method}-${path.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '')}`,
      about: {
        ...item[method],
        parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])],
      },
      group:
        item[method].tags?.[0] ??
        path.split('/').find((part) => part && !/^v\d+$/.test(part)) ??
        '',
      told,
    })),
  );
}

/**
 * Words with `code` in them, once or twice backquoted.
 * @param {string} text
 */
function words(text) {
  return text.split(/(``[^`]+``|`[^`]+`)/).map((part) => {
    const code = /^`{1,2}([^`]+)`{1,2}$/.exec(part);
    return code ? h('code', { text: code[1] }) : part;
  });
}

/** @param {string} text */
function prose(text) {
  const paragraphs = text.split(/\n{2,}/).filter((each) => each.trim());
  return paragraphs.map((paragraph) => h('p', null, words(paragraph)));
}

/** @param {any} value */
function json(value) {
  const text = JSON.stringify(value, null, 2);
  const parts = text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?)/g);
  return h(
    'pre',
    { tabindex: '0' },
    h(
      'code',
      null,
      parts.map((part, index) => {
        if (index % 2 === 0) return part;
        const kind = part.endsWith(':') ? 'key' : part.startsWith('"') ? 'string' : 'value';
        return h('span', { class: kind, text: part });
      }),
    ),
  );
}

/**
 * @param {string} title
 * @param {import('./schema.js').Field[]} fields
 */
function table(title, fields) {
  if (!fields.length) return null;
  return h(
    'section',
    { class: 'fields' },
    title ? h('h4', { text: title }) : null,
    h(
      'dl',
      null,
      fields.map((field) =>
        h(
          'div',
          null,
          h(
            'dt',
            null,
            h('code', { text: field.name }),
            field.required ? null : h('small', { text: 'optional' }),
          ),
          h(
            'dd',
            null,
            h('span', { class: 'type', text: field.type }),
            field.limits ? h('span', { class: 'limits', text: field.limits }) : null,
            prose(field.description),
          ),
        ),
      ),
    ),
  );
}

/**
 * What a request or an answer carries.
 * @param {any} api
 * @param {any} content
 * @returns {{schema: any, example: any} | null}
 */
function bodyOf(api, content) {
  const found = resolved(api, content ?? {}).content ?? {};
  const json = found['application/json'] ?? found['application/problem+json'];
  if (!json?.schema) return null;
  const [named] = Object.values(/** @type {Record<string, any>} */ (json.examples ?? {}));
  const example = json.example ?? named?.value ?? exampleOf(api, json.schema);
  return { schema: json.schema, example };
}

/** @param {any} api @param {Route} route */
function parameters(api, { about }) {
  const named = about.parameters.map((/** @type {any} */ each) => resolved(api, each));
  return ['path', 'query', 'header'].map((place) =>
    table(
      `${place.charAt(0).toUpperCase()}${place.slice(1)} parameters`,
      named
        .filter((/** @type {any} */ each) => each.in === place)
        .map((/** @type {any} */ each) => ({
          name: each.name,
          type: typeOf(api, each.schema ?? {}),
          required: Boolean(each.required),
          limits: limitsOf(api, each.schema ?? {}),
          description: each.description ?? each.schema?.description ?? '',
        })),
    ),
  );
}

/** @param {any} api @param {Route} route */
function request(api, route) {
  const body = bodyOf(api, route.about.requestBody);
  if (!body) return [];
  return [table('Request', fieldsOf(api, body.schema)), json(body.example)];
}

/** Good answers in full; of the others, which are alike, an example. @param {any} api @param {Route} route */
function answers(api, { about }) {
  return Object.entries(about.responses ?? {}).map(([status, given]) => {
    const answer = resolved(api, given);
    const body = bodyOf(api, given);
    const good = status.startsWith('2');
    const fields = body && good ? table('', fieldsOf(api, body.schema)) : null;
    return h(
      'details',
      { class: `answer ${good ? 'good' : 'bad'}`, open: good && body !== null },
      h('summary', null, h('strong', { text: status }), ' ', words(answer.description ?? '')),
      fields,
      body ? json(body.example) : null,
    );
  });
}

/** @param {any} api @param {Route} route */
function curl(api, { method, path, about }) {
  const body = bodyOf(api, about.requestBody);
  const verb = method === 'get' ? '' : ` -X ${method.toUpperCase()}`;
  const lines = [`curl${verb} '${location.origin}${path}'`];
  const open = (about.security ?? api.security)?.length === 0;
  if (!open) lines.push("-H 'Authorization: Bearer <token>'");
  if (body)
    lines.push(
      "-H 'Content-Type: application/json'",
      `-d '${JSON.stringify(body.example).replaceAll("'", "'\\''")}'`,
    );
  return h('pre', { class: 'curl', tabindex: '0' }, h('code', { text: lines.join(' \\\n  ') }));
}

/** @param {Route} route */
function address({ method, path }) {
  return [
    h('span', { class: `method ${method}`, text: method.toUpperCase() }),
    h(
      'code',
      { class: 'path' },
      path
        .split(/(\{[^}]+\})/)
        .map((part) => (part.startsWith('{') ? h('em', { text: part }) : part)),
    ),
  ];
}

/** @param {any} api @param {Route} route */
function section(api, route) {
  const { summary = '', description = '' } = route.about;
  return h(
    'article',
    { class: 'route', id: route.id },
    h('h3', null, h('a', { href: `#${route.id}` }, address(route))),
    summary ? h('p', { class: 'summary', text: summary }) : null,
    prose(description),
    parameters(api, route).filter((each) => each !== null),
    request(api, route).filter((each) => each !== null),
    route.told ? null : h('h4', { text: 'Try it' }),
    route.told ? null : curl(api, route),
    h('h4', { text: route.told ? 'What your server answers' : 'Answers' }),
    answers(api, route),
  );
}

/** @param {any} api */
function show(api) {
  const routes = routesOf(api);
  const order = (api.tags ?? []).map((/** @type {{name: string}} */ tag) => tag.name);
  const groups = [...new Set([...order, ...routes.map((route) => route.group)])].filter((group) =>
    routes.some((route) => route.group === group),
  );
  const search = h('input', {
    type: 'search',
    placeholder: 'Search routes',
    'aria-label': 'Search routes',
    oninput: () => filter(),
  });
  const links = routes.map((route) =>
    h(
      'li',
      { 'data-route': route.id },
      h(
        'a',
        { href: `#${route.id}`, title: `${route.method.toUpperCase()} ${route.path}` },
        h('span', { class: `method ${route.method}`, text: route.method.toUpperCase() }),
        h('span', { text: route.about.summary || route.path }),
      ),
    ),
  );
  const nav = groups.map((group) =>
    h(
      'section',
      null,
      h('h2', { text: group }),
      h(
        'ul',
        null,
        links.filter((_, index) => routes[index].group === group),
      ),
    ),
  );
  const sections = routes.map((route) => section(api, route));
  const main = h(
    'main',
    null,
    h(
      'header',
      { class: 'about' },
      h('h1', { text: api.info?.title ?? 'Deskbell' }),
      h('p', { class: 'summary', text: `Version ${api.info?.version ?? ''}` }),
      prose(api.info?.description ?? ''),
      h(
        'p',
        null,
        'Everything here is also in ',
        h('a', { href: '/v1/openapi.json', text: '/v1/openapi.json' }),
        '.',
      ),
    ),
    groups.map((group) =>
      h(
        'section',
        { class: 'group' },
        h('h2', { text: group }),
        sections.filter((_, index) => routes[index].group === group),
      ),
    ),
  );

  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    for (const [index, route] of routes.entries()) {
      const words =
        `${route.method} ${route.path} ${route.about.summary ?? ''} ${route.group}`.toLowerCase();
      const found = words.includes(wanted);
      links[index].hidden = !found;
      sections[index].hidden = !found;
    }
    for (const each of root.querySelectorAll('nav section, .group')) {
      /** @type {HTMLElement} */ (each).hidden = ![...each.querySelectorAll('li, article')].some(
        (item) => !(/** @type {HTMLElement} */ (item).hidden),
      );
    }
  };
  root.replaceChildren(
    h(
      'header',
      { class: 'top-bar' },
      h(
        'a',
        { class: 'brand', href: '/' },
        h('span', { class: 'bell', 'aria-hidden': 'true' }),
        h('strong', { text: 'Deskbell' }),
      ),
      h('p', { class: 'tagline', text: 'HTTP API' }),
      h(
        'button',
        {
          type: 'button',
          class: 'round',
          'aria-label': 'Light or dark',
          'data-theme-toggle': true,
        },
        icon('theme'),
      ),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'nav',
        { 'aria-label': 'Routes' },
        h('label', { class: 'search' }, icon('search'), search),
        nav,
      ),
      main,
    ),
  );
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

async function start() {
  try {
    const reply = await fetch('/v1/openapi.json');
    if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
    show(await reply.json());
  } catch (error) {
    const why = /** @type {Error} */ (error).message;
    root.replaceChildren(
      h('p', {
        class: 'plain',
        role: 'alert',
        text: `The API's description could not be loaded (${why}). Reload the page to try again.`,
      }),
    );
  }
}

void start();
