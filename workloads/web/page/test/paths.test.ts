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

test.each(table.listed)('a listing means %j', (c) => expect(cleanListed(c.path)).toBe(c.means));

test('half a character is no name', () => expect(badPath('half a \ud800 character')).toContain('UTF-8'));
