// What the worker tells the page, on a channel that every tab hears.

import { channelName, type FromWorker } from '../lib/messages';
import { MediaError } from '../lib/media/wire';

export const channel = new BroadcastChannel(channelName);
export const tell = (m: FromWorker): void => channel.postMessage(m);

/** An Asked is what a request below /media/ asks for. */
export interface Asked {
  catalog: string;
  hash: string;
  name: string;
  save?: string; // the id of a download
  left: AbortController; // by the browser
}

/** running are the ids of the downloads that go on. */
export const running = new Set<string>();

/** report says that what was asked for failed. */
export function report(asked: Asked, m: MediaError): void {
  if (asked.save) running.delete(asked.save);
  tell({ type: 'failed', id: asked.save, catalog: asked.catalog, hash: asked.hash, name: asked.name, why: m.why, message: m.message });
}

/** paced is f, called at most every quarter of a second: for messages about progress. */
export function paced<A extends unknown[]>(f: (...a: A) => void): (...a: A) => void {
  let last = 0; // milliseconds
  return (...a) => {
    if (performance.now() - last < 250) return;
    last = performance.now();
    f(...a);
  };
}
