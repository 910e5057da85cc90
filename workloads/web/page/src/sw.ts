/// <reference lib="webworker" />
// The service worker: it answers requests below /media/ with files of catalogs, fetched over its own NATS connection and
// decrypted here. Browsers kill and start it as they like, so it keeps nothing that it cannot make again.

import type { ToWorker } from './lib/messages';
import { MediaError } from './lib/media/wire';
import { failure, inline } from './worker/answer';
import { disconnect, sessions, wholes } from './worker/connection';
import { archive, download } from './worker/save';
import { forgetServers, measure, open } from './worker/source';
import { channel, running, tell, type Asked } from './worker/tell';
import { forgetSilence, thumb } from './worker/thumb';

declare const self: ServiceWorkerGlobalScope;

self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (e) => e.waitUntil(self.clients.claim()));
self.addEventListener('message', (e) => {
  const m = e.data as ToWorker | undefined;
  if (m?.type === 'claim') e.waitUntil(self.clients.claim());
  if (m?.type === 'ping') answer();
});
const answer = (): void => tell({ type: 'running', ids: [...running] });
channel.onmessage = (e) => {
  const m = e.data as ToWorker;
  if (m.type === 'ping') answer(); // for a worker that has been replaced, and still streams
  if (m.type === 'reset') {
    disconnect();
    forgetServers();
    forgetSilence();
  }
  if (m.type === 'measure') {
    measure(m.plain);
    tell({ type: 'measured' });
  }
  if (m.type === 'unshared') {
    wholes.drop(m.catalog);
    sessions.each((s) => s.catalog === m.catalog && s.fail(new MediaError('revoked', 'This catalog is no longer shared with you.')));
  }
};
setInterval(() => sessions.sweep(), 20_000);

self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url);
  if (url.origin === location.origin && url.pathname.startsWith('/media/') && (e.request.method === 'GET' || e.request.method === 'HEAD')) {
    e.respondWith(serve(e.request, url));
  }
});

async function serve(request: Request, url: URL): Promise<Response> {
  const [, , catalog, hash, rawName = 'file'] = url.pathname.split('/');
  let name: string;
  try {
    name = decodeURIComponent(rawName);
  } catch {
    name = 'file';
  }
  const asked: Asked = { catalog, hash, name, save: url.searchParams.get('save') ?? undefined, left: new AbortController() };
  if (asked.save) running.add(asked.save);
  try {
    if (!/^[A-Za-z0-9]{1,64}$/.test(catalog ?? '')) throw new MediaError('missing', 'No such file.');
    if (hash === 'zip') return await archive(asked, url.searchParams.get('folder') ?? '');
    if (!/^[0-9a-f]{64}$/.test(hash ?? '')) throw new MediaError('missing', 'No such file.');
    const type = url.searchParams.get('type') ?? '';
    if (url.searchParams.has('thumb')) return await thumb(asked, request, type);
    const file = await open(asked, hash, asked.save ? 'saving' : 'playing');
    return asked.save ? download(asked, file) : inline(asked, file, request, type);
  } catch (e) {
    return failure(asked, e);
  }
}
