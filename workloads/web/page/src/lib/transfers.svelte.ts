// What is being saved, and what was: the worker does it, this is what it says.

import { activity } from './activity.svelte';
import { bytes } from './words';
import { channelName, type FromWorker } from './messages';
import { downloadURL, zipURL, type FileRef } from './urls';
import { worker } from './worker.svelte';

const silent = 4_000; // milliseconds after which a download that the worker does not know has ended

export interface Transfer {
  id: string;
  name: string;
  bytes: number;
  total: number;
  state: 'running' | 'saved' | 'failed';
  hash: string; // as computed here, once saved
  message: string; // why it failed
  waiting: boolean; // for the owner
}

class Transfers {
  all = $state<Transfer[]>([]);
  private readonly frames = new Map<string, HTMLIFrameElement>();
  private readonly mine = new Set<string>();
  private readonly unknown = new Map<string, number>(); // to the worker, since when
  private rest: (() => void) | undefined;
  /** failed is told of every read that failed, of files that are shown, too. */
  failed: ((m: Extract<FromWorker, { type: 'failed' }>) => void)[] = [];

  /** waits is told whenever a read begins, or ends, to wait for an owner. */
  waits: ((m: Extract<FromWorker, { type: 'waiting' }>) => void)[] = [];

  /** fetches is told of files that are fetched whole before they are shown. */
  fetches: ((m: Extract<FromWorker, { type: 'fetching' }>) => void)[] = [];

  constructor() {
    new BroadcastChannel(channelName).onmessage = (e) => this.hear(e.data as FromWorker);
  }

  save(f: FileRef, size: number): void {
    const id = this.begin(f.name, size);
    this.navigate(id, downloadURL(f, id));
  }

  saveFolder(catalog: string, folder: string, size: number): void {
    const name = (folder.split('/').filter(Boolean).pop() ?? catalog) + '.zip';
    const id = this.begin(name, size);
    this.navigate(id, zipURL(catalog, folder, name, id));
  }

  private begin(name: string, total: number): string {
    const id = crypto.randomUUID();
    this.mine.add(id);
    this.rest ??= worker.awake();
    this.all = [{ id, name, bytes: 0, total, state: 'running', hash: '', message: '', waiting: false }, ...this.all];
    return id;
  }

  /** navigate lets a hidden frame ask: only navigations go through the worker and into the browser's downloads. */
  private navigate(id: string, url: string): void {
    const f = document.createElement('iframe');
    f.hidden = true;
    f.src = url;
    document.body.append(f);
    this.frames.set(id, f);
  }

  private hear(m: FromWorker): void {
    if (m.type === 'failed') for (const f of this.failed) f(m);
    if (m.type === 'waiting') for (const f of this.waits) f(m);
    if (m.type === 'running') this.compare(m.ids);
    if (m.type === 'fetching') for (const f of this.fetches) f(m);
    if (m.type === 'running' || m.type === 'measured' || m.type === 'fetching' || !m.id || !this.mine.has(m.id)) return;
    const id = m.id;
    this.all = this.all.map((t) => {
      if (t.id !== id || t.state !== 'running') return t;
      switch (m.type) {
        case 'progress':
          return { ...t, bytes: m.bytes, total: m.total };
        case 'waiting':
          return { ...t, waiting: m.waiting };
        case 'saved':
          activity.say(
            'saved',
            m.hash ? `${t.name} arrived whole: its hash is right` : `${t.name} arrived: every file in it is whole`
          );
          return { ...t, bytes: m.bytes, total: m.bytes, state: 'saved' as const, hash: m.hash };
        case 'failed':
          activity.say('problem', `${t.name}: ${m.message}`);
          return { ...t, state: 'failed' as const, message: m.message };
      }
      return t;
    });
    if (m.type !== 'progress' && m.type !== 'waiting') {
      const frame = this.frames.get(id);
      this.frames.delete(id);
      setTimeout(() => frame?.remove(), 1000);
    }
    this.relax();
  }

  /** compare ends what the worker has forgotten: the browser stopped the worker, and the download with it. */
  private compare(ids: string[]): void {
    const now = Date.now();
    for (const t of this.running) {
      if (ids.includes(t.id)) {
        this.unknown.delete(t.id);
        continue;
      }
      const since = this.unknown.get(t.id) ?? now;
      this.unknown.set(t.id, since);
      if (now - since < silent) continue;
      const message = 'The browser stopped this download. Save it again.';
      this.hear({ type: 'failed', id: t.id, catalog: '', hash: '', name: t.name, why: 'failed', message });
    }
  }

  forget(id: string): void {
    this.all = this.all.filter((t) => t.id !== id);
  }

  /** clear forgets them all, for another account. */
  clear(): void {
    this.all = [];
    this.relax();
  }

  /** relax lets the worker rest once nothing is running. */
  private relax(): void {
    if (this.running.length > 0) return;
    this.rest?.();
    this.rest = undefined;
  }

  get running(): Transfer[] {
    return this.all.filter((t) => t.state === 'running');
  }

  progressOf(t: Transfer): string {
    if (t.waiting) return `${bytes(t.bytes)}, waiting for the owner…`;
    return t.total > 0 ? `${bytes(t.bytes)} of ${bytes(t.total)}` : bytes(t.bytes);
  }
}

export const transfers = new Transfers();
