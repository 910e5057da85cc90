// A folder of many pictures: an owner's server holds few sessions for one account, and a film wants one, too.

import { test } from 'node:test';
import { aBrowser, bob, open, playing, site, stage, take, withBrowser, withFilms } from './lib.mjs';

withBrowser();

const many = 300;
let page;

/** shown is how many thumbnails are there, and how many of them are pictures. */
const shown = () =>
  page.evaluate(() => {
    const all = [...document.querySelectorAll('.grid .pic')];
    return { tiles: all.length, pictures: all.filter((p) => p.querySelector('img')?.naturalWidth === 4).length };
  });

/** scrolled has all of the page seen once. */
async function scrolled() {
  await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
      scrollTo(0, y);
      await new Promise((r) => requestAnimationFrame(r));
    }
  });
}

async function allShown(n) {
  for (let i = 0; i < 12; i++) {
    await scrolled(); // a picture that has not been seen is not asked for
    const enough = (n) => {
      const all = [...document.querySelectorAll('.grid .pic')];
      return all.length === n && all.every((p) => p.querySelector('img')?.naturalWidth === 4);
    };
    if (await page.waitForFunction(enough, n, { timeout: 5000 }).catch(() => false)) return;
  }
  const text = await page.locator('body').innerText();
  throw new Error(`${JSON.stringify(await shown())} of ${n} are shown; the page says: ${text}`.slice(0, 2000));
}

test(`a folder of ${many} pictures shows them all`, async () => {
  await stage('album', String(many));
  page = await bob(await aBrowser());
  await stage('serve');
  await withFilms(page);
  await take(page, 'album');
  await page.locator('.grid .pic').nth(many - 1).waitFor();
  await allShown(many);
});

test('and a film plays after it', async () => {
  await open(page, 'clips/short.webm');
  await playing(page, 0.2);
});

test('pictures whose owner is away come when he is back', async () => {
  await stage('stop-album');
  await page.goto(site + '/c/album/');
  // The list is asked for at once; when he is away there is none.
  await page.getByText(/offline|not answer/).first().waitFor();
  await stage('album', String(many));
  await page.locator('.grid .pic').first().waitFor({ timeout: 60_000 });
  await page.locator('.grid .pic').nth(many - 1).waitFor();
  await stage('stop-album');
  await scrolled(); // pictures that were not asked for yet
  const missing = () => document.querySelectorAll('.grid .pic:not(:has(img))').length > 0;
  await page.waitForFunction(missing, null, { timeout: 30_000 });
  await stage('album', String(many));
  await allShown(many);
});
