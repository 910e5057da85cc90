// Opening a file of a catalog: a session, which reads any part of it, or all of it at once where its owner's server is an
// original one, which pushes files whole.

import { createSHA256, type IHasher } from 'hash-wasm';
import { Problem } from '../lib/identity';
import type { Link } from '../lib/link';
import { pushed } from '../lib/media/push';
import { Reader } from '../lib/media/reader';
import { judge, Session } from '../lib/media/session';
import type { Hold } from '../lib/media/sessions';
import { glancing, MediaError, playing, saving } from '../lib/media/wire';
import { connected, flow, originOf, sessions, wholes, wireOf } from './connection';
import { paced, tell, type Asked } from './tell';

const purposes = { playing, saving, glancing };
type Purpose = keyof typeof purposes;

/** A Source is an open file. */
export interface Source {
  size: number;
  read(first: number, last: number): AsyncGenerator<Uint8Array>;
  release(done?: boolean): void;
}

const originals = new Set<string>(); // catalogs whose server is an original one
let plain = false;

/** forgetServers forgets which servers are original ones. */
export const forgetServers = (): void => originals.clear();

/** measure says whether sessions hand on chunks unopened from now on, for benchmarks. */
export function measure(unopened: boolean): void {
  plain = unopened;
  sessions.clear((s) => s.close());
}

/** open opens the file with that hash. */
export async function open(asked: Asked, hash: string, purpose: Purpose): Promise<Source> {
  if (!originals.has(asked.catalog)) {
    try {
      const h = await hold(asked, hash, purpose);
      return { size: h.session.layout.size, read: (first, last) => pieces(asked, h.session, first, last), release: h.release };
    } catch (e) {
      if (judge(e).why !== 'old_server') throw e;
      originals.add(asked.catalog);
    }
  }
  const blob = await wholes.get(asked.catalog, hash, () => fetchWhole(asked, hash));
  return { size: blob.size, read: (first, last) => partsOf(blob.slice(first, last + 1)), release: () => {} };
}

/** hold keeps a session open for a file; several readers with the same purpose share it. */
async function hold(asked: Asked, hash: string, purpose: Purpose): Promise<Hold> {
  const l = await signedIn();
  let off = (): void => {};
  const waiting = (s: Session): void => {
    off = s.onWaiting((waiting) => tell({ type: 'waiting', id: asked.save, catalog: asked.catalog, hash: asked.hash, waiting }));
  };
  const make = (): Session =>
    new Session(asked.catalog, hash, wireOf(l), flow, { plain, origin: () => originOf(l, asked.catalog), ...purposes[purpose] });
  try {
    const h = await sessions.hold([asked.catalog, hash, purpose].join('/'), make, waiting);
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

async function signedIn(): Promise<Link> {
  const l = connected();
  try {
    await l.up();
  } catch (e) {
    throw new MediaError('signed_out', e instanceof Problem ? 'You are signed out. Sign in again to go on.' : 'There is no connection.');
  }
  return l;
}

/** pieces reads to the end; whoever stops early closes the reader. Nothing is asked for before somebody reads. */
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

/** fetchWhole is a file that is pushed, which comes whole, and is checked. */
async function fetchWhole(asked: Asked, hash: string): Promise<Blob> {
  const progress = paced((bytes: number, total: number) => {
    if (asked.save) tell({ type: 'progress', id: asked.save, name: asked.name, bytes, total });
    tell({ type: 'fetching', catalog: asked.catalog, hash, bytes, total });
  });
  try {
    const l = connected();
    await l.up();
    const blob = await pushed(wireOf(l), asked.catalog, hash, progress);
    tell({ type: 'fetching', catalog: asked.catalog, hash, bytes: blob.size, total: blob.size });
    const sum = await newSum();
    for await (const p of partsOf(blob)) sum.update(p);
    if (sum.digest('hex') !== hash) throw new MediaError('damaged', 'What arrived is not the file that the catalog lists.');
    return blob;
  } catch (e) {
    if (judge(e).why === 'missing') originals.delete(asked.catalog);
    throw e;
  }
}

async function* partsOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  for (let r = await reader.read(); !r.done; r = await reader.read()) yield r.value;
}

/** newSum is a SHA-256 of nothing yet. */
export async function newSum(): Promise<IHasher> {
  const sum = await createSHA256();
  sum.init();
  return sum;
}
