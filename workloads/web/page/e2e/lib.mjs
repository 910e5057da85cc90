// What the chapters share: a browser, the stage, and bob's first steps.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';
import { chromium } from 'playwright-core';

export const site = process.env.SITE;
/** openSite is the site's address for a browser that may sign in. */
const openSite = process.env.OPEN;
export const shots = process.env.SHOTS;
export const downloads = process.env.DOWNLOADS;

export let browser;

/** withBrowser starts Chromium for the tests of a file. */
export function withBrowser() {
  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      downloadsPath: downloads,
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio'
      ]
    });
    mkdirSync(shots, { recursive: true });
  });
  after(() => browser?.close());
  // The tests of a file are one story: after a failure the rest of it means nothing, and would only take its time.
  let failed = false;
  beforeEach(() => {
    if (failed) {
      const e = new Error('an earlier part of the story failed');
      e.stack = '';
      throw e;
    }
  });
  afterEach((t) => {
    failed ||= t.passed === false;
  });
}

/** stage moves the rest of the world. */
export async function stage(what, arg = '') {
  const r = await fetch(`${process.env.CONTROL}/${what}?arg=${encodeURIComponent(arg)}`, { method: 'POST' });
  const text = await r.text();
  if (!r.ok) throw new Error(`${what}: ${text}`);
  return JSON.parse(text);
}

/** aBrowser is a new browser, which fails the test on any error that the page did not handle. */
export async function aBrowser(options = {}) {
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({ viewport, acceptDownloads: true, ...options });
  context.setDefaultTimeout(15_000);
  context.errors = [];
  context.on('weberror', (e) => context.errors.push(e.error()));
  return context;
}

/** signIn goes through the development issuer as name. */
export async function signIn(page, name, at = '/') {
  await page.goto(openSite + at);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** link claims a fresh code of bob's account. */
export async function link(page) {
  const otc = await stage('code');
  await page.getByLabel('One-time code').fill(otc.code);
  await page.getByRole('button', { name: 'Link this login' }).click();
  await page.getByRole('heading', { name: 'Library', exact: true }).waitFor();
  return otc.code;
}

/** bob is a page on which bob is signed in and linked. */
export async function bob(context, name = 'Bob') {
  const page = await context.newPage();
  await signIn(page, name);
  const code = page.getByLabel('One-time code');
  await code.or(page.getByRole('heading', { name: 'Library', exact: true })).waitFor();
  if (await code.count()) await link(page);
  return page;
}

/** take imports a catalog from the inbox: the page does it itself, and then shows the catalog, under its name here. */
export async function take(page, catalog, as = catalog) {
  await page.goto(site + '/inbox');
  await page.getByRole('listitem').filter({ hasText: catalog }).getByRole('button', { name: 'Import' }).click();
  await page.waitForURL(`${site}/c/${as}/`);
}

/** withFilms has bob import alice's films, unless he has. */
export async function withFilms(page) {
  await page.goto(site + '/inbox');
  await page.getByText('Import').or(page.getByText('Nothing new')).first().waitFor();
  const take = page.getByRole('listitem').filter({ hasText: 'films' }).getByRole('button', { name: 'Import' });
  if (await take.count()) await take.click();
  else await page.goto(site + '/c/films/');
  await page
    .getByRole('link', { name: 'clips' })
    .waitFor()
    .catch(async (e) => {
      e.message += '\nthe page says: ' + (await page.locator('body').innerText());
      throw e;
    });
}

/** open opens a file of films by its path. */
export async function open(page, path) {
  await page.goto(site + '/c/films/' + path.split('/').map(encodeURIComponent).join('/'));
  await page.getByRole('dialog').waitFor();
}

export const video = (page) => page.locator('video');

/** playing waits until the video's time moves past so many seconds. */
export function playing(page, past = 0) {
  return page.waitForFunction((past) => {
    const v = document.querySelector('video');
    return v && !v.paused && v.readyState >= 2 && v.currentTime > past;
  }, past);
}

/** killWorker stops the service worker, as the browser does when it likes. */
export async function killWorker(page) {
  const cdp = await page.context().newCDPSession(page);
  const updated = (status) =>
    new Promise((resolve) =>
      cdp.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
        if (versions.some((v) => v.runningStatus === status)) resolve(versions);
      })
    );
  const running = updated('running');
  await cdp.send('ServiceWorker.enable');
  const versions = await running;
  const stopped = updated('stopped');
  for (const v of versions) await cdp.send('ServiceWorker.stopWorker', { versionId: v.versionId });
  await stopped;
  await cdp.detach();
}

/** pixels is a fingerprint of the frame that the video shows. */
export function pixels(page) {
  return page.evaluate(() => {
    const v = document.querySelector('video');
    const c = new OffscreenCanvas(64, 36).getContext('2d');
    c.drawImage(v, 0, 0, 64, 36);
    return c.getImageData(0, 0, 64, 36).data.reduce((h, x) => (h * 31 + x) >>> 0, 7);
  });
}

/** shot keeps a screenshot, to be looked at. */
export async function shot(page, name) {
  await page.screenshot({ path: join(shots, name + '.png'), animations: 'disabled' });
}
