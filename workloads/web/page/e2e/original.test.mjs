// A friend who runs an original Natster: its server pushes files whole, lists paths with a slash, and encodes mp4 anew.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { aBrowser, bob, site, stage, take, withBrowser } from './lib.mjs';

withBrowser();

let page;

test('its catalog is listed, and the page says what to expect of it', async () => {
  await stage('original');
  page = await bob(await aBrowser());
  await take(page, 'vintage');
  await page.getByText('served by an original Natster').waitFor();
  assert.deepEqual((await page.locator('a.file .cut').allInnerTexts()).sort(), ['film.mp4', 'letter.txt', 'music']);
  assert.equal(await page.locator('[data-left-out]').innerText(), '1 file left out: hidden');
});

test('a text is shown once it has come whole', async () => {
  await page.goto(site + '/c/vintage/letter.txt');
  await page.locator('pre').getByText('this came whole').waitFor();
});

test('sound plays', async () => {
  await page.goto(site + '/c/vintage/music/tone.ogg');
  await page.waitForFunction(() => document.querySelector('audio')?.currentTime > 0.1);
});

test('a file is saved, and its hash is right', async () => {
  await page.goto(site + '/c/vintage/');
  const started = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save letter.txt', exact: true }).click();
  const path = await (await started).path();
  await page.getByText('Saved, and whole').waitFor();
  const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
  assert.equal(await page.locator('[data-hash]').getAttribute('data-hash'), hash);
});

test('a film that is encoded anew is told as what it is', async () => {
  await page.goto(site + '/c/vintage/film.mp4');
  await page.locator('[data-problem]').getByText(/encodes this film anew/).waitFor();
});
