/** The icons, as strokes on a 24 by 24 grid. They are decoration: the button says what it does. */

const NS = 'http://www.w3.org/2000/svg';

/** @type {Record<string, string[]>} */
const PATHS = {
  back: ['M15 5l-7 7 7 7'],
  bell: ['M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15z', 'M10 20.5h4'],
  bold: ['M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z'],
  bolt: ['M13 3L5.5 13.5H11L10 21l8-11h-5.5z'],
  book: ['M5 5.5A2.5 2.5 0 0 1 7.5 3H19v15H7.5a2.5 2.5 0 0 0 0 5', 'M5 5.5V20.5', 'M19 18v3H7.5'],
  calendar: ['M4.5 6h15v14h-15z', 'M4.5 10.5h15', 'M8.5 3.5V7', 'M15.5 3.5V7'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  clip: [
    'M19.5 11.5l-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-7.9 7.9a1.5 1.5 0 0 1-2.2-2.2l7.2-7.2',
  ],
  clock: ['M12 7.5V12l3 2', 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  compose: [
    'M12 5H7a3 3 0 0 0-3 3v9a3 3 0 0 0 3 3h9a3 3 0 0 0 3-3v-5',
    'M10 14l.6-3L18.5 3.2l2.4 2.4L13 13.4z',
  ],
  copy: ['M9 9h10v11H9z', 'M15 9V4H5v11h4'],
  down: ['M6 9.5l6 6 6-6'],
  download: ['M12 4v11', 'M7 10.5l5 5 5-5', 'M5 20h14'],
  edit: ['M5 19l.8-4L16 4.8l3.2 3.2L9 18.2z'],
  expand: ['M14 4h6v6', 'M20 4l-7 7', 'M10 20H4v-6', 'M4 20l7-7'],
  file: ['M6 3.5h8l4.5 4.5v12.5H6z', 'M13.5 3.5V8.5h5'],
  film: ['M4 5h16v14H4z', 'M10 9l5 3-5 3z'],
  group: [
    'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z',
    'M2.8 19.5c.5-3.5 3-5 6.2-5s5.7 1.5 6.2 5',
    'M16 4.9a3.3 3.3 0 0 1 0 6.2',
    'M18 14.9c2 .7 3 2.3 3.3 4.6',
  ],
  history: ['M4 12a8 8 0 1 0 2.6-5.9', 'M4 4.5v4h4', 'M12 8v4.3l3 1.7'],
  image: ['M4 5h16v14H4z', 'M4.5 17l5-5.5 4 4 2.5-2.5 4 4', 'M15.5 9.5h.01'],
  info: ['M12 11v5', 'M12 8h.01', 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z'],
  key: [
    'M14.5 9.5m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0',
    'M11.2 12.8L4 20',
    'M6.5 17.5L9 20',
  ],
  leave: ['M14 4H6v16h8', 'M10 12h11', 'M17.5 8.5L21 12l-3.5 3.5'],
  mail: ['M3.5 6h17v12.5h-17z', 'M4 7l8 6.5L20 7'],
  more: ['M6 12h.01', 'M12 12h.01', 'M18 12h.01'],
  moon: ['M19 14.5A8 8 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z'],
  note: ['M5 4.5h14v9.5l-5.5 5.5H5z', 'M13.5 19.5V14H19', 'M8.5 9h7', 'M8.5 12.5h3'],
  person: [
    'M12 11.5a3.7 3.7 0 1 0 0-7.4 3.7 3.7 0 0 0 0 7.4z',
    'M4.8 20c.6-4 3.5-5.6 7.2-5.6s6.6 1.6 7.2 5.6',
  ],
  phone: [
    'M6.5 3.5h3l1.5 4.5-2 1.6a12 12 0 0 0 5.4 5.4l1.6-2 4.5 1.5v3c0 1.7-1.3 3-3 3A14.5 14.5 0 0 1 3.5 6.5c0-1.7 1.3-3 3-3z',
  ],
  place: [
    'M12 21c4.5-4.8 6.8-8.3 6.8-11.2a6.8 6.8 0 1 0-13.6 0C5.2 12.7 7.5 16.2 12 21z',
    'M12 12.2a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8z',
  ],
  plug: ['M9 3v5', 'M15 3v5', 'M6.5 8h11v3a5.5 5.5 0 0 1-11 0z', 'M12 16.5V21'],
  plus: ['M12 5v14', 'M5 12h14'],
  reply: ['M10 6l-6 6 6 6', 'M4 12h9c4 0 6.5 2 7 6'],
  search: ['M10.5 4.5a6 6 0 1 1 0 12 6 6 0 0 1 0-12z', 'M15 15l5 5'],
  send: ['M4.5 12L3.5 4.5 21 12 3.5 19.5z', 'M4.5 12H12'],
  settings: [
    'M4 7h9',
    'M17 7h3',
    'M4 17h3',
    'M11 17h9',
    'M15 4.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4z',
    'M9 14.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4z',
  ],
  swap: ['M4 8.5h15', 'M15.5 5L19 8.5 15.5 12', 'M20 15.5H5', 'M8.5 12L5 15.5 8.5 19'],
  theme: ['M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z', 'M12 4v16a8 8 0 0 0 0-16z'],
  trash: ['M5 7h14', 'M9.5 7V4.5h5V7', 'M7 7l.8 12.5h8.4L17 7'],
  tray: ['M4 13l2.6-7.5h10.8L20 13v5.5H4z', 'M4 13h5c0 1.7 1.2 3 3 3s3-1.3 3-3h5'],
  up: ['M6 14.5l6-6 6 6'],
  warning: ['M12 4L2.8 19.5h18.4z', 'M12 10v4.5', 'M12 17h.01'],
};

/** @param {string} name @param {string} [className] @returns {SVGElement} */
export function icon(name, className = 'icon') {
  return drawing(PATHS[name], '0 0 24 24', `${className} icon-${name}`);
}

const TICK = 'M1.2 6.5l3.2 3.2 6.4-6.7';
const SECOND = 'M8.3 9.3l.5.4 6.7-6.7';

/** One tick, or two. @param {string} state @returns {SVGElement} */
export function tickIcon(state) {
  if (state === 'waiting') return icon('clock', 'icon tick');
  if (state === 'failed') return icon('warning', 'icon tick');
  return drawing([TICK, SECOND], '0 0 17 12', 'tick');
}

/** @param {string[]} paths @param {string} box @param {string} className */
function drawing(paths, box, className) {
  const svg = document.createElementNS(NS, 'svg');
  for (const [name, value] of [
    ['viewBox', box],
    ['class', className],
    ['aria-hidden', 'true'],
  ]) {
    svg.setAttribute(name, value);
  }
  for (const line of paths) {
    const path = document.createElementNS(NS, 'path');
    path.setAttribute('d', line);
    svg.append(path);
  }
  return svg;
}
