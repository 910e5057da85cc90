// The catalogs of this account: its own, those it imports, and those it was offered; and which are online, live.

import { activity } from './activity.svelte';
import { list, type Contents } from './catalog';
import { Refusal, noResponders, type Link } from './link';
import { me } from './me.svelte';
import { people } from './people.svelte';
import { subjects } from './subjects';
import { transfers } from './transfers.svelte';

export interface Share {
  from_account: string;
  to_account: string;
  catalog: string;
  catalog_online: boolean;
  revision: number;
  imported?: boolean;
}

export interface Import {
  catalog: string; // as its owner calls it
  owner: string;
  as?: string; // as it is called here, if that is another name
}

const called = (i: Import): string => i.as ?? i.catalog;

interface Beat {
  catalog: string;
  account_key: string;
  revision: number;
}

interface News {
  from_account: string;
  to_account: string;
  catalog: string;
  position?: number;
}

export interface Shelf {
  name: string;
  owner: string;
  mine: boolean;
  online: boolean;
  shared: boolean; // an import whose share was taken back is not
  revision: number;
}

const dismissedSlot = 'natster.dismissed.'; // and an account

class Library {
  loaded = $state(false);
  problem = $state('');
  shares = $state<Share[]>([]);
  imports = $state<Import[]>([]);
  own = $state.raw(record<{ online: boolean; revision: number }>());
  contents = $state.raw(record<Contents>());
  troubles = $state.raw(record<string>());
  dismissed = $state<string[]>([]);
  private account = '';
  private link: Link | undefined;
  private readonly listing = new Map<string, Promise<void>>();

  start(link: Link): void {
    this.link = link;
    this.loaded = false;
    this.contents = record();
    this.own = record();
    this.troubles = record();
    if (this.account !== this.me) {
      this.account = this.me;
      this.dismissed = readDismissed(this.account);
      this.shares = [];
      this.imports = [];
      activity.clear();
      transfers.clear();
    }
    people.start(this.me);
    this.follow(link).catch(() => {}); // the state of the connection says why
    if (link.state === 'up') void this.reload();
    link.onState((s) => s === 'up' && void this.reload());
  }

  get me(): string {
    return me.session?.account ?? '';
  }

  /** shelves are the catalogs that can be browsed: own ones first, then imported ones. */
  get shelves(): Shelf[] {
    const mine = new Map<string, Shelf>();
    for (const [name, o] of Object.entries(this.own)) {
      mine.set(name, { name, owner: this.me, mine: true, online: o.online, shared: true, revision: o.revision });
    }
    for (const s of this.shares) {
      if (s.from_account === this.me && !mine.has(s.catalog)) {
        const { catalog: name, catalog_online: online, revision } = s;
        mine.set(name, { name, owner: this.me, mine: true, online, shared: true, revision });
      }
    }
    const theirs = this.imports.map((i) => {
      const s = this.offer(i.owner, i.catalog);
      const online = s?.catalog_online ?? false;
      return { name: called(i), owner: i.owner, mine: false, online, shared: !!s, revision: s?.revision ?? 0 };
    });
    const byName = (a: Shelf, b: Shelf) => a.name.localeCompare(b.name);
    return [...[...mine.values()].sort(byName), ...theirs.sort(byName)];
  }

  /** offer is the share of a catalog with this account. */
  private offer(owner: string, catalog: string): Share | undefined {
    return this.shares.find((s) => s.from_account === owner && s.catalog === catalog && s.to_account === this.me);
  }

  shelf(name: string): Shelf | undefined {
    return this.shelves.find((s) => s.name === name);
  }

  /** inbox is what was offered and not imported. */
  get inbox(): Share[] {
    const imported = (s: Share) => this.imports.some((i) => i.owner === s.from_account && i.catalog === s.catalog);
    return this.shares.filter((s) => s.to_account === this.me && !imported(s));
  }

  get news(): Share[] {
    return this.inbox.filter((s) => !this.dismissed.includes(s.from_account + '/' + s.catalog));
  }

  async reload(): Promise<void> {
    const link = this.link;
    if (!link) return;
    try {
      // Where no server keeps the accounts' keys the imports are known only from what the accounts have reported.
      const unknown = (e: unknown) => {
        if (e instanceof Refusal && e.code === noResponders) return null;
        throw e;
      };
      const [shares, imports] = await Promise.all([
        allShares(link),
        link.request<Import[]>(subjects.imports).catch(unknown)
      ]);
      if (link !== this.link) return;
      this.shares = shares;
      const ours = shares.filter((s) => s.to_account === this.me);
      const reported = ours.filter((s) => s.imported).map((s) => ({ catalog: s.catalog, owner: s.from_account }));
      this.imports = imports ?? reported;
      this.problem = '';
      this.loaded = true;
      const owners = this.imports.map((i) => i.owner);
      void people.meet(link, [...shares.flatMap((s) => [s.from_account, s.to_account]), ...owners]);
    } catch (e) {
      if (link === this.link) this.problem = (e as Error).message;
    }
    try {
      const i = await link.request<{ serving?: Beat[] }>(subjects.inbox, undefined, 3000);
      if (link !== this.link) return;
      const own = record(this.own);
      for (const b of i.serving ?? []) own[b.catalog] = { online: true, revision: b.revision };
      this.own = own;
    } catch {
      // none of this account's catalogs is being served: that is no problem
    }
  }

  /** open fetches a catalog's listing, once per revision. */
  async open(name: string, again = false): Promise<void> {
    const link = this.link;
    if (!link || (this.contents[name] && !again)) return;
    const running = this.listing.get(name);
    if (running && !again) return running;
    const p = (async () => {
      try {
        const c = await list(link, name);
        if (link !== this.link) return;
        this.contents = record(this.contents, name, c);
        this.trouble(name, '');
      } catch (e) {
        if (link !== this.link) return;
        this.trouble(name, this.explain(name, e));
        if (e instanceof Refusal && e.code === 403) this.forgetContents(name);
        // What should be there may be just coming: its server starts, or has not heard of the share yet.
        const s = this.shelf(name);
        const again = () => this.troubles[name] && link === this.link && void this.open(name, true);
        if (s?.online && s.shared) setTimeout(again, 3000);
      } finally {
        this.listing.delete(name);
      }
    })();
    this.listing.set(name, p);
    return p;
  }

  private trouble(name: string, why: string): void {
    this.troubles = record(this.troubles, name, why);
  }

  private explain(name: string, e: unknown): string {
    const s = this.shelf(name);
    if (e instanceof Refusal) {
      if (e.code === 403) return `${s ? people.nameOf(s.owner) : 'The owner'} no longer shares ${name} with you.`;
      if (e.code === noResponders) {
        if (s?.mine) return `${name} is not being served. Start it with: natster catalog serve ${name}`;
        return `${name} is offline. It will open by itself when it is back.`;
      }
    }
    return (e as Error).message;
  }

  private forgetContents(name: string): void {
    const c = record(this.contents);
    delete c[name];
    this.contents = c;
  }

  /** nameFor is what a catalog is called here when it is imported: by its own name, or another where that is taken. */
  private nameFor(s: Share): string {
    const same = (x: Shelf): boolean => x.owner === s.from_account && x.name === s.catalog;
    const taken = (name: string): boolean => this.shelves.some((x) => x.name === name && !same(x));
    const who = people.nameOf(s.from_account).replace(/[^A-Za-z0-9]/g, '').slice(0, 24);
    let name = s.catalog;
    for (let n = 1; taken(name); n++) name = ((n === 1 ? who : who + n) + s.catalog).slice(0, 64);
    return name;
  }

  /** import takes a share into the library and returns the name that its catalog has here. */
  async import(s: Share): Promise<string> {
    const as = this.nameFor(s);
    try {
      const own = as === s.catalog ? {} : { as };
      await this.need().request(subjects.import, { catalog: s.catalog, owner: s.from_account, ...own });
    } catch (e) {
      if (!(e instanceof Refusal && e.code === noResponders)) throw e;
      const own = as === s.catalog ? '' : ` --as ${as}`;
      throw new Error(
        'it cannot be imported from here. On the machine where your account is, run: ' +
          `natster catalog import ${s.catalog} ${s.from_account}${own}`
      );
    }
    await this.need()
      .request(subjects.put, { catalog: s.catalog, target: s.from_account, event_type: 'catalog_imported' })
      .catch(() => {}); // it is imported all the same
    await this.reload();
    return as;
  }

  async unimport(name: string): Promise<void> {
    await this.need().request(subjects.unimport, { catalog: name });
    this.forgetContents(name);
    await this.reload();
  }

  /** unshare takes a share back. Our own servers hear of it first: nobody else's requests can delay that. */
  async unshare(catalog: string, target: string): Promise<void> {
    const link = this.need();
    const tell = (position: number) =>
      link.request(subjects.unshare, { catalog, target, position }, 500).catch(() => {}); // none may be running
    await tell(0);
    await link.request(subjects.put, { catalog, target, event_type: 'catalog_unshared' });
    void tell(link.position);
    await this.reload();
  }

  dismiss(s: Share): void {
    this.dismissed = [...this.dismissed, s.from_account + '/' + s.catalog];
    try {
      localStorage.setItem(dismissedSlot + this.account, JSON.stringify(this.dismissed));
    } catch {
      // a browser that keeps nothing
    }
  }

  restore(s: Share): void {
    this.dismissed = this.dismissed.filter((d) => d !== s.from_account + '/' + s.catalog);
    try {
      localStorage.setItem(dismissedSlot + this.account, JSON.stringify(this.dismissed));
    } catch {
      // a browser that keeps nothing
    }
  }

  private need(): Link {
    if (!this.link) throw new Error('There is no connection.');
    return this.link;
  }

  // Live.

  private async follow(link: Link): Promise<void> {
    const hear = <T>(subject: string, f: (v: T, kind: string) => void) =>
      link.subscribe(subject, (m) => {
        if (link !== this.link) return;
        try {
          f(JSON.parse(new TextDecoder().decode(m.data)) as T, m.subject.slice(m.subject.lastIndexOf('.') + 1));
        } catch {
          // news that cannot be read is no news
        }
      });
    await hear<Beat>(subjects.online, (v) => this.presence(v, true));
    await hear<Beat & News>(subjects.news, (v, kind) => {
      if (kind === 'offline') this.presence(v, false);
      else if (kind === 'shared' || kind === 'unshared') void this.changed(v, kind);
    });
    await hear<Beat>(subjects.heartbeat, (v) => this.ownBeat(v, true));
    await hear<Beat>(subjects.offline, (v) => this.ownBeat(v, false));
  }

  private presence(b: Beat, online: boolean): void {
    const old = this.offer(b.account_key, b.catalog);
    if (!old) return;
    const news = old.catalog_online !== online;
    const fresh = online && old.revision !== b.revision;
    this.shares = this.shares.map((s) => {
      if (s.from_account !== b.account_key || s.catalog !== b.catalog) return s;
      return { ...s, catalog_online: online, revision: online ? b.revision : s.revision };
    });
    const held = this.held(b.account_key, b.catalog);
    if (news) {
      const who = people.nameOf(b.account_key);
      const text = `${b.catalog} of ${who} ${online ? 'came online' : 'went offline'}`;
      activity.say(online ? 'online' : 'offline', text, held ? `/c/${held}/` : '/inbox');
    }
    if (held && online && (news || fresh) && (this.contents[held] || this.troubles[held])) void this.open(held, true);
  }

  /** held is what a catalog that is imported is called here. */
  private held(owner: string, catalog: string): string | undefined {
    const i = this.imports.find((i) => i.owner === owner && i.catalog === catalog);
    return i && called(i);
  }

  private ownBeat(b: Beat, online: boolean): void {
    const old = this.own[b.catalog];
    this.own = record(this.own, b.catalog, { online, revision: b.revision });
    if (old && old.online !== online) {
      const text = `Your ${b.catalog} ${online ? 'is being served' : 'is not served any more'}`;
      activity.say(online ? 'online' : 'offline', text, `/c/${b.catalog}/`);
    }
    const fresh = online && (!old?.online || old.revision !== b.revision);
    if (fresh && (this.contents[b.catalog] || this.troubles[b.catalog])) void this.open(b.catalog, true);
  }

  /** taken is told of every share that was taken back from us. */
  taken: ((catalog: string, owner: string) => void)[] = [];

  private async changed(n: News, kind: 'shared' | 'unshared'): Promise<void> {
    this.link?.observe(n.position ?? 0);
    const toMe = n.to_account === this.me;
    // Anybody may share and take back a catalog of any name: only what came from him ends.
    const held = this.held(n.from_account, n.catalog);
    if (kind === 'unshared' && toMe && held) {
      me.tellWorker({ type: 'unshared', catalog: held });
      for (const f of this.taken) f(held, n.from_account);
      this.forgetContents(held);
      this.trouble(held, `${people.nameOf(n.from_account)} no longer shares ${n.catalog} with you.`);
    }
    if (kind === 'shared' && toMe && held && this.contents[held] === undefined) this.trouble(held, '');
    const shared = kind === 'shared';
    const [from, to] = [people.nameOf(n.from_account), people.nameOf(n.to_account)];
    const verb = shared ? 'share' : 'no longer share';
    if (toMe) {
      const text = `${from} ${verb}s ${n.catalog} with you`;
      activity.say(shared ? 'received' : 'withdrawn', text, shared ? '/inbox' : '/');
    } else {
      activity.say(shared ? 'given' : 'taken', `You ${verb} ${n.catalog} with ${to}`, '/sharing');
    }
    await this.reload();
  }
}

/** record is a copy of a record, with one more entry; its keys can be any name, "constructor" too, unlike in {}. */
function record<T>(old: Record<string, T> = {}, key?: string, value?: T): Record<string, T> {
  const r = Object.assign(Object.create(null) as Record<string, T>, old);
  if (key !== undefined) r[key] = value as T;
  return r;
}

async function allShares(link: Link): Promise<Share[]> {
  const all = new Map<string, Share>();
  for (let after = ''; ; ) {
    const { data, next } = await link.page<Share[]>(subjects.shares, after ? { after } : undefined);
    for (const s of data ?? []) all.set(`${s.from_account} ${s.to_account} ${s.catalog}`, s);
    if (!next) return [...all.values()];
    after = next;
  }
}

function readDismissed(account: string): string[] {
  try {
    const d = JSON.parse(localStorage.getItem(dismissedSlot + account) ?? '[]') as unknown;
    return Array.isArray(d) ? d.filter((x) => typeof x === 'string') : [];
  } catch {
    return [];
  }
}

export const library = new Library();
