// An original server's listing and pushes, as recorded for the client's tests: they are sealed to one receiver.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { list } from '../src/lib/catalog';
import { curveFromSeed } from '../src/lib/media/header';
import { pushed } from '../src/lib/media/push';
import type { MediaError } from '../src/lib/media/wire';

interface Taking {
  reply: { data: unknown };
  messages: { header: Record<string, string[]>; data: string }[];
}
const recorded = new URL('../../../catalog/client/testdata/original.json', import.meta.url);
const recording = JSON.parse(readFileSync(recorded, 'utf8')) as {
  receiver_seed: string;
  get: { data: unknown };
  download: Record<string, Taking>;
};

/** An Original answers as the recorded server does, and can lose chunks. */
class Original {
  pushes = 0;
  lose = (_push: number, _i: number) => false;
  before = false; // its chunks come before its answer
  private hear: ((data: Uint8Array, header: (name: string) => string) => void) | undefined;
  async subscribe(_: string, f: (data: Uint8Array, header: (name: string) => string) => void) {
    this.hear = f;
    return () => (this.hear = undefined);
  }
  async request<T>(subject: string, q: { hash?: string }): Promise<T> {
    if (subject.endsWith('.get')) return recording.get.data as T;
    const f = recording.download[q.hash!];
    const push = ++this.pushes;
    const send = () => {
      for (const [i, m] of f.messages.entries()) {
        if (this.lose(push, i)) continue;
        this.hear?.(new Uint8Array(Buffer.from(m.data, 'base64')), (name) => m.header[name]?.[0] ?? '');
      }
    };
    if (this.before) send();
    else setTimeout(send, 1);
    return f.reply.data as T;
  }
  async fetch(path: string, progress: (bytes: number, total: number) => void = () => {}) {
    const e = (await list(this, 'films')).entries.find((e) => e.path === path)!;
    const curve = () => curveFromSeed(recording.receiver_seed);
    const b = await pushed(this, 'films', e.hash, progress, { quiet: 50, curve });
    expect(b.size).toBe(e.size);
    expect(createHash('sha256').update(Buffer.from(await b.arrayBuffer())).digest('hex')).toBe(e.hash);
    return b;
  }
}

test('its listing is taken as it means it, and what is hidden is left out', async () => {
  const c = await list(new Original(), 'films');
  expect(c.entries.map((e) => e.path).sort()).toEqual(['README.txt', 'docs/notes.md', 'film.mp4', 'short/clip.mp4']);
  expect(c.entries.every((e) => e.description === '')).toBe(true);
  expect(c.entries.find((e) => e.path === 'docs/notes.md')).toMatchObject({ type: 'text/markdown', kind: 'text' });
  expect([...c.leftOut]).toEqual([['hidden', 1]]);
  expect(c.original).toBe(true);
});

test.each([false, true])('a file that is pushed comes whole (its chunks before its answer: %s)', async (before) => {
  const o = new Original();
  o.before = before;
  const told: number[] = [];
  await o.fetch('docs/notes.md', (b) => told.push(b));
  expect(told).toEqual([4096, 8192, 9001]);
  expect(o.pushes).toBe(1);
});

test('what is lost comes with another push', async () => {
  const o = new Original();
  o.lose = (push, i) => i === push;
  await o.fetch('docs/notes.md');
  expect(o.pushes).toBe(2);
});

test('a server that stops sending is given up on', async () => {
  const o = new Original();
  o.lose = (_, i) => i === 1;
  await expect(o.fetch('docs/notes.md')).rejects.toMatchObject({ why: 'offline' } satisfies Partial<MediaError>);
  expect(o.pushes).toBe(4);
});

test.each(['film.mp4', 'short/clip.mp4'])('%s is encoded anew on its way, and told as what it is', async (path) => {
  await expect(new Original().fetch(path)).rejects.toMatchObject({ why: 'transcoded' } satisfies Partial<MediaError>);
});
