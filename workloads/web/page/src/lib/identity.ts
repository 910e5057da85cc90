// Who this browser is to NATS: a user key pair that it made itself and cannot give away, and short-lived user JWTs.

import { userNkey } from './nkey';
import * as store from './store';

interface Pair {
  privateKey: CryptoKey;
  publicKey: string;
}

const slot = 'identity';

let cached: Promise<Pair> | undefined;

/** pair is this browser's key pair. Its private half is not extractable: all that it can be used for is to sign. */
export function pair(): Promise<Pair> {
  cached ??= load().catch((e) => {
    cached = undefined;
    throw e;
  });
  return cached;
}

async function load(): Promise<Pair> {
  const old = await store.get<Pair>(slot);
  if (old) return old;
  const fresh = (await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify'])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', fresh.publicKey));
  return store.putNew<Pair>(slot, { privateKey: fresh.privateKey, publicKey: userNkey(raw) });
}

/** renew looks for the key pair anew: another tab may have signed in as another account. */
export function renew(): void {
  cached = undefined;
}

/** forget drops the key pair: the next one is new. */
export async function forget(): Promise<void> {
  cached = undefined;
  await store.drop(slot);
}

/** sign answers a server's challenge, in the form that CONNECT wants it: base64url without padding. */
export async function sign(nonce: string): Promise<string> {
  const { privateKey } = await pair();
  const data = new TextEncoder().encode(nonce);
  const sig = new Uint8Array(await crypto.subtle.sign({ name: 'Ed25519' }, privateKey, data));
  return btoa(String.fromCharCode(...sig)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** A Problem is a refusal of the site: a word to branch on, and a sentence. */
export class Problem extends Error {
  constructor(
    readonly reason: string,
    message: string
  ) {
    super(message);
  }
}

/** ask sends a question to the site and returns its answer; a refusal is a Problem, and so is silence. */
export async function ask<T>(path: string, body?: unknown): Promise<T> {
  let r: Response;
  try {
    r = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? undefined : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(10_000)
    });
  } catch {
    throw new Problem('unreachable', 'The website does not answer. Check your connection.');
  }
  const answer = await r.json().catch(() => ({}));
  if (!r.ok) throw new Problem(answer.reason ?? 'internal', answer.error ?? `the website answered ${r.status}`);
  return answer as T;
}

export interface Token {
  jwt: string;
  account: string;
  expires: number; // unix seconds
}

/** mint has the site get a user JWT for this browser's key. */
export async function mint(): Promise<Token> {
  return ask<Token>('/api/mint', { user_key: (await pair()).publicKey });
}
