// One open file: a protocol 2 session that is opened again when its server forgot it, and the chunks asked of it.

import { Refusal } from '../link';
import { atInstance, mediaSubject, subjectOf } from '../subjects';
import { Flow, overtaken } from './flow';
import { counterOf, kindEnd, overhead, prefixSize, Receiver, chunksOf, lengthOf, type Layout } from './frame';
import { HeaderError, newCurve, openHeader } from './header';
import { MediaError, playing, type DownloadReply, type Why, type Wire } from './wire';

/** An Ask is a chunk that was asked for and has not arrived. */
interface Ask {
  at: number; // when last asked, milliseconds
  first: number; // when first asked
  order: number;
  tries: number;
  lost: boolean; // to be asked again
  here: boolean; // it has come, and is being opened
  counted: boolean; // in the window
  wanted: Set<(chunk: Uint8Array) => void>;
}

/** An Origin is what a name stands for in this account: an import can have another name here than at its owner's. */
export interface Origin {
  catalog: string;
  owner?: string;
}

export interface Options {
  origin?: () => Promise<Origin>; // what the catalog's name stands for; without it: what it says, of any owner
  timeout?: number; // how long nothing may arrive before the owner counts as gone, milliseconds
  clock?: { now(): number };
  chunkSize?: number; // to ask for, bytes
  remembered?: number; // chunks that were read lately and may be read again
  plain?: boolean; // for measurements only: hand on what came, unopened
}

const token = /^[A-Z2-7]{26}$/;
const forgotten = 8; // sessions in a row, and nothing came
const silence = 2000; // milliseconds of a session that hears nothing, after which its asks do not count
const enough = 256 << 10; // bytes that came and are worth telling the server of while nothing is asked for
const mostProofs = 1024; // in one request
const slept = 5000; // milliseconds between two ticks: the machine was suspended, the server was not silent

export class Session {
  layout: Layout;
  lastUsed: number;
  private id = '';
  private instance = '';
  private receiver: Receiver | undefined;
  private unsubscribe: (() => void) | undefined;
  private readonly offBack: () => void;
  private opening: Promise<void> | undefined;
  private readonly asks = new Map<number, Ask>();
  private readonly recent = new Map<number, Uint8Array>();
  private orders = 0;
  private newest = 0;
  private failure: MediaError | undefined;
  private readonly failed = new Set<(e: MediaError) => void>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private quietSince = 0;
  private ticked = 0;
  private waiting = false;
  private readonly waiters = new Set<(waiting: boolean) => void>();
  private readonly timeout: number;
  private readonly clock: { now(): number };
  private readonly plain: boolean;
  private readonly origin: () => Promise<Origin>;
  private readonly remembered: number;
  private readonly chunkSize: number; // to ask for, bytes
  private readonly cuts = new Set<() => void>();
  private reopened = 0; // since a chunk came
  private got: string[] = []; // counters of frames that came: an owner sends on only what is proved to arrive

  constructor(
    readonly catalog: string,
    readonly hash: string,
    private readonly wire: Wire,
    readonly flow: Flow,
    o: Options = {}
  ) {
    this.timeout = o.timeout ?? 30_000;
    this.clock = o.clock ?? { now: () => performance.now() };
    this.plain = o.plain ?? false;
    this.origin = o.origin ?? (async () => ({ catalog }));
    this.remembered = o.remembered ?? 0;
    this.chunkSize = o.chunkSize ?? playing.chunkSize;
    this.layout = { size: 0, chunkSize: this.chunkSize };
    this.lastUsed = this.clock.now();
    this.offBack = wire.onBack(() => this.again());
  }

  /** open returns when size and keys are known. It may be called again. */
  async open(): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.receiver) return;
    this.opening ??= this.handshake().finally(() => (this.opening = undefined));
    return this.opening;
  }

  private async handshake(): Promise<void> {
    const until = this.clock.now() + this.timeout;
    for (let wait = 100; ; wait = Math.min(wait * 2, 1000)) {
      try {
        await this.hello();
        return;
      } catch (e) {
        const why = judge(e);
        const passing = why.why === 'offline' || why.why === 'busy';
        if (!passing || this.clock.now() + wait > until || this.failure) {
          this.fail(why);
          throw this.failure;
        }
        if (why.why === 'offline') this.wait(true);
        await new Promise((r) => setTimeout(r, wait));
      }
    }
  }

  private async hello(): Promise<void> {
    const curve = newCurve();
    const a = await this.wire.request<DownloadReply>(
      subjectOf(this.catalog, 'download'),
      { hash: this.hash, transcode: false, target_xkey: curve.getPublicKey(), protocol: 2, chunk_size: this.chunkSize },
      5000
    );
    if (a.protocol !== 2) {
      throw new MediaError('old_server', 'The server of this catalog is too old to be read from a browser.');
    }
    // Both become part of a subject.
    if (!token.test(a.session) || (a.instance && !token.test(a.instance))) throw new HeaderError('it names no session');
    const layout = { size: a.total_bytes, chunkSize: a.chunk_size };
    if (this.id && layout.size !== this.layout.size) {
      throw new MediaError('changed', 'The file changed while it was being read.');
    }
    const origin = await this.origin();
    const key = openHeader(Uint8Array.from(atob(a.header), (c) => c.charCodeAt(0)), curve, {
      session: a.session,
      catalog: origin.catalog,
      owner: origin.owner,
      hash: this.hash,
      size: layout.size,
      chunkSize: layout.chunkSize,
      receiver: this.wire.account,
      sender: a.sender_xkey
    });
    curve.clear();
    const receiver = await Receiver.make(key, a.session, layout);
    const subject = mediaSubject(this.catalog, a.session);
    const off = await this.wire.subscribe(subject, (data) => void this.frame(receiver, data));
    this.unsubscribe?.();
    this.unsubscribe = off;
    const cut = this.id !== '' && layout.chunkSize !== this.layout.chunkSize;
    if (cut) this.forget();
    this.layout = layout;
    this.flow.use(layout.chunkSize);
    this.id = a.session;
    this.got = [];
    this.instance = a.instance ?? '';
    this.receiver = receiver;
    this.quietSince = this.clock.now();
    this.wait(false);
    if (cut) for (const f of this.cuts) f();
  }

  get chunks(): number {
    return chunksOf(this.layout);
  }

  /** ask wants chunk i; it is sent for with the next send(). What was read lately comes at once. */
  ask(i: number, f: (chunk: Uint8Array) => void): boolean {
    this.lastUsed = this.clock.now();
    const known = this.recent.get(i);
    if (known) {
      f(known);
      return false;
    }
    const pending = this.asks.get(i);
    if (pending) {
      pending.wanted.add(f);
      return false;
    }
    const now = this.clock.now();
    if (this.asks.size === 0) this.quietSince = this.ticked = now;
    const wanted = new Set([f]);
    this.asks.set(i, { at: now, first: now, order: 0, tries: 0, lost: true, here: false, counted: true, wanted });
    this.flow.inFlight += this.layout.chunkSize;
    this.timer ??= setInterval(() => this.tick(), 50);
    return true;
  }

  /** drop no longer wants chunk i for f. */
  drop(i: number, f: (chunk: Uint8Array) => void): void {
    const a = this.asks.get(i);
    if (!a) return;
    a.wanted.delete(f);
    if (a.wanted.size === 0) this.settle(i);
  }

  onFail(f: (e: MediaError) => void): () => void {
    if (this.failure) {
      f(this.failure);
      return () => {};
    }
    this.failed.add(f);
    return () => this.failed.delete(f);
  }

  /** onCut calls f when another server cuts the file into other chunks: nothing that was asked for comes. */
  onCut(f: () => void): () => void {
    this.cuts.add(f);
    return () => this.cuts.delete(f);
  }

  /** onWaiting calls f whenever waiting for an owner who does not answer begins, and ends. */
  onWaiting(f: (waiting: boolean) => void): () => void {
    this.waiters.add(f);
    if (this.waiting) f(true);
    return () => this.waiters.delete(f);
  }

  private wait(waiting: boolean): void {
    if (this.waiting === waiting) return;
    this.waiting = waiting;
    for (const f of this.waiters) f(waiting);
  }

  /** send asks the server for everything that is to be asked for. */
  send(): void {
    if (this.failure) return;
    if (!this.receiver) {
      this.reopen();
      return;
    }
    const due = [...this.asks].filter(([, a]) => a.lost).map(([i]) => i);
    if (due.length === 0) return;
    due.sort((a, b) => a - b);
    const now = this.clock.now();
    const ranges: [number, number][] = [];
    for (const i of due) {
      const last = ranges[ranges.length - 1];
      if (last && last[0] + last[1] === i) last[1]++;
      else if (ranges.length < 64) ranges.push([i, 1]);
      else continue;
      const a = this.asks.get(i)!;
      a.lost = false;
      a.at = now;
      a.order = ++this.orders;
    }
    void this.fetch(ranges);
  }

  private async fetch(ranges: [number, number][]): Promise<void> {
    const id = this.id;
    try {
      const subject = subjectOf(this.catalog, atInstance('fetch', this.instance));
      await this.wire.request(subject, { session: id, chunks: ranges, got: this.proofs() }, 5000);
    } catch (e) {
      if (id !== this.id || this.failure || ranges.length === 0) return;
      const code = e instanceof Refusal ? e.code : 0;
      if (code === 404 || (code === 503 && this.instance)) {
        this.reopen(); // the server forgot the session, or is gone: another may be there
      } else if (code === 403 || code === 410 || code === 400) {
        this.fail(judge(e));
      }
      // Silence, or too much at once: the chunks count as lost when their time is up.
    }
  }

  /** proofs is what the server is to be told now. */
  private proofs(): string {
    const all = this.got.join('');
    this.got = [];
    return all;
  }

  /** reopen gets a new session, with new keys, and asks it for what is missing. */
  private reopen(): void {
    this.receiver = undefined;
    if (this.opening || !this.id) return;
    if (++this.reopened > forgotten) {
      const error = 'The server of this catalog forgets at once what it was asked for. Try again later.';
      this.fail(new MediaError('failed', error));
      return;
    }
    this.open().then(
      () => this.again(),
      () => {}
    );
  }

  /** again asks for everything that is missing. */
  private again(): void {
    for (const a of this.asks.values()) a.lost = !a.here;
    this.quietSince = this.clock.now();
    this.send();
  }

  private async frame(receiver: Receiver, data: Uint8Array): Promise<void> {
    const p = receiver.peek(data);
    if (!p || receiver !== this.receiver) return;
    if (p.kind === kindEnd) {
      const why = await receiver.open(data);
      if (why && receiver === this.receiver) this.end(why);
      return;
    }
    const a = this.asks.get(p.index);
    if (!a || a.here) return; // a duplicate
    const took = this.clock.now() - (a.tries === 0 ? a.at : a.first);
    // Its place in the window is free: the next one travels while this one is opened.
    a.here = true;
    a.lost = false;
    this.uncount(a);
    this.flow.pump();
    const body = () => data.subarray(prefixSize, prefixSize + data.length - overhead);
    const counter = counterOf(data);
    const plain = this.plain ? body() : await receiver.open(data);
    if (plain && receiver === this.receiver && this.got.length < mostProofs) this.got.push(counter);
    if (this.asks.get(p.index) !== a) return; // it is not wanted any more
    if (plain) {
      this.arrived(p.index, a, plain, took);
    } else {
      // Changed on its way: it will be asked for again.
      a.here = false;
    }
  }

  private arrived(i: number, a: Ask, plain: Uint8Array, took: number): void {
    const now = this.clock.now();
    this.flow.arrived(took, a.tries + 1);
    this.quietSince = now;
    this.reopened = 0;
    this.wait(false);
    if (a.tries === 0) this.newest = Math.max(this.newest, a.order); // the order of one that was repeated says nothing
    this.settle(i);
    this.recent.set(i, plain);
    if (this.recent.size > this.remembered) this.recent.delete(this.recent.keys().next().value!);
    for (const f of a.wanted) f(plain);
    if (this.asks.size === 0 && this.got.length * this.layout.chunkSize >= enough) void this.fetch([]);
  }

  private forget(): void {
    for (const i of [...this.asks.keys()]) this.settle(i);
    this.recent.clear();
  }

  private settle(i: number): void {
    const a = this.asks.get(i);
    if (!a) return;
    this.asks.delete(i);
    this.uncount(a);
    if (this.asks.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }

  private uncount(a: Ask): void {
    if (a.counted) this.flow.inFlight -= this.layout.chunkSize;
    a.counted = false;
  }

  /** end is the server's courtesy: it says why before we ask. */
  private end(plain: Uint8Array): void {
    const e = JSON.parse(new TextDecoder().decode(plain)) as { code: number; error: string };
    if (e.code === 404 || e.code === 429) {
      this.receiver = undefined; // the next reader opens another one
      if (this.asks.size > 0) this.reopen();
    } else {
      this.fail(judge(new Refusal(e.code, e.error)));
    }
  }

  private tick(): void {
    const now = this.clock.now();
    if (now - this.ticked > slept) this.quietSince = now;
    this.ticked = now;
    if (now - this.quietSince > this.timeout) {
      this.fail(new MediaError('offline', 'The owner of this catalog went offline. Try again when it is back.'));
      return;
    }
    // An owner who says nothing does not hold the window that others need.
    if (now - this.quietSince > Math.max(silence, 2 * this.flow.timeout(this.layout.chunkSize, 1))) {
      for (const a of this.asks.values()) this.uncount(a);
      this.flow.pump();
      this.wait(true);
    }
    if (!this.receiver) return;
    let due = false;
    const late: Ask[] = [];
    for (const [i, a] of this.asks) {
      if (a.here) continue;
      if (a.lost) {
        due = true;
        continue;
      }
      const wait = this.flow.timeout(lengthOf(this.layout, i), a.tries + 1);
      if (overtaken(a.order, this.newest) || now - Math.max(a.at, this.flow.lastArrival) > wait) late.push(a);
    }
    if (late.length > 0) {
      // What is late may only be slow, and slower if all of it is asked for again: some at a time, a smaller window.
      this.flow.lost();
      late.sort((a, b) => a.order - b.order);
      for (const a of late.slice(0, Math.max(1, (this.flow.limit / this.layout.chunkSize) >> 2))) {
        a.lost = true;
        a.tries++;
      }
      due = true;
    }
    if (due) this.send();
  }

  /** fail ends the session for good, and tells all who read it. */
  fail(e: MediaError): void {
    if (this.failure) return;
    this.failure = e;
    this.stop();
    for (const f of this.failed) f(e);
    this.failed.clear();
  }

  /** held reports whether the server holds a session for it. */
  get held(): boolean {
    return this.receiver !== undefined;
  }

  /** rest gives the server's session back. The next read opens another one. */
  rest(): void {
    if (this.asks.size > 0 || this.opening) return;
    this.farewell();
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  get dead(): boolean {
    return this.failure !== undefined;
  }

  /** close ends a session that has no reader any more, and tells the server. */
  close(): void {
    this.farewell();
    this.failure ??= new MediaError('failed', 'closed');
    this.stop();
  }

  private farewell(): void {
    if (!this.receiver) return;
    this.receiver = undefined;
    const subject = subjectOf(this.catalog, atInstance('close', this.instance));
    this.wire.request(subject, { session: this.id, got: this.proofs() }, 2000).catch(() => {});
  }

  private stop(): void {
    this.wait(false);
    this.offBack();
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.forget();
    this.flow.pump();
  }
}

/** judge makes a reason of a refusal. */
export function judge(e: unknown): MediaError {
  if (e instanceof MediaError) return e;
  if (e instanceof HeaderError) {
    return new MediaError('damaged', `The server's answer cannot be trusted: ${e.message}.`);
  }
  const code = e instanceof Refusal ? e.code : 0;
  const row: Record<number, [Why, string]> = {
    403: ['revoked', 'This catalog is no longer shared with you.'],
    404: ['missing', 'The file is not in the catalog any more. Look at the catalog again.'],
    410: ['changed', 'The file changed or was removed on its owner’s machine. Look at the catalog again.'],
    424: ['away', 'The owner’s disk with this file is away. Try again when it is back.'],
    429: ['busy', 'The owner’s machine is busy. Try again in a moment.'],
    503: ['offline', 'The owner of this catalog is offline. Try again when it is back.'],
    504: ['offline', 'The owner of this catalog does not answer. Try again when it is back.']
  };
  const [why, message] = row[code] ?? ['failed', `It could not be read: ${(e as Error)?.message ?? e}`];
  return new MediaError(why, message);
}
