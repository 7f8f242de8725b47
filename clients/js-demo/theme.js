// Light or dark before the first paint: the reader's choice if there is one, else the system's.
// Every element with [data-theme-toggle] changes it; a classic script, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const stored = () => {
    try {
      return localStorage.getItem('deskbell.theme');
    } catch {
      return null; // storage is forbidden here: follow the system
    }
  };
  const show = () => {
    const choice = stored();
    if (choice) root.dataset.theme = choice;
    else delete root.dataset.theme;
  };
  const toggle = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    try {
      localStorage.setItem('deskbell.theme', root.dataset.theme);
    } catch {
      // shown until the page is left
    }
  };
  document.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('[data-theme-toggle]')) toggle();
  });
  show();
})();
