// Saving files and folders, whole or not at all; and what others could see of it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { test } from 'node:test';
import { aBrowser, bob, killWorker, shot, site, stage, withBrowser, withFilms } from './lib.mjs';

withBrowser();
let context, page, files;

async function sha256(path) {
  const h = createHash('sha256');
  for await (const b of createReadStream(path)) h.update(b);
  return h.digest('hex');
}

/** save starts a download and returns it and its place in the page's list. */
async function save(name) {
  const started = page.waitForEvent('download');
  await page.getByRole('button', { name: `Save ${name}` }).click();
  return { download: await started, row: page.getByLabel('Downloads').locator('.one').first() };
}

test('a file is saved under its name, and its hash is right', async () => {
  await stage('serve');
  context = await aBrowser();
  page = await bob(context);
  await withFilms(page);
  files = Object.fromEntries((await stage('files')).entries.map((e) => [e.path, e]));
  const { download, row } = await save('big.bin');
  assert.equal(download.suggestedFilename(), 'big.bin');
  assert.equal(await sha256(await download.path()), files['big.bin'].hash);
  await row.getByText('Saved, and whole').waitFor();
  assert.equal(await row.locator('[data-hash]').getAttribute('data-hash'), files['big.bin'].hash);
  await shot(page, 'saved');
});

test('the world restarts in the middle of it, and it arrives whole all the same', async () => {
  const { download } = await save('big.bin');
  await page.waitForFunction(() => document.querySelector('progress')?.value > 1_000_000);
  await stage('restart-world');
  assert.equal(await sha256(await download.path()), files['big.bin'].hash);
});

test('a tab that is closed does not end a download', async () => {
  const tab = await context.newPage();
  await tab.goto(site + '/c/films/');
  const started = tab.waitForEvent('download');
  await tab.getByRole('button', { name: 'Save big.bin' }).click();
  const download = await started;
  await tab.close();
  assert.equal(await sha256(await download.path()), files['big.bin'].hash);
});

test('a folder is saved as an archive that others can open', async () => {
  const { download, row } = await save('folder pictures');
  assert.equal(download.suggestedFilename(), 'pictures.zip');
  await row.getByText('Saved, and whole').waitFor();
  await stage('zip', await download.path());
});

test('the browser stops the worker in the middle of it, and the page says so', async () => {
  await stage('slow', '2000000');
  const { row } = await save('big.bin');
  await killWorker(page);
  await row.getByRole('alert').filter({ hasText: 'stopped' }).waitFor();
  await stage('slow', '0');
});

test('a folder of which a file changed meanwhile is not saved, and the page says why', async () => {
  await stage('slow', '5000000');
  const started = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save all' }).click();
  const download = await started;
  await page.waitForFunction(() => document.querySelector('progress')?.value > 1_000_000);
  await stage('change', 'clips/long.mp4');
  await stage('slow', '0');
  assert.notEqual(await download.failure(), null);
  const alert = page.getByLabel('Downloads').locator('.one').first().getByRole('alert');
  await alert.filter({ hasText: /changed|removed|not in the catalog/ }).waitFor();
});

test('a file that changes while it is saved is not saved, and the page says why', async () => {
  await stage('slow', '2000000');
  const { download, row } = await save('big.bin');
  await stage('change', 'big.bin');
  assert.notEqual(await download.failure(), null);
  await row.getByRole('alert').filter({ hasText: /changed|not the file/ }).waitFor();
  await shot(page, 'changed');
  await stage('slow', '0');
});

test('an empty name, an odd name: each file keeps its own', async () => {
  await page.goto(site + '/c/films/hostile/');
  const started = page.waitForEvent('download');
  await page.getByRole('button', { name: /Save "; filename/ }).click();
  const d = await started;
  assert.ok(!d.suggestedFilename().endsWith('.exe'), d.suggestedFilename());
});

test('nothing of the downloads is left in the page', async () => {
  await page.goto(site + '/c/films/notes/');
  const { row } = await save('read me.txt');
  await row.getByText('Saved, and whole').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('iframe').length === 0);
});

test('nothing that passed through the site or the server was readable', async () => {
  const tap = await stage('tap');
  assert.ok(tap.bytes > 100_000_000, `only ${tap.bytes} bytes were tapped`);
  assert.ok(tap.marks > 15, `only ${tap.marks} marks`);
  assert.deepEqual(tap.seen, {});
  assert.deepEqual(context.errors, []);
});
