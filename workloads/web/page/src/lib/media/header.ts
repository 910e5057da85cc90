// The sealed header of a protocol 2 session: the content key and all that it is bound to. See workloads/catalog/seal.

import { createCurve, fromCurveSeed, type KeyPair } from '@nats-io/nkeys';

/** A Curve is a single-use xkey pair. */
export type Curve = KeyPair & { open(message: Uint8Array, sender: string): Uint8Array | null };

export const newCurve = (): Curve => createCurve() as unknown as Curve;
export const curveFromSeed = (seed: string): Curve => fromCurveSeed(new TextEncoder().encode(seed)) as unknown as Curve;

/** A Binding is what the receiver asked for, was told, and is: the header must say the same. */
export interface Binding {
  session: string;
  catalog: string;
  hash: string;
  size: number;
  chunkSize: number;
  receiver: string;
  sender: string;
  owner?: string; // not checked when not known
}

export class HeaderError extends Error {}

const magic = [0x6e, 0x61, 0x74, 0x73, 0x74, 0x65, 0x72, 2];
const fixed = 8 + 32 + 32 + 8 + 4;

/** openHeader opens a header sealed to target and returns the content key, or says what is wrong with it. */
export function openHeader(sealed: Uint8Array, target: Curve, want: Binding): Uint8Array {
  if (sealed.length > 2048) throw new HeaderError('the header is too long');
  let b: Uint8Array | null = null;
  try {
    b = target.open(sealed, want.sender);
  } catch {
    // b stays null
  }
  if (!b || b.length < fixed || magic.some((m, i) => b[i] !== m)) throw new HeaderError('the header does not open');
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const key = b.slice(8, 40);
  const hash = hex(b.subarray(40, 72));
  const size = Number(view.getBigUint64(72));
  const chunkSize = view.getUint32(80);
  const text: string[] = [];
  let at = fixed;
  for (let i = 0; i < 8; i++) {
    if (at >= b.length || at + 1 + b[at] > b.length) throw new HeaderError('the header is cut short');
    text.push(latin(b.subarray(at + 1, at + 1 + b[at])));
    at += 1 + b[at];
  }
  if (at !== b.length) throw new HeaderError('the header has bytes too many');
  const [session, catalog, owner, receiver, targetKey, sender] = text;
  const same: [boolean, string][] = [
    [session === want.session, 'session'],
    [catalog === want.catalog, 'catalog'],
    [hash === want.hash, 'file'],
    [size === want.size, 'size'],
    [chunkSize === want.chunkSize && chunkSize >= 4096 && chunkSize <= 1 << 20, 'chunk size'],
    [want.owner === undefined || owner === want.owner, 'owner'],
    [receiver === want.receiver, 'receiver'],
    [targetKey === target.getPublicKey(), 'target key'],
    [sender === want.sender, 'sender key']
  ];
  for (const [ok, what] of same) if (!ok) throw new HeaderError(`the header is for another ${what}`);
  return key;
}

export function hex(b: Uint8Array): string {
  let s = '';
  for (const x of b) s += x.toString(16).padStart(2, '0');
  return s;
}

function latin(b: Uint8Array): string {
  return String.fromCharCode(...b);
}
