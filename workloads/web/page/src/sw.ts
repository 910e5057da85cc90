/// <reference lib="webworker" />
// The service worker: it answers requests below /media/ with files of catalogs, fetched over its own NATS connection
// and decrypted here. Browsers kill and start it as they like, so it keeps nothing that it cannot make again.

import { createSHA256 } from 'hash-wasm';
import { inFolder, list, type Entry } from './lib/catalog';
import { servedAs } from './lib/kinds';
import { Link } from './lib/link';
import type { Import } from './lib/library.svelte';
import { channelName, type FromWorker, type ToWorker } from './lib/messages';
import { Flow } from './lib/media/flow';
import { Reader } from './lib/media/reader';
import { pushed } from './lib/media/push';
import { judge, Session, type Origin } from './lib/media/session';
import { Lane, Sessions, type Hold } from './lib/media/sessions';
import { MediaError, playing, previewing, saving, type Wire } from './lib/media/wire';
import { subjects } from './lib/subjects';
import { disposition, parseRange } from './lib/urls';
import { zip, zipLength } from './lib/zip';
import { Problem, renew } from './lib/identity';

declare const self: ServiceWorkerGlobalScope;

const channel = new BroadcastChannel(channelName);
const tell = (m: FromWorker): void => channel.postMessage(m);

self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (e) => e.waitUntil(self.clients.claim()));
self.addEventListener('message', (e) => {
  const m = e.data as ToWorker | undefined;
  if (m?.type === 'claim') e.waitUntil(self.clients.claim());
  if (m?.type === 'ping') answer();
});
const answer = (): void => tell({ type: 'running', ids: [...running] });
channel.onmessage = (e) => {
  const m = e.data as ToWorker;
  if (m.type === 'ping') answer(); // for a worker that has been replaced, and still streams
  if (m.type === 'reset') reset();
  if (m.type === 'measure') {
    plain = m.plain;
    sessions.clear((s) => s.close());
    tell({ type: 'measured' });
  }
  if (m.type === 'unshared') {
    for (const key of [...wholes.keys()]) if (key.startsWith(m.catalog + '/')) wholes.delete(key);
    const gone = new MediaError('revoked', 'This catalog is no longer shared with you.');
    sessions.each((s) => s.catalog === m.catalog && s.fail(gone));
  }
};

self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url);
  const read = e.request.method === 'GET' || e.request.method === 'HEAD';
  if (url.origin === location.origin && url.pathname.startsWith('/media/') && read) {
    e.respondWith(serve(e.request, url));
  }
});

// The connection, and the sessions on it.

let link: Link | undefined;
let flow = new Flow({ now: () => performance.now() });
const sessions = new Sessions();
setInterval(() => sessions.sweep(), 20_000);
const running = new Set<string>(); // ids of downloads
let plain = false;

function reset(): void {
  sessions.clear((s) => s.fail(new MediaError('signed_out', 'You are signed out.')));
  wholes.clear();
  originals.clear();
  away.clear();
  link?.close();
  link = undefined;
  renew();
  flow = new Flow({ now: () => performance.now() });
}

function connected(): Link {
  if (link) return link;
  const l = new Link('natster web worker');
  l.onState((s) => {
    if (s === 'signed_out' || s === 'unlinked' || s === 'revoked') {
      wholes.clear();
      sessions.clear((x) => x.fail(new MediaError('signed_out', 'You are signed out. Sign in again to go on.')));
    }
    if (link === l && (s === 'signed_out' || s === 'unlinked' || s === 'revoked' || s === 'closed')) link = undefined;
  });
  link = l;
  return l;
}

class LinkWire implements Wire {
  constructor(private readonly link: Link) {}
  get account(): string {
    return this.link.account;
  }
  request<T>(subject: string, body: unknown, timeout: number): Promise<T> {
    return this.link.request<T>(subject, body, timeout);
  }
  async subscribe(
    subject: string,
    f: (data: Uint8Array, header: (name: string) => string) => void
  ): Promise<() => void> {
    const sub = await this.link.subscribe(subject, (m) => f(m.data, (name) => m.headers?.get(name) ?? ''));
    return () => sub.unsubscribe();
  }
  onBack(f: () => void): () => void {
    return this.link.onState((s) => s === 'up' && f());
  }
}

const purposes = { playing, saving, previewing };
type Purpose = keyof typeof purposes;

/** A Source is an open file. */
interface Source {
  size: number;
  read(first: number, last: number): AsyncGenerator<Uint8Array>;
  release(done?: boolean): void;
}

const originals = new Set<string>(); // catalogs whose server is an original one: it pushes files whole
const kept = 2; // whole files
const wholes = new Map<string, Promise<Blob>>();

/** hold opens a file: a session, or all of it at once, as its owner's server has it. */
async function hold(asked: Asked, hash: string, purpose: Purpose): Promise<Source> {
  if (!originals.has(asked.catalog)) {
    try {
      const { session, release } = await holdSession(asked, hash, purpose);
      return { size: session.layout.size, read: (first, last) => pieces(asked, session, first, last), release };
    } catch (e) {
      if (judge(e).why !== 'old_server') throw e;
      originals.add(asked.catalog);
    }
  }
  const blob = await fetchWhole(asked, hash);
  async function* read(first: number, last: number): AsyncGenerator<Uint8Array> {
    const reader = blob.slice(first, last + 1).stream().getReader();
    for (let r = await reader.read(); !r.done; r = await reader.read()) yield r.value;
  }
  return { size: blob.size, read, release: () => {} };
}

/** fetchWhole is a file that is pushed, which comes whole, and is checked. */
function fetchWhole(asked: Asked, hash: string): Promise<Blob> {
  const key = asked.catalog + '/' + hash;
  let p = wholes.get(key);
  if (!p) {
    let told = 0;
    const progress = (bytes: number, total: number): void => {
      if (performance.now() - told < pace) return;
      told = performance.now();
      if (asked.save) tell({ type: 'progress', id: asked.save, name: asked.name, bytes, total });
      tell({ type: 'fetching', catalog: asked.catalog, hash, bytes, total });
    };
    p = (async () => {
      const l = connected();
      await l.up();
      const blob = await pushed(new LinkWire(l), asked.catalog, hash, progress);
      tell({ type: 'fetching', catalog: asked.catalog, hash, bytes: blob.size, total: blob.size });
      if ((await sha256(blob)) !== hash) {
        throw new MediaError('damaged', 'What arrived is not the file that the catalog lists.');
      }
      return blob;
    })();
    p.catch((e) => {
      wholes.delete(key);
      if (judge(e).why === 'missing') originals.delete(asked.catalog);
    });
  }
  wholes.delete(key);
  wholes.set(key, p);
  if (wholes.size > kept) wholes.delete(wholes.keys().next().value!);
  return p;
}

async function sha256(blob: Blob): Promise<string> {
  const sum = await createSHA256();
  sum.init();
  const reader = blob.stream().getReader();
  for (let r = await reader.read(); !r.done; r = await reader.read()) sum.update(r.value);
  return sum.digest('hex');
}

let imports: { of: Link; at: number; all: Promise<Import[]> } | undefined; // asked anew now and then

/** originOf is what a catalog's name stands for. Where no server keeps the accounts' keys it is itself. */
async function originOf(l: Link, name: string): Promise<Origin> {
  for (const old of [30_000, 1000]) {
    if (!imports || imports.of !== l || performance.now() - imports.at > old) {
      imports = { of: l, at: performance.now(), all: l.request<Import[]>(subjects.imports).catch(() => []) };
    }
    const i = (await imports.all).find((i) => (i.as ?? i.catalog) === name);
    if (i) return { catalog: i.catalog, owner: i.owner };
  }
  return { catalog: name };
}

/** holdSession keeps a session open for a file; several readers with the same purpose share it. */
async function holdSession(asked: Asked, hash: string, purpose: Purpose): Promise<Hold> {
  const l = connected();
  try {
    await l.up();
  } catch (e) {
    const signedOut = 'You are signed out. Sign in again to go on.';
    throw new MediaError('signed_out', e instanceof Problem ? signedOut : 'There is no connection.');
  }
  let off = (): void => {};
  const { catalog, save } = asked;
  const waiting = (s: Session): void => {
    off = s.onWaiting((waiting) => tell({ type: 'waiting', id: save, catalog, hash: asked.hash, waiting }));
  };
  const origin = (): Promise<Origin> => originOf(l, catalog);
  const make = (): Session =>
    new Session(catalog, hash, new LinkWire(l), flow, { plain, origin, ...purposes[purpose] });
  try {
    const h = await sessions.hold([catalog, hash, purpose].join('/'), make, waiting);
    return {
      session: h.session,
      release: (done) => {
        off();
        h.release(done);
      }
    };
  } catch (e) {
    off();
    throw e;
  }
}

// Answers.

interface Asked {
  catalog: string;
  hash: string;
  name: string;
  save?: string; // the id of a download
  left: AbortController; // by the browser
}

async function serve(request: Request, url: URL): Promise<Response> {
  const [, , catalog, hash, rawName = 'file'] = url.pathname.split('/');
  let name: string;
  try {
    name = decodeURIComponent(rawName);
  } catch {
    name = 'file';
  }
  const save = url.searchParams.get('save') ?? undefined;
  const asked: Asked = { catalog, hash, name, save, left: new AbortController() };
  if (asked.save) running.add(asked.save);
  try {
    if (!/^[A-Za-z0-9]{1,64}$/.test(catalog ?? '')) throw new MediaError('missing', 'No such file.');
    if (hash === 'zip') return await archive(asked, url.searchParams.get('folder') ?? '');
    if (!/^[0-9a-f]{64}$/.test(hash ?? '')) throw new MediaError('missing', 'No such file.');
    const type = url.searchParams.get('type') ?? '';
    if (url.searchParams.has('thumb')) return await lane.run(() => thumb(asked, request, type));
    const held = await hold(asked, hash, asked.save ? 'saving' : 'playing');
    return asked.save ? download(asked, held) : inline(asked, held, request, type);
  } catch (e) {
    return failure(asked, e);
  }
}

const status: Record<string, number> = {
  revoked: 403, missing: 404, changed: 410, away: 424, busy: 429, offline: 503, signed_out: 401
};

function failure(asked: Asked, e: unknown): Response {
  const m = judge(e);
  report(asked, m);
  return new Response(JSON.stringify({ reason: m.why, error: m.message }), {
    status: status[m.why] ?? 502,
    headers: { ...safe, 'Content-Type': 'application/json', 'Content-Security-Policy': sandbox }
  });
}

function report(asked: Asked, m: MediaError): void {
  const { save, catalog, hash, name } = asked;
  if (save) running.delete(save);
  tell({ type: 'failed', id: save, catalog, hash, name, why: m.why, message: m.message });
}

const sandbox = "sandbox; default-src 'none'";
const safe = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin'
};

/** headersOf are those of a file that is shown, with the type that the catalog claims. */
function headersOf(asked: Asked, claimed: string): Record<string, string> {
  const as = servedAs(claimed);
  const headers: Record<string, string> = { ...safe, 'Content-Type': as.type };
  // The browser's own PDF viewer needs to be let in; nothing in a PDF runs in our origin.
  if (as.type !== 'application/pdf') headers['Content-Security-Policy'] = sandbox;
  if (!as.inline) headers['Content-Disposition'] = disposition(asked.name);
  return headers;
}

/** inline answers what elements of the page ask for, ranges included. */
function inline(asked: Asked, held: Source, request: Request, claimed: string): Response {
  const { size } = held;
  const headers: Record<string, string> = { ...headersOf(asked, claimed), 'Accept-Ranges': 'bytes' };
  const range = parseRange(request.headers.get('Range'), size);
  if ('impossible' in range) {
    held.release();
    return new Response(null, { status: 416, headers: { ...headers, 'Content-Range': `bytes */${size}` } });
  }
  const [first, last] = 'all' in range ? [0, size - 1] : [range.first, range.last];
  headers['Content-Length'] = String(last - first + 1);
  if (!('all' in range)) headers['Content-Range'] = `bytes ${first}-${last}/${size}`;
  const status = 'all' in range ? 200 : 206;
  if (request.method === 'HEAD') {
    held.release();
    return new Response(null, { status, headers });
  }
  const end = (whole: boolean): void => held.release(whole && first === 0 && last === size - 1);
  return new Response(stream(asked, held.read(first, last), end), { status, headers });
}

// A folder has many pictures, and their owner's server holds few sessions for one account: some at a time, each closed
// at once.
const lane = new Lane(8);
const away = new Map<string, number>(); // catalogs whose owner did not answer, and until when to ask for no thumbnails

/** thumb answers with the whole of a small picture. */
async function thumb(asked: Asked, request: Request, claimed: string): Promise<Response> {
  if (request.signal.aborted || (away.get(asked.catalog) ?? 0) > performance.now()) {
    throw new MediaError('offline', 'The owner of this catalog is offline.');
  }
  try {
    const held = await hold(asked, asked.hash, 'previewing');
    try {
      const parts: Uint8Array[] = [];
      for await (const p of held.read(0, held.size - 1)) parts.push(p);
      away.delete(asked.catalog);
      return new Response(new Blob(parts as BlobPart[]), { headers: headersOf(asked, claimed) });
    } finally {
      held.release(true);
    }
  } catch (e) {
    if (judge(e).why === 'offline') away.set(asked.catalog, performance.now() + 2000);
    throw e;
  }
}

/** pieces reads to the end; a caller that stops early closes the reader. Nothing is asked for before the first read. */
async function* pieces(asked: Asked, session: Session, first: number, last: number): AsyncGenerator<Uint8Array> {
  const reader = new Reader(session, first, last);
  const close = () => reader.close();
  asked.left.signal.addEventListener('abort', close);
  try {
    for (let c = await reader.read(); c; c = await reader.read()) yield c;
  } finally {
    asked.left.signal.removeEventListener('abort', close);
    reader.close();
  }
}

/**
 * stream hands out what a generator yields, as it is read: the reader's pace is the whole pipe's pace. What ends it
 * early is reported, once; end is called when it is over.
 */
function stream(
  asked: Asked,
  from: AsyncGenerator<Uint8Array>,
  end: (whole: boolean) => void = () => {}
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(c) {
        try {
          const { value, done } = await from.next();
          if (!done) return c.enqueue(value);
          c.close();
          end(true);
        } catch (e) {
          end(false);
          if (asked.left.signal.aborted) return;
          report(asked, judge(e));
          c.error(e);
        }
      },
      async cancel() {
        asked.left.abort();
        if (asked.save) report(asked, new MediaError('failed', 'The download was stopped in the browser.'));
        await from.return(undefined);
        end(false);
      }
    },
    { highWaterMark: 0 }
  );
}

const pace = 250; // milliseconds between two words about progress

/** saved answers with what the browser is to save. */
function saved(
  asked: Asked, length: number, type: string, body: AsyncGenerator<Uint8Array>, end?: () => void
): Response {
  return new Response(stream(asked, body, end), {
    headers: {
      ...safe,
      'Content-Type': type,
      'Content-Length': String(length),
      'Content-Disposition': disposition(asked.name),
      'Content-Security-Policy': sandbox
    }
  });
}

/** whole says that all of a download was handed out, and was right. */
function whole(asked: Asked, bytes: number, hash: string): void {
  running.delete(asked.save!);
  tell({ type: 'saved', id: asked.save!, name: asked.name, bytes, hash });
}

/** download answers with the whole file. Its last piece is let through only if the hash is right: a wrong one fails. */
function download(asked: Asked, held: Source): Response {
  const total = held.size;
  tell({ type: 'progress', id: asked.save!, name: asked.name, bytes: 0, total });
  async function* checked(): AsyncGenerator<Uint8Array> {
    const sum = await createSHA256();
    sum.init();
    let bytes = 0;
    let told = 0;
    let last: Uint8Array | undefined;
    for await (const c of held.read(0, total - 1)) {
      if (last) yield last;
      sum.update(c);
      bytes += c.length;
      last = c;
      if (performance.now() - told > pace) {
        told = performance.now();
        tell({ type: 'progress', id: asked.save!, name: asked.name, bytes, total });
      }
    }
    const hash = sum.digest('hex');
    if (hash !== asked.hash) {
      throw new MediaError('damaged', 'What arrived is not the file that the catalog lists. It was not saved.');
    }
    if (last) yield last;
    whole(asked, bytes, hash);
  }
  return saved(asked, total, 'application/octet-stream', checked(), () => held.release(true));
}

/** archive answers with a folder as a zip. Each file in it is checked; a wrong one fails the archive. */
async function archive(asked: Asked, folder: string): Promise<Response> {
  const l = connected();
  await l.up();
  const contents = await list(l, asked.catalog);
  const entries = inFolder(contents.entries, folder);
  if (entries.length === 0) throw new MediaError('missing', 'The folder is not in the catalog any more.');
  const files = entries.map((e) => ({
    path: e.path.slice(folder.length), size: e.size, modified: e.modified, entry: e
  }));
  const total = zipLength(files);
  let bytes = 0;
  let told = 0;
  async function* file(e: Entry): AsyncGenerator<Uint8Array> {
    const sum = await createSHA256();
    sum.init();
    if (e.size > 0) {
      const { size, read, release } = await hold(asked, e.hash, 'saving');
      try {
        for await (const c of read(0, size - 1)) {
          sum.update(c);
          bytes += c.length;
          if (performance.now() - told > pace) {
            told = performance.now();
            tell({ type: 'progress', id: asked.save!, name: asked.name, bytes, total });
          }
          yield c;
        }
      } finally {
        release(true);
      }
    }
    if (sum.digest('hex') !== e.hash) {
      throw new MediaError('damaged', `${e.path} did not arrive as the catalog lists it. The archive was not saved.`);
    }
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* zip(files, (f) => file((f as (typeof files)[number]).entry));
    whole(asked, total, '');
  }
  return saved(asked, total, 'application/zip', all());
}
