// Films: playing, seeking, and everything that can happen meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBrowser, bob, killWorker, open, pixels, playing, shot, site, stage, withBrowser, withFilms } from './lib.mjs';

withBrowser();
let context, page;

test('a film plays: its time moves, and its picture changes', async () => {
  await stage('serve');
  context = await aBrowser();
  page = await bob(context);
  await withFilms(page);
  await open(page, 'clips/long.mp4');
  await playing(page, 0.2);
  const before = await pixels(page);
  await playing(page, 0.8);
  assert.notEqual(await pixels(page), before);
  assert.equal(Math.round(await page.evaluate(() => document.querySelector('video').duration)), 60);
  await shot(page, 'player');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('video').hover();
  await shot(page, 'player-dark');
  await page.emulateMedia({ colorScheme: 'light' });
});

test('it seeks to the middle, to the end and back, and plays on there', async () => {
  for (const to of [30, 57, 3]) {
    await page.evaluate((to) => (document.querySelector('video').currentTime = to), to);
    await playing(page, to + 0.2);
    assert.ok((await page.evaluate(() => document.querySelector('video').currentTime)) < to + 3);
  }
});

test('two tabs play two films at once', async () => {
  const other = await context.newPage();
  await open(other, 'clips/short.webm');
  await playing(other, 0.3);
  await page.bringToFront();
  const at = await page.evaluate(() => document.querySelector('video').currentTime);
  await playing(page, at + 0.3);
  await other.close();
});

test('the worker is killed between two requests, and the film plays on', async () => {
  await page.evaluate(() => document.querySelector('video').pause());
  await killWorker(page);
  await page.evaluate(() => {
    const v = document.querySelector('video');
    v.currentTime = 45;
    void v.play();
  });
  await playing(page, 45.3);
});

test('alice’s server dies mid-play and comes back: the film goes on by itself', async () => {
  await open(page, 'clips/long.mp4');
  await playing(page, 0.2);
  await stage('kill-serving');
  await page.evaluate(() => (document.querySelector('video').currentTime = 50)); // not buffered: only the server has it
  await page.waitForFunction(() => document.querySelector('video').readyState < 3);
  await stage('serve');
  await playing(page, 50.2);
});

test('alice restarts her server while a reader pauses: he reads on', async () => {
  const film = (await stage('files')).entries.find((e) => e.path === 'clips/long.mp4');
  await page.evaluate(async (url) => {
    window.reader = (await fetch(url)).body.getReader();
    window.read = (await window.reader.read()).value.length;
  }, `/media/films/${film.hash}/long.mp4?type=video%2Fmp4`);
  // Until everything on the way to him is full, and nothing is on the line.
  for (let last = -Infinity, now = 0; now - last > 10_000; ) {
    await page.waitForTimeout(500);
    [last, now] = [now, (await stage('tap')).bytes];
  }
  await stage('stop-serving'); // which says goodbye, and forgets the session
  await stage('serve');
  const read = await page.evaluate(async () => {
    for (let c = await window.reader.read(); !c.done; c = await window.reader.read()) window.read += c.value.length;
    return window.read;
  });
  assert.equal(read, film.byte_size);
});

test('a film in no format that the browser knows is offered for saving', async () => {
  await open(page, 'clips/broken.mp4');
  await page.getByRole('heading', { name: 'This browser cannot play it' }).waitFor();
  await page.getByRole('button', { name: /^Save \d/ }).waitFor();
  await shot(page, 'unplayable');
});

test('alice takes the share back mid-play: it stops within a second, and the page says why', async () => {
  await open(page, 'clips/long.mp4');
  await playing(page, 0.5);
  await page.evaluate(() => {
    const v = document.querySelector('video');
    const emptied = () => (window.stoppedAt = performance.timeOrigin + performance.now());
    v.addEventListener('emptied', emptied, { once: true });
  });
  const began = Date.now();
  await stage('unshare');
  await page.getByRole('alert').filter({ hasText: 'no longer shared with you' }).first().waitFor();
  await page.waitForFunction(() => window.stoppedAt);
  const took = (await page.evaluate(() => window.stoppedAt)) - began;
  console.log(`stopped after ${Math.round(took)} ms`);
  assert.ok(took < 1000, `it took ${took} ms`);
  assert.ok(await page.evaluate(() => { const v = document.querySelector('video'); return !v || v.paused; }));
  await shot(page, 'revoked');
});

test('shared again, it plays again', async () => {
  await stage('share');
  await page.goto(site + '/c/films/clips/');
  await page.getByRole('link', { name: 'long.mp4' }).click();
  await playing(page, 0.2);
  assert.deepEqual(context.errors, []);
});
