// What happens, as it happens: a list, and toasts that pass.

/** icons are what may happen, and how it looks: shares received and given, and the end of either. */
export const icons = {
  online: 'library', offline: 'library', received: 'inbox', withdrawn: 'inbox', given: 'share', taken: 'share',
  saved: 'check', done: 'check', problem: 'warn'
};

export interface Event {
  id: number;
  at: number;
  kind: keyof typeof icons;
  text: string;
  href?: string;
}

const kept = 200;
const shown = 6000;

class Activity {
  events = $state<Event[]>([]);
  toasts = $state<Event[]>([]);
  unread = $state(0);
  private ids = 0;

  say(kind: Event['kind'], text: string, href?: string): void {
    const e = { id: ++this.ids, at: Date.now(), kind, text, href };
    this.events = [e, ...this.events].slice(0, kept);
    this.unread++;
    this.toasts = [...this.toasts.slice(-2), e];
    setTimeout(() => this.dismiss(e.id), kind === 'problem' ? shown * 2 : shown);
  }

  /** clear forgets everything, for another account. */
  clear(): void {
    this.events = this.toasts = [];
    this.unread = 0;
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((t) => t.id !== id);
  }
}

export const activity = new Activity();
