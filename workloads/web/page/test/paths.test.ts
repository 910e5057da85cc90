// The table of cases is the catalog package's: Go's tests read it, too.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { badPath, bare, cleanListed, parts, shown } from '../src/lib/paths';

interface Case {
  path: string;
  times?: number;
  end?: string;
  why: string;
  shown?: string;
}
const table = JSON.parse(readFileSync(new URL('../../../catalog/testdata/paths.json', import.meta.url), 'utf8')) as {
  paths: Case[];
  characters: Record<'refused' | 'escaped', string[]>;
  listed: { path: string; means: string }[];
};
const whole = (c: Case) => c.path.repeat(c.times ?? 1) + (c.end ?? '');

test.each(table.paths.map((c) => [whole(c), c] as const))('the one rule of names: %j', (path, c) => {
  if (c.why) expect(badPath(path)).toContain(c.why);
  else {
    expect(badPath(path)).toBe('');
    expect(shown(path)).toBe(c.shown ?? path);
    expect(parts(path).map((p) => p.text).join('')).toBe(path);
    expect(parts(path).some((p) => p.unseen)).toBe(c.shown !== undefined);
    expect(shown(bare(path))).toBe(bare(path));
  }
});

test('each character of Unicode', { timeout: 60_000 }, () => {
  const fate = new Map<number, string>();
  for (const [what, ranges] of Object.entries(table.characters)) {
    for (const r of ranges) {
      const [first, last = first] = r.split('-').map((c) => parseInt(c, 16));
      for (let c = first; c <= last; c++) fate.set(c, what);
    }
  }
  const wrong: string[] = [];
  for (let c = 0; c <= 0x10ffff; c++) {
    if (c === 0x20000) c = 0xe0000; // between are ideographs alone
    if (c === 0xe1000) break; // then what is for private use
    if (c >= 0xd800 && c <= 0xdfff) continue; // halves, which Go has not
    const p = `a${String.fromCodePoint(c)}b`;
    const got = badPath(p) ? 'refused' : shown(p) !== p ? 'escaped' : undefined;
    if (got !== fate.get(c)) wrong.push(`${c.toString(16)}: ${got}, want ${fate.get(c)}`);
  }
  expect(wrong).toEqual([]);
});

test.each(table.listed)('a listing means %j', (c) => expect(cleanListed(c.path)).toBe(c.means));

test('half a character is no name', () => expect(badPath('half a \ud800 character')).toContain('UTF-8'));
