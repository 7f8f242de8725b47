/** Building the page from nodes: nothing here, or anywhere, parses a string as HTML. */

/**
 * An element. `on…` are listeners, `class` and `text` what they say, true and false set or leave
 * out an attribute, all else is an attribute. Children that are null or false are skipped.
 * @param {string} tag @param {Record<string, any> | null} [props] @param {any[]} children
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== false));
  return element;
}

/** @param {HTMLElement} element @param {string} name @param {any} value */
function set(element, name, value) {
  if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (name === 'class') element.className = value;
  else if (name === 'text') element.textContent = value;
  else if (value === true) element.setAttribute(name, '');
  else if (value !== false && value !== undefined && value !== null)
    element.setAttribute(name, String(value));
}

/**
 * Make `parent` hold exactly `wanted`, in this order, moving as few nodes as possible.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  const focused = /** @type {any} */ (document.activeElement);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
  // What is moved loses the focus.
  if (focused !== document.activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true });
}

/**
 * Run once, before the next paint, however often it is asked for.
 * @param {() => void} run
 * @returns {() => void}
 */
export function coalesced(run) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    const go = () => {
      asked = false;
      run();
    };
    if (document.hidden)
      setTimeout(go, 50); // no frames are painted: do it all the same
    else requestAnimationFrame(go);
  };
}

/**
 * Move the focus with the arrow keys, Home and End among elements that stand in a column.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} stops
 * @returns {boolean}
 */
export function moveFocus(event, stops) {
  const at = stops.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const target = {
    ArrowDown: Math.min(at + 1, stops.length - 1),
    ArrowUp: Math.max(at - 1, 0),
    Home: 0,
    End: stops.length - 1,
  }[event.key];
  if (target === undefined || !stops.length) return false;
  event.preventDefault();
  stops[target].focus();
  return true;
}

/** What is read out, and not seen. @param {string} text */
export function hidden(text) {
  return h('span', { class: 'hidden', text });
}
