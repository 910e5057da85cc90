// The website's figures, beside the floor of each: plain HTTP, the same worker without decryption, the Go client.

import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { link, signIn, site, stage, withFilms } from '../e2e/lib.mjs';

const runs = Number(process.env.RUNS ?? 5);
const plain = process.env.PLAIN;
const rows = [];
let failed = false;

/** row prints a measurement; good says whether it is what was promised. */
function row(name, value, than, good) {
  rows.push([name, value, than, good === undefined ? '' : good ? 'ok' : 'MISSED']);
  console.log(`${name.padEnd(46)} ${value.padStart(16)}   ${than.padEnd(46)} ${rows.at(-1)[3]}`);
  failed ||= good === false;
}

const median = (a) => [...a].sort((x, y) => x - y)[a.length >> 1];
const ms = (x) => `${x.toFixed(0)} ms`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  downloadsPath: process.env.DOWNLOADS,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio',
    '--enable-precise-memory-info'
  ]
});

try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  await signIn(page, 'Bob');
  await link(page);
  await withFilms(page);
  const files = Object.fromEntries((await stage('files')).entries.map((e) => [e.path, e]));
  const url = (path) => `/media/films/${files[path].hash}/x?type=${encodeURIComponent(files[path].mime_type)}`;

  // Page.
  const dist = new URL('../dist/', import.meta.url).pathname;
  const assets = readdirSync(dist + 'assets').filter((f) => f.endsWith('.js'));
  const scripts = [dist + 'sw.js', ...assets.map((f) => dist + 'assets/' + f)];
  const kb = scripts.reduce((n, f) => n + gzipSync(readFileSync(f), { level: 9 }).length, 0) / 1000;
  row('JavaScript, gzipped', `${kb.toFixed(0)} KB`, '(at most 150 KB)', kb < 150);
  const loads = [];
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    await page.goto(site + '/c/films/');
    await page.getByRole('link', { name: 'clips' }).waitFor();
    loads.push(performance.now() - began);
  }
  row('load until the catalog is listed', ms(median(loads)), '(at most 1000 ms)', median(loads) < 1000);

  // Playing.
  const other = await context.newPage();
  await other.goto(plain + '/page.html');
  for (const [film, limits] of [['clips/long.mp4', true], ['hour.mp4', false]]) {
    const ours = [], theirs = [];
    for (let i = 0; i < runs; i++) {
      await other.bringToFront();
      theirs.push(await play(other, `/plain/${film}?${i}`));
      await page.bringToFront();
      await page.evaluate(measure, false); // a new session, and nothing remembered
      ours.push(await play(page, url(film)));
    }
    for (const what of ['first', 'middle', 'end']) {
      const a = median(ours.map((t) => t[what])), b = median(theirs.map((t) => t[what]));
      const name = `${film}: ${what === 'first' ? 'first frame' : `seek to the ${what}`}`;
      if (limits) {
        row(name, ms(a), `plain HTTP ${ms(b)}: ${(a / b).toFixed(1)} x (4 x or 100 ms)`, a <= Math.max(4 * b, 100));
      } else if (what === 'middle') {
        row(name, ms(a), `plain HTTP ${ms(b)} (at most 300 ms)`, a < 300);
      } else {
        row(name, ms(a), `plain HTTP ${ms(b)}`);
      }
    }
  }

  // What a download of 1.5 GiB takes of memory. Looking costs, so that the time is another's.
  const large = (id) => `/media/films/${files['large.bin'].hash}/large.bin?save=${id}`;
  page.on('download', (d) => d.delete().catch(() => {})); // once it has ended
  await page.evaluate(measure, false);
  const idle = resident();
  let peak = idle;
  const watch = setInterval(() => (peak = Math.max(peak, resident())), 200);
  await page.evaluate(save, large('memory'));
  clearInterval(watch);

  // Downloads. Undecrypted ones take turns with them; they end as damaged, rightly.
  const saved = { opened: [], sealed: [] };
  const took = [];
  for (let i = 0; i < runs; i++) {
    for (const kind of i % 2 ? ['sealed', 'opened'] : ['opened', 'sealed']) {
      await page.evaluate(measure, kind === 'sealed');
      const d = await page.evaluate(save, large(kind + i));
      if (d.end !== (kind === 'opened' ? 'saved' : 'failed damaged')) throw new Error(`the download ended as ${d.end}`);
      saved[kind].push(d.rate);
      if (kind === 'opened') took.push(d.took);
    }
  }
  const whole = files['large.bin'].byte_size / 1000 / median(took);
  const seconds = Number(await (await fetch(plain + '/go', { method: 'POST' })).text());
  const native = files['large.bin'].byte_size / 1e6 / seconds;

  // The page reads the bytes of the worker and drops them.
  const read = { opened: [], sealed: [] };
  for (let i = 0; i < runs; i++) {
    for (const kind of i % 2 ? ['sealed', 'opened'] : ['opened', 'sealed']) {
      await page.evaluate(measure, kind === 'sealed');
      read[kind].push(await page.evaluate(drain, [url('large.bin') + '&' + i + kind, 768 << 20]));
    }
  }
  for (const [name, rates, least] of [['download to disk, verified', saved, 0.9], ['worker to page', read]]) {
    const opened = median(rates.opened), sealed = median(rates.sealed);
    const ratio = median(rates.opened.map((r, i) => r / rates.sealed[i])); // each beside its neighbour: load varies
    const of = `without decryption ${sealed.toFixed(0)} MB/s: ${ratio.toFixed(2)} x${least ? ` (${least} x)` : ''}`;
    row(name, `${opened.toFixed(0)} MB/s`, of, least && ratio >= least);
  }
  const ofNative = `Go client, verified ${native.toFixed(0)} MB/s: ${(whole / native).toFixed(2)} x (0.1 x)`;
  row('a whole download, from click to verdict', `${whole.toFixed(0)} MB/s`, ofNative, whole >= 0.1 * native);
  const ofIdle = `of ${(idle / 1e6).toFixed(0)} MB idle, while 1.5 GiB come (at most 300)`;
  row('memory of all of Chromium', `+${((peak - idle) / 1e6).toFixed(0)} MB`, ofIdle, peak - idle < 300e6);
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);

/** play measures a film in a page: to its first frame, and seeks. */
function play(page, src) {
  return page.evaluate(async (src) => {
    const v = document.createElement('video');
    v.muted = true;
    document.body.append(v);
    const frame = () => new Promise((resolve) => v.requestVideoFrameCallback(resolve));
    const failed = new Promise((_, reject) => (v.onerror = () => reject(new Error(v.error?.message))));
    const t = {};
    let began = performance.now();
    v.src = src;
    await Promise.race([frame(), failed]);
    t.first = performance.now() - began;
    for (const [what, at] of [['middle', 0.5], ['end', 0.97]]) {
      began = performance.now();
      v.currentTime = v.duration * at;
      await Promise.race([frame(), failed]);
      t[what] = performance.now() - began;
    }
    v.removeAttribute('src');
    v.load();
    v.remove();
    return t;
  }, src);
}

/** measure tells the worker whether to open chunks, and returns when it will. */
async function measure(plain) {
  const c = new BroadcastChannel('natster');
  const told = new Promise((resolve) => (c.onmessage = (e) => e.data.type === 'measured' && resolve()));
  await fetch('/media/'); // so that it runs
  c.postMessage({ type: 'measure', plain });
  await told;
  c.close();
}

/** save downloads a URL; it returns how that ended, when (ms), and the rate at which the bytes came (MB/s). */
function save(url) {
  return new Promise((resolve) => {
    const id = new URL(url, location.href).searchParams.get('save');
    const c = new BroadcastChannel('natster');
    const began = performance.now();
    let first, last;
    c.onmessage = ({ data: m }) => {
      if (m.id !== id) return;
      if (m.type === 'progress') {
        last = { at: performance.now(), bytes: m.bytes };
        first ??= last;
        return;
      }
      c.close();
      f.remove();
      const rate = (last.bytes - first.bytes) / 1000 / (last.at - first.at);
      resolve({ end: m.type === 'failed' ? `failed ${m.why}` : m.type, took: performance.now() - began, rate });
    };
    const f = document.createElement('iframe');
    f.hidden = true;
    f.src = url;
    document.body.append(f);
  });
}

/** drain reads so many bytes of a URL and returns MB/s. */
async function drain([url, most]) {
  const began = performance.now();
  const r = (await fetch(url)).body.getReader();
  let n = 0;
  while (n < most) {
    const { value, done } = await r.read();
    if (done) break;
    n += value.length;
  }
  await r.cancel();
  return n / 1000 / (performance.now() - began);
}

/** resident is the memory of all processes of our browser, what they share counted once, in bytes. */
function resident() {
  const parents = new Map();
  for (const p of readdirSync('/proc').filter((f) => /^\d+$/.test(f))) {
    try {
      parents.set(p, readFileSync(`/proc/${p}/stat`, 'utf8').split(') ').pop().split(' ')[1]);
    } catch {
      // it has just ended
    }
  }
  let sum = 0;
  for (const p of parents.keys()) {
    let a = p;
    while (a && a !== String(process.pid)) a = parents.get(a);
    if (!a || p === a) continue;
    try {
      sum += Number(readFileSync(`/proc/${p}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+)/m)?.[1] ?? 0) * 1024;
    } catch {
      // it has just ended
    }
  }
  return sum;
}
