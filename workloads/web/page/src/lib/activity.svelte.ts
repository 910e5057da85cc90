// What happens, as it happens: a list, and toasts that pass.

export interface Event {
  id: number;
  at: number;
  kind: 'online' | 'offline' | 'shared' | 'unshared' | 'saved' | 'problem' | 'done';
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

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((t) => t.id !== id);
  }
}

export const activity = new Activity();
