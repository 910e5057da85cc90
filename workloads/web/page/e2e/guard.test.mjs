// What must not be possible.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aBrowser, bob, link, open, playing, shot, signIn, site, stage, withBrowser, withFilms } from './lib.mjs';

withBrowser();
let context, page;

test('files that could run are never opened in the page, and names are text', async () => {
  await stage('serve');
  context = await aBrowser();
  page = await bob(context);
  await withFilms(page);
  for (const name of ['page.html', 'drawing.svg', 'page.xhtml']) {
    await open(page, 'hostile/' + name);
    await page.getByRole('heading', { name: 'Not shown in the browser' }).waitFor();
  }
  await shot(page, 'hostile');
  await page.goto(site + '/c/films/hostile/');
  await page.getByText('<img src=x').waitFor();
  await open(page, 'hostile/fake.png');
  const refused = page.getByRole('heading', { name: 'This browser cannot play it' });
  await refused.or(page.getByRole('dialog')).first().waitFor();
  // Straight to the worker, whatever type is claimed.
  const entries = (await stage('files')).entries.filter((e) => e.path.startsWith('hostile/'));
  for (const e of entries) {
    for (const type of [e.mime_type, 'text/html', 'image/svg+xml', 'text/plain', 'application/pdf', 'image/png']) {
      const r = await page.evaluate(async (u) => {
        const r = await fetch(u);
        const of = (name) => r.headers.get(name);
        return {
          status: r.status,
          type: of('content-type'),
          csp: of('content-security-policy'),
          how: of('content-disposition'),
          sniff: of('x-content-type-options')
        };
      }, `/media/films/${e.hash}/x?type=${encodeURIComponent(type)}`);
      assert.equal(r.status, 200);
      assert.equal(r.sniff, 'nosniff');
      assert.ok(!/html|xml|svg|script/.test(r.type), r.type);
      if (r.type !== 'application/pdf') assert.match(r.csp, /sandbox/);
      if (r.type === 'application/octet-stream') assert.match(r.how, /^attachment/);
    }
  }
  assert.notEqual(await page.title(), 'owned');
});

test('no secret is in the browser’s storage that a script could read, nor in any address', async () => {
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.doesNotMatch(kept, /eyJ|SU[A-Z2-7]{40}|SA[A-Z2-7]{40}|nwk1/);
  const key = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const r = indexedDB.open('natster');
        r.onsuccess = () => {
          const g = r.result.transaction('kv').objectStore('kv').get('identity');
          g.onsuccess = async () => {
            const k = g.result.privateKey;
            const taken = await Promise.allSettled(['raw', 'pkcs8', 'jwk'].map((f) => crypto.subtle.exportKey(f, k)));
            const some = taken.some((t) => t.status === 'fulfilled');
            resolve({ extractable: k.extractable, taken: some, keys: Object.keys(g.result) });
          };
        };
        r.onerror = () => reject(r.error);
      })
  );
  assert.deepEqual(key, { extractable: false, taken: false, keys: ['privateKey', 'publicKey'] });
  assert.equal(await page.evaluate(() => document.cookie), '');
  const log = await stage('log');
  assert.doesNotMatch(log, /eyJ0eXAi|SU[A-Z2-7]{50}|SA[A-Z2-7]{50}|nwk1\.|code=[A-Z2-7]{26}/);
});

test('a browser that was not given the key cannot sign in, and is told what to do', async () => {
  const stranger = await aBrowser();
  const p = await stranger.newPage();
  await p.goto(site);
  await p.getByRole('link', { name: 'Sign in' }).click();
  await p.getByRole('heading', { name: 'This browser was not given the key' }).waitFor();
  await p.getByText(`begins with ${site}/key/`).waitFor();
  assert.equal(await p.getByLabel('Name').count(), 0);
  await shot(p, 'no-key');
  await stranger.close();
  const key = process.env.OPEN.split('/').pop();
  assert.ok(!(await stage('log')).includes(key), 'the key is in a log');
});

test('another site’s page gets nowhere', async () => {
  const cookies = await context.cookies();
  const cookie = cookies.map((c) => `${c.name}=${c.value}`).join('; ');
  const ask = (path, options = {}) => fetch(site + path, { ...options, headers: { cookie, ...options.headers } });
  for (const origin of ['https://evil.example', 'null']) {
    const headers = { origin, 'sec-fetch-site': 'cross-site' };
    const r = await ask('/api/mint', { method: 'POST', headers, body: '{}' });
    assert.equal(r.status, 403, `mint from ${origin}`);
    assert.equal(await upgrade(cookie, origin), 403, `WebSocket from ${origin}`);
  }
  assert.equal(await upgrade(cookie, undefined), 403, 'WebSocket without an origin');
  assert.equal(await upgrade('', site), 401, 'WebSocket without a login');
  assert.equal(await upgrade(cookie, site), 101, 'the page’s own WebSocket');
  const host = await fetch(site.replace('127.0.0.1', 'localhost') + '/api/session');
  assert.equal(host.status, 421);
  const c = cookies.find((c) => c.name === 'natster');
  assert.deepEqual([c.httpOnly, c.sameSite], [true, 'Lax']);
});

test('a forged cookie signs in no one, and neither does an expired one', async () => {
  const forged = await aBrowser();
  await forged.addCookies([{ name: 'natster', value: 'A'.repeat(52), url: site }]);
  const p = await forged.newPage();
  await p.goto(site);
  await p.getByRole('link', { name: 'Sign in' }).waitFor();
  await forged.close();

  const late = await aBrowser();
  const q = await bob(late, 'Latecomer');
  await stage('later', '13h');
  await q.reload();
  await q.getByRole('link', { name: 'Sign in' }).waitFor();
  await stage('later', '-13h');
  await late.close();
});

test('a sign-in that began elsewhere is not taken', async () => {
  const p = await (await aBrowser()).newPage();
  await p.goto(site + '/callback?code=x&state=' + 'A'.repeat(26));
  await p.getByRole('alert').filter({ hasText: 'took too long, or began in another browser' }).waitFor();
  for (const to of ['https://evil.example/', '//evil.example', '/\\evil.example', '/login']) {
    await p.context().clearCookies();
    await signIn(p, 'Dave', '/');
    const r = await fetch(`${site}/login?to=${encodeURIComponent(to)}`, { redirect: 'manual' });
    assert.equal(new URL(r.headers.get('location')).origin, site);
  }
  await p.context().close();
});

test('natster logout --web ends it within a second, mid-play, and the page says so', async () => {
  await open(page, 'clips/long.mp4');
  await playing(page, 0.3);
  const began = Date.now();
  await stage('logout-web');
  await page.getByText('ended its web sessions').waitFor();
  const took = Date.now() - began;
  console.log(`signed out after ${took} ms`);
  assert.ok(took < 1000, `it took ${took} ms`);
  await shot(page, 'signed-out');
  const mint = () => fetch('/api/mint', { method: 'POST', body: '{"user_key":""}' }).then((r) => r.status);
  const r = await page.evaluate(mint);
  assert.equal(r, 401);
});

test('and a user who signs in again has to be linked anew', async () => {
  const p = await context.newPage();
  await signIn(p, 'Bob');
  await p.getByText('ended its web sessions').waitFor();
  await link(p);
  await p.getByText('From your friends').waitFor();
  await p.close();
});

test('who signs out is signed out in every tab, and has another key the next time', async () => {
  const one = await context.newPage();
  await one.goto(site + '/account');
  const key = await one.locator('dd code').textContent();
  const other = await context.newPage();
  await other.goto(site);
  await other.getByText('From your friends').waitFor();
  await one.getByRole('button', { name: 'Sign out' }).click();
  await one.getByText('You signed out.').waitFor();
  await other.getByRole('link', { name: 'Sign in' }).waitFor();
  await signIn(one, 'Bob', '/account');
  await one.getByRole('heading', { name: 'This session' }).waitFor();
  assert.notEqual(await one.locator('dd code').textContent(), key);
  assert.deepEqual(context.errors, []);
});

test('another login in the same browser reads as its own account', async () => {
  const elsewhere = await aBrowser();
  const al = await elsewhere.newPage();
  await signIn(al, 'Al');
  await al.getByLabel('One-time code').fill((await stage('alices-code')).code);
  await al.getByRole('button', { name: 'Link this login' }).click();
  await al.getByRole('heading', { name: 'Library', exact: true }).waitFor();
  await elsewhere.close();
  const theirs = await aBrowser();
  const p = await bob(theirs);
  await withFilms(p);
  const file = (await stage('files')).entries.find((e) => e.path === 'notes/read me.txt');
  const url = `/media/films/${file.hash}/x?type=text%2Fplain`;
  const read = () => p.evaluate((url) => fetch(url).then((r) => r.status), url);
  assert.equal(await read(), 200);
  await p.goto(site + '/login');
  await p.getByLabel('Name').fill('Al');
  await p.getByRole('button', { name: 'Sign in' }).click();
  await p.getByRole('heading', { name: 'Library', exact: true }).waitFor();
  await stage('unshare'); // from bob, and not from alice, whose they are
  assert.equal(await read(), 200);
  await stage('share');
  assert.deepEqual(theirs.errors, []);
});

/** upgrade asks for a WebSocket and returns the status. */
async function upgrade(cookie, origin) {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', Cookie: cookie
    };
    if (origin) headers.Origin = origin;
    const r = request(site + '/nats', { headers });
    r.on('response', (m) => {
      m.resume();
      resolve(m.statusCode);
    });
    r.on('upgrade', (m, socket) => {
      socket.destroy();
      resolve(m.statusCode);
    });
    r.on('error', reject);
    r.end();
  });
}
