// The connection to NATS of a page or a worker: it signs in, signs in again when its JWT runs out, and comes back after
// interruptions, until the owner of the account or the person at the browser ends it.

import { headers, wsconnect, type Msg, type NatsConnection, type Subscription } from '@nats-io/nats-core';
import { mint, pair, sign, Problem, type Token } from './identity';
import { HeldSocket } from './socket';

/** Down says why there is no connection. The last three are for good. */
export type Down = 'connecting' | 'reconnecting' | 'signed_out' | 'unlinked' | 'revoked';
export type State = 'up' | Down | 'closed';

const final: ReadonlySet<string> = new Set(['signed_out', 'unlinked', 'revoked', 'closed']);

/** A Refusal is a function's or a catalog server's "no": its code, and its sentence. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    message: string
  ) {
    super(message);
  }
}

/** codes that are made here. */
export const noResponders = 503;
export const timedOut = 504;

const empty = new Uint8Array();
const text = new TextEncoder();

export class Link {
  account = '';
  state: State = 'connecting';
  private nc: NatsConnection | undefined;
  private token: Token | undefined;
  private minted = 0;
  private refused = false; // the token at hand
  private doubtful = false; // whether the site still knows us
  private signature = '';
  private user = '';
  private readonly listeners = new Set<(s: State) => void>();
  position = 0; // of the event log: what later answers must reflect
  private readonly ready: Promise<NatsConnection>;
  private resolve!: (nc: NatsConnection) => void;
  private reject!: (e: Error) => void;
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
    this.ready = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.ready.catch(() => {});
    void this.connect();
  }

  /** up resolves with the connection, and fails when there will be none. */
  up(): Promise<NatsConnection> {
    return this.ready;
  }

  onState(f: (s: State) => void): () => void {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }

  private become(s: State): void {
    if (this.state === s || final.has(this.state)) return;
    this.state = s;
    for (const f of this.listeners) f(s);
    if (final.has(s)) {
      this.reject(new Problem(s, s));
      setTimeout(() => void this.nc?.close().catch(() => {}), 0); // not while the client is just making a socket
    }
  }

  close(): void {
    this.become('closed');
  }

  private async connect(): Promise<void> {
    for (let wait = 200; !final.has(this.state); wait = Math.min(wait * 2, 5000)) {
      try {
        await this.prepareToken();
        this.nc = await wsconnect({
          servers: location.origin.replace(/^http/, 'ws') + '/nats',
          name: this.name,
          noEcho: false,
          maxReconnectAttempts: -1,
          reconnectTimeWait: 200,
          reconnectJitter: 100,
          reconnectJitterTLS: 100,
          ignoreAuthErrorAbort: true,
          timeout: 5000,
          pingInterval: 20_000,
          inboxPrefix: '_INBOX.' + this.user,
          authenticator: () => ({ jwt: this.token?.jwt ?? '', nkey: this.user, sig: this.signature }),
          wsFactory: async (url: string) => {
            if (this.doubtful) await this.prepareToken().catch(() => {}); // judged already; it must not reject
            const socket = new HeldSocket(url, (nonce) => this.prepare(nonce), () => (this.doubtful = true));
            return { socket: socket as unknown as WebSocket, encrypted: url.startsWith('wss:') };
          }
        } as Parameters<typeof wsconnect>[0]);
        void this.watch(this.nc);
        this.become('up');
        this.resolve(this.nc);
        return;
      } catch (e) {
        this.judge(e);
        if (final.has(this.state)) return;
        await new Promise((r) => setTimeout(r, wait));
      }
    }
  }

  /** prepareToken has a JWT that is good for a while. */
  private async prepareToken(): Promise<void> {
    if (this.token && !this.refused && !this.doubtful && this.token.expires - Date.now() / 1000 > 30) return;
    this.user = (await pair()).publicKey;
    try {
      const t = await mint();
      if (this.account && t.account !== this.account) {
        throw new Problem('unlinked', 'this login belongs to another account now');
      }
      this.token = t;
      this.account = t.account;
    } catch (e) {
      this.judge(e);
      throw e;
    }
    this.refused = this.doubtful = false;
    this.minted = Date.now();
  }

  private async prepare(nonce: string): Promise<void> {
    await this.prepareToken();
    this.signature = await sign(nonce);
  }

  /** judge tells failures that repetition mends from those that are for good. */
  private judge(e: unknown): void {
    if (e instanceof Problem) {
      if (e.reason === 'signed_out' || e.reason === 'unlinked') this.become(e.reason);
      return;
    }
    const err = e as Error | undefined;
    const what = `${err?.name} ${err?.message} ${err?.cause ?? ''}`;
    if (!/authori[sz]ation|authentication/i.test(what) || /expired/i.test(what)) return;
    // A JWT that was good may have been revoked with its key. One that was just made cannot have been: the key is gone.
    if (!this.refused && Date.now() - this.minted < 5000) this.become('revoked');
    this.refused = true;
  }

  private async watch(nc: NatsConnection): Promise<void> {
    for await (const s of nc.status()) {
      switch (s.type) {
        case 'disconnect':
          this.doubtful = true; // another account may be signed in when it is back
          this.become('reconnecting');
          break;
        case 'reconnect':
          this.become('up');
          break;
        case 'error':
          this.judge((s as { error?: unknown }).error);
          break;
      }
    }
    this.become('closed');
  }

  /** request asks and returns the data of the answer; a "no" is a Refusal. */
  async request<T>(subject: string, body?: unknown, timeout = 10_000): Promise<T> {
    return (await this.page<T>(subject, body, timeout)).data;
  }

  /** page is request for what may come in several answers: next is the cursor to go on from, or empty. */
  async page<T>(subject: string, body?: unknown, timeout = 10_000): Promise<{ data: T; next: string }> {
    const nc = await this.ready;
    const payload = body === undefined ? empty : text.encode(typeof body === 'string' ? body : JSON.stringify(body));
    const h = headers();
    h.set('Natster-Min-Position', String(this.position)); // 0 too: it says that we keep positions
    let m: Msg;
    try {
      m = await nc.request(subject, payload, { timeout, headers: h });
    } catch (e) {
      throw silence(e);
    }
    const data = envelope<T>(m.data);
    this.observe(Number(m.headers?.get('Natster-Position') || 0));
    return { data, next: m.headers?.get('Natster-Next') ?? '' };
  }

  /** observe raises what later answers must reflect. */
  observe(position: number): void {
    if (position > this.position) this.position = position;
  }

  async subscribe(subject: string, f: (m: Msg) => void): Promise<Subscription> {
    return (await this.ready).subscribe(subject, { callback: (err, m) => void (err || f(m)) });
  }
}

/** envelope is the data of a reply. */
export function envelope<T>(data: Uint8Array): T {
  let e: { code?: number; error?: string; data?: T };
  try {
    e = JSON.parse(new TextDecoder().decode(data));
  } catch {
    throw new Refusal(500, 'the answer cannot be read');
  }
  if (e.code !== 200) throw new Refusal(e.code ?? 500, e.error || `refused with code ${e.code}`);
  return e.data as T;
}

/** silence is the error of a request that had no answer: no responder, or none in time. */
function silence(e: unknown): Refusal {
  const what = String((e as Error)?.name) + ' ' + String((e as Error)?.message);
  if (/no ?responders/i.test(what)) return new Refusal(noResponders, 'nobody answers: it is offline');
  return new Refusal(timedOut, 'no answer in time');
}
