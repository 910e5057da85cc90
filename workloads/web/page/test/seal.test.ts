import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { curveFromSeed, HeaderError, openHeader } from '../src/lib/media/header';
import { kindEnd, Receiver } from '../src/lib/media/frame';
import { userNkey } from '../src/lib/nkey';

const v = JSON.parse(readFileSync(new URL('../../../catalog/seal/testdata/protocol2.json', import.meta.url), 'utf8'));
const bytes = (s: string) => new Uint8Array(Buffer.from(s, 'base64'));
const want = {
  session: v.session, catalog: v.catalog, hash: v.hash, size: v.size, chunkSize: v.chunk_size, receiver: v.receiver,
  sender: v.sender_xkey, owner: v.owner
};
const header = bytes(v.header_base64 ?? v.header);

test('the golden header opens, and gives the content key', () => {
  const key = openHeader(header, curveFromSeed(v.target_seed), want);
  expect(Buffer.from(key).toString('hex')).toBe(v.content_key_hex);
});

test('a header for anything else is refused, and says for what', () => {
  for (const change of [
    { session: 'B'.repeat(26) }, { catalog: 'music' }, { hash: '0'.repeat(64) }, { size: v.size + 1 },
    { chunkSize: 8192 }, { receiver: v.owner }, { owner: v.receiver }
  ]) {
    expect(() => openHeader(header, curveFromSeed(v.target_seed), { ...want, ...change })).toThrow(/for another/);
  }
  const changed = header.slice();
  changed[changed.length - 1] ^= 1;
  expect(() => openHeader(changed, curveFromSeed(v.target_seed), want)).toThrow(HeaderError);
  expect(() => openHeader(header.slice(0, 20), curveFromSeed(v.target_seed), want)).toThrow(HeaderError);
});

const contentKey = new Uint8Array(Buffer.from(v.content_key_hex, 'hex'));
const receiver = (session = v.session) =>
  Receiver.make(contentKey, session, { size: v.size, chunkSize: v.chunk_size });

/** read is what a session makes of a frame. */
async function read(r: Receiver, b: Uint8Array) {
  const claim = r.peek(b);
  const plain = claim && (await r.open(b));
  return plain && { ...claim, plain };
}

test('the golden frames open to the file', async () => {
  const r = await receiver();
  const chunks: Uint8Array[] = [];
  let end: { code: number } | undefined;
  for (const f of v.frames_base64 ?? v.frames) {
    const o = await read(r, bytes(f.frame ?? f));
    expect(o).not.toBeNull();
    if (o!.kind === kindEnd) end = JSON.parse(Buffer.from(o!.plain).toString());
    else chunks[o!.index] = o!.plain;
  }
  expect(createHash('sha256').update(Buffer.concat(chunks)).digest('hex')).toBe(v.hash);
  expect(end).toBeDefined();
});

test('a frame that was changed anywhere is nothing', async () => {
  const r = await receiver();
  const frame = bytes((v.frames_base64 ?? v.frames)[0].frame ?? (v.frames_base64 ?? v.frames)[0]);
  for (const at of [0, 1, 2, 4, 11, 12, 19, 20, 500, frame.length - 1]) {
    const changed = frame.slice();
    changed[at] ^= 1;
    expect(await read(r, changed), `byte ${at}`).toBeNull();
  }
  expect(await read(r, frame.slice(0, 35))).toBeNull();
  const other = await receiver('B'.repeat(26));
  expect(await read(other, frame)).toBeNull();
});

test('a raw Ed25519 key becomes a user nkey', () => {
  expect(userNkey(new Uint8Array(32))).toMatch(/^U[A-Z2-7]{55}$/);
});
