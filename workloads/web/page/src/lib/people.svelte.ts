// What to call accounts: the names that the reader gave them, which this browser remembers, and what they call
// themselves.

import type { Link } from './link';
import { me } from './me.svelte';
import { isAccount } from './nkey';
import { subjects } from './subjects';

const slot = 'natster.people.'; // and the reader's account: names are one's own
const most = 50; // accounts in one question
const questions = 4; // at a time: who knows more people than that reads keys

class People {
  names = $state<Record<string, string>>({});
  private reader = '';
  private claims = $state<Record<string, string>>({});

  /** nameOf is what to call an account. Any account may claim any name: a claimed name stands beside the key. */
  nameOf(account: string): string {
    if (account === me.session?.account) return 'you';
    if (this.names[account]) return this.names[account];
    if (account === me.session?.hub) return 'Natster’s hub';
    const short = account.slice(0, 8) + '…';
    const claim = this.claimOf(account);
    return claim ? `“${claim}” (${short})` : short;
  }

  known(account: string): boolean {
    return account in this.names || account === me.session?.hub;
  }

  /** claimOf is what an account calls itself, unless the reader calls another account that. */
  claimOf(account: string): string {
    const claim = this.claims[account] ?? '';
    const taken = Object.entries(this.names).some(([k, n]) => k !== account && n.toLowerCase() === claim.toLowerCase());
    return taken ? '' : claim;
  }

  /** meet asks what accounts call themselves. Who does not answer to a name yet may later: he is asked again. */
  async meet(link: Link, accounts: string[]): Promise<void> {
    const reader = this.reader;
    const unknown = [...new Set(accounts)].filter((a) => a !== link.account && !this.claims[a]);
    const strangers = unknown.slice(0, most * questions);
    for (let i = 0; i < strangers.length; i += most) {
      try {
        const asked = { accounts: strangers.slice(i, i + most) };
        const some = await link.request<Record<string, string>>(subjects.names, asked);
        if (reader !== this.reader) return; // it was told to another account
        const clean = Object.entries(some).map(([k, n]) => [k, n.trim().slice(0, 64)] as const);
        this.claims = { ...this.claims, ...Object.fromEntries(clean.filter(([, n]) => n)) };
      } catch {
        // It is a courtesy: keys do. A web key that is older than this question may not ask it.
      }
    }
  }

  /** start takes the names that an account gave; what others call themselves was told to another one. */
  start(reader: string): void {
    this.reader = reader;
    this.names = read(reader);
    this.claims = {};
  }

  call(account: string, name: string): void {
    const next = { ...this.names };
    const clean = name.trim().slice(0, 64);
    if (clean) next[account] = clean;
    else delete next[account];
    this.names = next;
    try {
      localStorage.setItem(slot + this.reader, JSON.stringify(next));
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

function read(reader: string): Record<string, string> {
  try {
    const all = JSON.parse(localStorage.getItem(slot + reader) ?? '{}') as Record<string, string>;
    return Object.fromEntries(Object.entries(all).filter(([k, v]) => isAccount(k) && typeof v === 'string'));
  } catch {
    return {};
  }
}

export const people = new People();
