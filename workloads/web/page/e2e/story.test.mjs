// Bob signs in, links his account, and looks around in what alice shares.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBrowser, bob, link, open, shot, signIn, site, stage, withBrowser, withFilms } from './lib.mjs';

withBrowser();
let context, page;

test('bob signs in with a name, and is asked for a code', async () => {
  context = await aBrowser();
  page = await context.newPage();
  await page.goto(site);
  await page.getByRole('link', { name: 'Sign in' }).waitFor();
  await shot(page, 'sign-in');
  await signIn(page, 'Bob Builder');
  await page.getByRole('heading', { name: 'Link your account' }).waitFor();
  await page.getByText('Bob Builder').waitFor();
  await shot(page, 'link');
});

test('the claim URL fills the code in, and leaves no trace of it in the address', async () => {
  const otc = await stage('code');
  assert.ok(otc.claim_url.startsWith(site + '/claim?code='));
  await page.goto(otc.claim_url);
  await page.getByLabel('One-time code').waitFor();
  assert.equal(await page.getByLabel('One-time code').inputValue(), otc.code);
  assert.equal(page.url(), site + '/claim');
  await page.getByRole('button', { name: 'Link this login' }).click();
  await page.getByRole('heading', { name: 'Library', exact: true }).waitFor();
});

test('a code that was used is refused, with the reason', async () => {
  const other = await aBrowser();
  const p = await other.newPage();
  await signIn(p, 'Carol');
  const used = await link(p);
  await p.goto(site + '/claim');
  await p.getByLabel('One-time code').fill(used);
  await p.getByRole('button', { name: 'Link this login' }).click();
  await p.getByRole('alert').filter({ hasText: 'used already' }).waitFor();
  await other.close();
});

test('alice’s films wait in the inbox, and are in the library once imported', async () => {
  await page.getByRole('link', { name: /Inbox/ }).first().click();
  const offer = page.getByRole('listitem').filter({ hasText: 'films' });
  const { alice } = await stage('accounts');
  await offer.getByText(`from “alice” (${alice.slice(0, 8)}…)`).waitFor(); // what she calls herself, beside her key
  await offer.getByTitle('Click to name this account').click();
  await page.getByPlaceholder('a name', { exact: true }).fill('Alice');
  await page.getByRole('button', { name: 'Keep' }).click();
  await offer.getByText('from Alice').waitFor();
  await shot(page, 'inbox');
  await offer.getByRole('button', { name: 'Import' }).click();
  await page.getByRole('heading', { name: 'films' }).waitFor();
  await page.getByText('films is offline').waitFor();
});

test('what bob does not want he dismisses, and can find again', async () => {
  await page.getByRole('link', { name: /Inbox/ }).first().click();
  await page.getByRole('button', { name: 'Dismiss natsterhub from Natster’s hub' }).click();
  await page.getByText('Nothing new').waitFor();
  await page.getByRole('button', { name: 'Show dismissed (1)' }).click();
  await page.getByRole('listitem').filter({ hasText: 'natsterhub' }).getByRole('button', { name: 'Put back' }).click();
  await page.getByRole('button', { name: /^Dismiss natsterhub/ }).waitFor();
  await page.goto(site + '/c/films/');
  await page.getByText('films is offline').waitFor();
});

test('it comes online while bob looks', async () => {
  await stage('serve');
  await page.getByRole('link', { name: 'clips' }).waitFor();
  await page.getByRole('status').filter({ hasText: 'films of Alice came online' }).waitFor();
  await shot(page, 'catalog');
});

test('folders, sort and search', async () => {
  await page.getByRole('link', { name: 'notes' }).click();
  await page.getByRole('link', { name: 'paper.pdf' }).waitFor();
  await page.goBack();
  await page.getByRole('link', { name: 'clips' }).click();
  await page.getByRole('button', { name: 'Size' }).click();
  const names = () => page.locator('tbody .file .cut').allTextContents();
  assert.deepEqual(await names(), ['broken.mp4', 'short.webm', 'long.mp4']);
  await page.getByRole('button', { name: 'Size' }).click();
  assert.deepEqual(await names(), ['long.mp4', 'short.webm', 'broken.mp4']);
  await page.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: 'films' }).click();
  await page.keyboard.press('/');
  await page.keyboard.type('turn');
  await page.getByRole('link', { name: 'music/02 turn.ogg' }).waitFor();
  await page.getByRole('link', { name: 'Library', exact: true }).first().click();
  await page.getByPlaceholder('Search everything').fill('dawn');
  await page.getByRole('link', { name: /dawn\.png/ }).waitFor();
});

test('pictures have thumbnails, and next and previous by key', async () => {
  await page.goto(site + '/c/films/pictures/');
  const thumbs = page.locator('.grid img');
  await thumbs.first().waitFor();
  await page.waitForFunction(() => {
    const all = [...document.querySelectorAll('.grid img')];
    return all.length === 6 && all.every((i) => i.complete && i.naturalWidth === 960);
  });
  await page.evaluate(() => Promise.all([...document.querySelectorAll('.grid img')].map((i) => i.decode())));
  await shot(page, 'pictures');
  await page.getByRole('link', { name: /dusk\.png/ }).click();
  const shown = (name) => page.waitForFunction((name) => {
    const i = document.querySelector('dialog img');
    return i?.complete && i.naturalWidth === 960 && decodeURIComponent(i.src).includes(name);
  }, name);
  await shown('dusk.png');
  await page.keyboard.press('ArrowRight');
  await shown('ember.png');
  await shot(page, 'picture');
  await page.keyboard.press('ArrowLeft');
  await shown('dusk.png');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('a text is text', async () => {
  await open(page, 'notes/read me.txt');
  await page.getByText('nobody between us can read it').waitFor();
  await shot(page, 'text');
});

test('a PDF is shown by the browser’s own viewer', async () => {
  await open(page, 'notes/paper.pdf');
  const frame = page.locator('dialog iframe');
  await frame.waitFor();
  // The viewer is another program: all that can be known is that the frame is no longer white where the page's bar is.
  await assert.doesNotReject(async () => {
    for (let i = 0; i < 100; i++) {
      const colours = await teal(page, await frame.screenshot());
      if (colours > 500) return;
    }
    throw new Error('no PDF is to be seen');
  });
  await shot(page, 'pdf');
});

test('sound plays, with the folder as its playlist', async () => {
  await open(page, 'music/01 rise.ogg');
  await page.waitForFunction(() => document.querySelector('audio')?.currentTime > 0.2);
  assert.equal(await page.getByRole('list', { name: 'Playlist' }).getByRole('listitem').count(), 3);
  await shot(page, 'audio');
  await page.evaluate(() => (document.querySelector('audio').currentTime = 3.7));
  await page.waitForFunction(() => location.pathname.includes('02'));
  await page.waitForFunction(() => document.querySelector('audio')?.currentTime > 0.1);
});

test('on a phone, in the dark', async () => {
  const phone = await aBrowser({
    viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark'
  });
  const p = await bob(phone, 'Bob Builder');
  await withFilms(p);
  await p.goto(site + '/c/films/clips/');
  await p.getByRole('link', { name: 'long.mp4' }).waitFor();
  await shot(p, 'phone-catalog-dark');
  await p.goto(site);
  await p.getByText('From your friends').waitFor();
  await shot(p, 'phone-library-dark');
  await p.goto(site + '/c/films/pictures/');
  await p.locator('.grid img').first().waitFor();
  await p.waitForFunction(() => {
    const all = [...document.querySelectorAll('.grid img')];
    return all.filter((i) => i.naturalWidth > 0).length >= 4;
  });
  await shot(p, 'phone-pictures-dark');
  for (const at of ['/', '/inbox', '/sharing', '/activity', '/account', '/c/films/', '/c/films/notes/read%20me.txt']) {
    await p.goto(site + at);
    await p.getByRole('heading').first().waitFor();
    const wide = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${at} is ${wide} pixels too wide`);
  }
  await phone.close();
});

test('the other views, in both colours', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(site);
  await page.getByText('From your friends').waitFor();
  await page.getByText('17 files').or(page.getByText(/\d+ files/)).first().waitFor();
  await shot(page, 'library-dark');
  await page.goto(site + '/c/films/');
  await page.getByRole('link', { name: 'clips' }).waitFor();
  await shot(page, 'catalog-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(site);
  await page.getByText(/\d+ files/).first().waitFor();
  await shot(page, 'library');
  await page.goto(site + '/account');
  await page.getByRole('heading', { name: 'This session' }).waitFor();
  await shot(page, 'account');
  await page.goto(site + '/sharing');
  await page.getByText('Nothing of yours to share yet').waitFor();
  await shot(page, 'sharing');
  assert.deepEqual(context.errors, []);
});

/** teal counts the pixels of a screenshot that have the colour of the bar in the PDF. */
async function teal(page, png) {
  return page.evaluate(async (data) => {
    const b = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const i = await createImageBitmap(new Blob([b], { type: 'image/png' }));
    const c = new OffscreenCanvas(i.width, i.height).getContext('2d');
    c.drawImage(i, 0, 0);
    const d = c.getImageData(0, 0, i.width, i.height).data;
    let n = 0;
    const near = (k, value) => Math.abs(d[k] - value) < 12;
    for (let k = 0; k < d.length; k += 4) if (near(k, 26) && near(k + 1, 102) && near(k + 2, 102)) n++;
    return n;
  }, png.toString('base64'));
}
