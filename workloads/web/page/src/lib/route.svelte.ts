// Where the page is: the path of the address bar, and nothing else.

class Route {
  path = $state(location.pathname);
  private readonly scrolled = new Map<string, number>();

  constructor() {
    addEventListener('popstate', () => {
      this.path = location.pathname;
    });
  }

  go(to: string, replace = false): void {
    if (to === location.pathname) return;
    this.scrolled.set(location.pathname, scrollY);
    history[replace ? 'replaceState' : 'pushState'](null, '', to);
    this.path = location.pathname;
  }

  /** link makes an anchor's click stay in the page; other clicks are the browser's. */
  link = (e: MouseEvent): void => {
    const a = (e.target as Element).closest('a');
    if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (a.origin !== location.origin || a.target || a.pathname.startsWith('/media/') || a.pathname === '/login') return;
    e.preventDefault();
    this.go(a.pathname);
  };

  get parts(): string[] {
    return this.path.split('/').filter(Boolean).map(decode);
  }

  /** at is the path inside a catalog: a folder's ends in a slash, and the catalog itself is empty. */
  get at(): { catalog: string; path: string } | null {
    const [c, catalog, ...rest] = this.parts;
    if (c !== 'c' || !catalog) return null;
    const path = rest.join('/');
    return { catalog, path: path && this.path.endsWith('/') ? path + '/' : path };
  }
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}

export const route = new Route();

export function hrefOf(catalog: string, path = ''): string {
  return '/c/' + catalog + '/' + path.split('/').map(encodeURIComponent).join('/');
}
