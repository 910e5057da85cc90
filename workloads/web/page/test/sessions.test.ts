import { expect, test } from 'vitest';
import { Lane, Sessions } from '../src/lib/media/sessions';
import type { Session } from '../src/lib/media/session';

/** A Fake is as much of a session as the table of them knows. */
class Fake {
  held = false;
  dead = false;
  closed = 0;
  rested = 0;
  lastUsed = 0;
  refuse: Error | undefined;
  async open() {
    await null;
    if (this.refuse) {
      this.dead = true;
      throw this.refuse;
    }
    this.held = true;
  }
  rest() {
    this.rested++;
    this.held = false;
  }
  close() {
    this.closed++;
    this.held = false;
  }
}
const as = (f: Fake) => f as unknown as Session;

test('those who read the same file share a session, and the last one closes it at the end of the file', async () => {
  const s = new Sessions();
  const f = new Fake();
  let made = 0;
  const make = () => (made++, as(f));
  const [a, b] = await Promise.all([s.hold('x', make), s.hold('x', make)]);
  expect(made).toBe(1);
  a.release(true);
  expect(f.closed).toBe(0);
  a.release(true); // twice is once
  expect(f.closed).toBe(0);
  b.release(true);
  expect(f.closed).toBe(1);
});

test('one that may be read again is kept for a while', async () => {
  let now = 0;
  const s = new Sessions(10, 60_000, () => now);
  const f = new Fake();
  (await s.hold('x', () => as(f))).release();
  now = 59_000;
  s.sweep();
  expect(f.closed).toBe(0);
  now = 61_000;
  s.sweep();
  expect(f.closed).toBe(1);
});

test('an owner is never asked for many at a time: the idlest rest', async () => {
  let now = 0;
  const s = new Sessions(10, 60_000, () => now);
  const all = Array.from({ length: 300 }, () => new Fake());
  for (const [i, f] of all.entries()) {
    now++;
    const h = await s.hold(String(i), () => as(f));
    if (i % 2) h.release(); // the others are still being read, by a reader that pauses
    expect(all.filter((f) => f.held).length).toBeLessThanOrEqual(10);
  }
  expect(all.slice(0, 290).every((f) => f.rested === 1 && f.closed === 0)).toBe(true);
});

test('one that failed is not given to the next', async () => {
  const s = new Sessions();
  const bad = new Fake();
  bad.refuse = new Error('no');
  await expect(s.hold('x', () => as(bad))).rejects.toThrow('no');
  expect(bad.closed).toBe(1);
  const good = new Fake();
  expect((await s.hold('x', () => as(good))).session).toBe(as(good));
});

test('a lane lets some in at a time, and each in its turn', async () => {
  const lane = new Lane(3);
  let inside = 0;
  let peak = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      lane
        .run(async () => {
          peak = Math.max(peak, ++inside);
          order.push(i);
          await new Promise((r) => setTimeout(r, i % 3));
          inside--;
          if (i === 5) throw new Error('one that fails lets the next in');
        })
        .catch(() => {})
    )
  );
  expect(peak).toBe(3);
  expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
});
