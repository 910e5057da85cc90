// Who is signed in, and the page's connection.

import { ask, forget, Problem, renew } from './identity';
import { Link, type State } from './link';
import { channelName, type ToWorker } from './messages';

export interface Session {
  signed_in: boolean;
  development?: boolean;
  name?: string;
  login?: string;
  expires?: number;
  linked: boolean;
  account?: string;
  account_name?: string;
  hub?: string; // the account that everybody is given a catalog of
}

class Me {
  session = $state<Session | null>(null);
  problem = $state('');
  state = $state<State>('connecting');
  /** ended says why a session that was there is no more. */
  ended = $state('');
  link: Link | undefined;
  private readonly channel = new BroadcastChannel(channelName);
  private readonly onUp: ((l: Link) => void)[] = [];

  constructor() {
    this.channel.onmessage = (e) => {
      if ((e.data as ToWorker).type === 'reset') void this.recheck();
    };
  }

  /** recheck looks whether another tab signed out, or in with another account. */
  private async recheck(): Promise<void> {
    const now = await ask<Session>('/api/session').catch(() => null);
    if (!now || !this.session?.linked) return;
    renew();
    if (!now.signed_in) {
      this.link?.close();
      this.link = undefined;
      this.ended = 'You signed out in another tab.';
      this.session = now;
    } else if (now.linked && now.account !== this.session.account) {
      this.session = now;
      this.connect();
    }
  }

  /** whenUp calls f with every new connection. */
  whenUp(f: (l: Link) => void): void {
    this.onUp.push(f);
    if (this.link) f(this.link);
  }

  tellWorker(m: ToWorker): void {
    this.channel.postMessage(m);
  }

  async load(): Promise<void> {
    this.problem = '';
    try {
      this.session = await ask<Session>('/api/session');
    } catch (e) {
      this.problem = (e as Error).message;
      return;
    }
    if (this.session.linked) this.connect();
  }

  private connect(): void {
    this.link?.close();
    const l = new Link('natster web page');
    this.link = l;
    this.state = 'connecting';
    let up = false;
    l.onState((s) => {
      if (this.link !== l) return;
      this.state = s;
      up ||= s === 'up';
      if (s === 'revoked') {
        const why = 'The owner of this account ended its web sessions. To go on, link it again with a new code.';
        if (up) void this.end(why, true);
        else this.unlinked(why); // a new login, and nothing that it could end
      }
      if (s === 'signed_out') void this.end('Your login ended. Sign in again to go on.', false);
      if (s === 'unlinked') this.unlinked('');
    });
    for (const f of this.onUp) f(l);
  }

  private unlinked(why: string): void {
    this.ended = why;
    this.tellWorker({ type: 'reset' });
    if (this.session) this.session = { ...this.session, linked: false };
  }

  private async end(why: string, logout: boolean): Promise<void> {
    this.ended = why;
    this.tellWorker({ type: 'reset' });
    if (logout) await ask('/api/logout', {}).catch(() => {});
    this.session = { signed_in: false, linked: false, development: this.session?.development };
  }

  /** claim binds the account that made the code to this login. */
  async claim(code: string): Promise<void> {
    this.session = await ask<Session>('/api/claim', { code });
    this.ended = '';
    this.tellWorker({ type: 'reset' });
    this.connect();
  }

  /** logout ends the session of this browser and makes its key a new one. */
  async logout(): Promise<void> {
    this.link?.close();
    this.link = undefined;
    this.tellWorker({ type: 'reset' });
    try {
      await ask('/api/logout', {});
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
    }
    await forget();
    this.ended = 'You signed out.';
    this.session = { signed_in: false, linked: false, development: this.session?.development };
  }
}

export const me = new Me();
