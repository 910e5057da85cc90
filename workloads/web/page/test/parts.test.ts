import { crc32 as zlibCRC, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { entry, findable, level, list, type Entry } from '../src/lib/catalog';
import { kindOf, servedAs } from '../src/lib/kinds';
import { disposition, parseRange } from '../src/lib/urls';
import { crc32, zip, zipLength } from '../src/lib/zip';

test('ranges as browsers send them', () => {
  expect(parseRange(null, 10)).toEqual({ all: true });
  expect(parseRange('bytes=0-', 10)).toEqual({ first: 0, last: 9 });
  expect(parseRange('bytes=3-5', 10)).toEqual({ first: 3, last: 5 });
  expect(parseRange('bytes=3-99', 10)).toEqual({ first: 3, last: 9 });
  expect(parseRange('bytes=-4', 10)).toEqual({ first: 6, last: 9 });
  expect(parseRange('bytes=-40', 10)).toEqual({ first: 0, last: 9 });
  expect(parseRange('bytes=10-', 10)).toEqual({ impossible: true });
  expect(parseRange('bytes=-0', 10)).toEqual({ impossible: true });
  expect(parseRange('bytes=0-', 0)).toEqual({ impossible: true });
  expect(parseRange('bytes=1-2,4-5', 10)).toEqual({ all: true });
  expect(parseRange('bytes=5-3', 10)).toEqual({ all: true });
});

test('nothing that could run is shown in our origin', () => {
  for (const t of [
    'text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/xml', 'application/javascript', 'application/xml',
    'text/html; charset=x', 'TEXT/HTML', ''
  ]) {
    expect(servedAs(t), t).toEqual({ type: 'application/octet-stream', inline: false });
  }
  expect(servedAs('text/javascript').type).toBe('text/plain; charset=utf-8');
  expect(kindOf('video/mp4')).toBe('video');
});

test('a name cannot break out of its header', () => {
  const d = disposition('a"; filename="evil.exe\r\nX: y\u202egpj.exe/../ü.txt');
  expect(d).not.toMatch(/[\r\n\u202e]/);
  expect(d.match(/"/g)).toHaveLength(2);
  expect(d).toContain("filename*=UTF-8''");
});

test('entries that no catalog may list are left out', () => {
  const good = { path: 'a/b.txt', mime_type: 'text/plain', byte_size: 3, hash: 'a'.repeat(64) };
  expect(entry(good)).toMatchObject({ name: 'b.txt', modified: 0 });
  for (const bad of [
    { path: '../x' }, { path: '//x' }, { path: 'a//b' }, { path: '' }, { path: '.ssh/x' }, { path: 'a\\b' },
    { path: 'a\u202eb' }, { hash: 'x' }, { byte_size: -1 }, { byte_size: 'many' }
  ]) {
    expect(typeof entry({ ...good, ...bad }), JSON.stringify(bad)).toBe('string');
  }
  expect(entry({ ...good, mime_type: 'x' })).toMatchObject({ type: 'application/octet-stream', kind: 'other' });
  expect(entry({ ...good, mtime: 1700000000 })).toMatchObject({ modified: 1700000000 });
  for (const mtime of ['1', 1.5, null, 1e300]) expect(entry({ ...good, mtime })).toMatchObject({ modified: 0 });
  const ugly = '<img src=x onerror=alert(1)>.png'; // but text
  expect(entry({ ...good, path: ugly })).toMatchObject({ name: ugly });
  const half = 'half a \ud800 character'; // repaired, as in Go
  expect(entry({ ...good, path: '/' + half })).toMatchObject({ path: 'half a \ufffd character' });
  expect(servedAs('constructor')).toEqual({ type: 'application/octet-stream', inline: false });
});

test('a listing says how many entries were left out, and why', async () => {
  const e = (path: string) => ({ path, mime_type: 'text/plain', byte_size: 2, hash: 'a'.repeat(64) });
  const entries = [e('a'), e('b/c'), e('.x'), e('d/.y'), e('../z'), e('b/c'), e('a/e'), null, { ...e('f'), hash: '' }];
  const answer = { name: 'films', revision: 1, total: entries.length, entries };
  const c = await list({ request: async <T>() => answer as T }, 'films');
  expect(c.entries.map((e) => e.path)).toEqual(['a', 'b/c']);
  expect(Object.fromEntries(c.leftOut)).toEqual({
    hidden: 2, 'that leads elsewhere': 1, 'listed twice': 1, 'below another file': 1, 'not readable': 1,
    'without a hash': 1
  });
  expect(c.original).toBe(false);
});

test('the listing of an original server is read as it means it', async () => {
  const hash = 'a'.repeat(64);
  const automatic = 'Auto-imported library entry';
  const entries = [
    { path: '/README.txt', description: automatic, mime_type: 'text/plain; charset=utf-8', byte_size: 5, hash },
    { path: '/films/a.mp4', description: 'A film', mime_type: 'video/mp4', byte_size: 5, hash }
  ];
  const answer = { name: 'films', description: 'mine', image: '', entries };
  const c = await list({ request: async <T>() => answer as T }, 'films');
  expect(c.entries.map((e) => [e.path, e.description, e.type, e.kind])).toEqual([
    ['README.txt', '', 'text/plain', 'text'],
    ['films/a.mp4', 'A film', 'video/mp4', 'video']
  ]);
  expect(c.leftOut.size).toBe(0);
  expect(c.original).toBe(true);
});

test('what is searched is found however it is written', () => {
  expect(findable('Cafe\u0301.TXT')).toBe(findable('Caf\u00e9.txt'));
  expect(findable('שיר\u200f (live)')).toBe('שיר (live)');
  expect(findable('a\u200bb')).toBe('ab');
});

test('a level of folders', () => {
  const e = (path: string) => entry({ path, mime_type: 'text/plain', byte_size: 2, hash: 'a'.repeat(64) }) as Entry;
  const l = level([e('a/b/c'), e('a/d'), e('e')], '');
  expect(l.folders).toEqual([{ name: 'a', path: 'a/', files: 2, size: 4 }]);
  expect(l.files.map((f) => f.path)).toEqual(['e']);
});

test('crc-32', () => {
  const b = new Uint8Array(100_003).map((_, i) => i * 31);
  expect(crc32(b.subarray(500), crc32(b.subarray(0, 500)))).toBe(zlibCRC(b));
});

test('an archive that others can read, as long as was said', async () => {
  const files = [
    { path: 'a.txt', size: 5, body: 'hello', modified: Date.UTC(2001, 2, 3, 4, 5, 6) / 1000 },
    { path: 'ordner/größe.bin', size: 100_000, body: 'x'.repeat(100_000) },
    { path: 'leer', size: 0, body: '' }
  ];
  const parts: Uint8Array[] = [];
  for await (const p of zip(files, async function* (e) {
    const b = new TextEncoder().encode((e as (typeof files)[number]).body);
    for (let i = 0; i < b.length; i += 7000) yield b.subarray(i, i + 7000);
  })) parts.push(p);
  const out = Buffer.concat(parts);
  expect(out.length).toBe(zipLength(files));
  // The e2e tests have another program read one; here, that every entry is where the directory at the end says.
  const at = out.lastIndexOf(Buffer.from([0x50, 0x4b, 0x06, 0x06]));
  expect(out.readBigUInt64LE(at + 32)).toBe(3n);
  let entry = Number(out.readBigUInt64LE(at + 48));
  for (const f of files) {
    expect(out.readUInt32LE(entry)).toBe(0x02014b50);
    expect(out.readUInt32LE(entry + 16)).toBe(zlibCRC(f.body));
    const name = out.readUInt16LE(entry + 28);
    expect(out.subarray(entry + 46, entry + 46 + name).toString()).toBe(f.path);
    const local = Number(out.readBigUInt64LE(entry + 46 + name + 4 + 16));
    expect(out.readUInt32LE(local)).toBe(0x04034b50);
    const extra = out.readUInt16LE(entry + 30);
    expect(extra).toBe(f.modified ? 37 : 28);
    expect(out.readUInt16LE(local + 28)).toBe(f.modified ? 29 : 20);
    if (f.modified) {
      expect(out.readUInt32LE(entry + 46 + name + 28 + 5)).toBe(f.modified);
      expect(out.readUInt32LE(local + 30 + name + 20 + 5)).toBe(f.modified);
      expect(out.readUInt16LE(local + 12) >> 9).toBe(21); // years from 1980
    }
    entry += 46 + name + extra;
  }
});

test('a page that comes compressed is read, and one that grows without end is not', async () => {
  const hash = 'a'.repeat(64);
  const page = { name: 'films', revision: 1, entries: [{ path: 'a.mp4', hash, byte_size: 1, mime_type: 'video/mp4' }] };
  const packed = (b: Buffer) => ({ name: '', gzip: gzipSync(b).toString('base64') });
  let asked: any;
  const link = (answer: unknown) => ({ request: async <T>(_: string, q: unknown) => ((asked = q), answer as T) });
  const c = await list(link(packed(Buffer.from(JSON.stringify(page)))), 'films');
  expect(c.entries.map((e) => e.path)).toEqual(['a.mp4']);
  expect(asked.accept).toBe('gzip');
  await expect(list(link(packed(Buffer.alloc(9 << 20, ' '))), 'films')).rejects.toThrow('too large');
  await expect(list(link({ name: '', gzip: 'AAAA' }), 'films')).rejects.toThrow();
});
