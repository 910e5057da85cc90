import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

test('the page has at most 150 KB of JavaScript, gzipped', () => {
  const dist = new URL('../dist/', import.meta.url);
  const scripts = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.js'));
  expect(scripts, 'build the page first').toContain('sw.js');
  const bytes = scripts.reduce((n, f) => n + gzipSync(readFileSync(new URL(f, dist)), { level: 9 }).length, 0);
  expect(bytes).toBeLessThan(150_000);
});
