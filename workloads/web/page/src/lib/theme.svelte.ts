// Light or dark: what the system says, until the reader says otherwise.

const slot = 'natster.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

class Theme {
  private chosen = $state<'light' | 'dark' | ''>(read());
  private systemDark = $state(system.matches);

  constructor() {
    system.addEventListener('change', (e) => (this.systemDark = e.matches));
    this.show();
  }

  get dark(): boolean {
    return this.chosen ? this.chosen === 'dark' : this.systemDark;
  }

  toggle(): void {
    this.chosen = this.dark ? 'light' : 'dark';
    try {
      localStorage.setItem(slot, this.chosen);
    } catch {
      // a browser that keeps nothing
    }
    this.show();
  }

  private show(): void {
    if (this.chosen) document.documentElement.dataset.theme = this.chosen;
    else delete document.documentElement.dataset.theme;
  }
}

function read(): 'light' | 'dark' | '' {
  try {
    const t = localStorage.getItem(slot);
    return t === 'light' || t === 'dark' ? t : '';
  } catch {
    return '';
  }
}

export const theme = new Theme();
