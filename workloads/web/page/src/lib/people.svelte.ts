// What to call accounts: names that this browser remembers. They are the reader's own, and no secret.

import { me } from './me.svelte';
import { isAccount } from './nkey';

const slot = 'natster.people';

class People {
  names = $state<Record<string, string>>(read());

  nameOf(account: string): string {
    if (account === me.session?.account) return 'you';
    if (this.names[account]) return this.names[account];
    return account === me.session?.hub ? 'Natster’s hub' : account.slice(0, 8) + '…';
  }

  known(account: string): boolean {
    return account in this.names || account === me.session?.hub;
  }

  call(account: string, name: string): void {
    const next = { ...this.names };
    const clean = name.trim().slice(0, 64);
    if (clean) next[account] = clean;
    else delete next[account];
    this.names = next;
    try {
      localStorage.setItem(slot, JSON.stringify(next));
    } catch {
      // a browser that keeps nothing
    }
  }

  /** find is the account that a person means by a name or a key. */
  find(text: string): string {
    const t = text.trim();
    if (isAccount(t)) return t;
    return Object.keys(this.names).find((k) => this.names[k].toLowerCase() === t.toLowerCase()) ?? '';
  }
}

function read(): Record<string, string> {
  try {
    const all = JSON.parse(localStorage.getItem(slot) ?? '{}') as Record<string, unknown>;
    return Object.fromEntries(Object.entries(all).filter(([k, v]) => isAccount(k) && typeof v === 'string')) as Record<string, string>;
  } catch {
    return {};
  }
}

export const people = new People();
