// The service worker, as the page sees it: there, in control, or not to be had.

import { channelName, type ToWorker } from './messages';

const often = 5_000; // milliseconds between two pings

class WorkerState {
  ready = $state(false);
  problem = $state('');

  async start(): Promise<void> {
    const sw = navigator.serviceWorker;
    if (!sw) {
      this.problem =
        'This browser has no service workers (or the page is not on https): files can be listed, but not opened.';
      return;
    }
    sw.addEventListener('controllerchange', () => (this.ready = !!sw.controller));
    this.ready = !!sw.controller; // one that is there need not wait for the look whether there is a newer one
    try {
      await sw.register('/sw.js');
      const r = await sw.ready;
      // After a forced reload the page has no worker: the worker has to take it again.
      if (!sw.controller) r.active?.postMessage({ type: 'claim' });
      this.ready = !!sw.controller;
    } catch (e) {
      this.problem = `The page's worker could not start: ${(e as Error).message}`;
    }
  }

  /** awake keeps the worker alive until its result is called: Firefox ends one after 30 s even while it streams. */
  awake(): () => void {
    const ping: ToWorker = { type: 'ping' };
    const channel = new BroadcastChannel(channelName); // for a worker that has been replaced: what it began goes on
    const t = setInterval(() => {
      navigator.serviceWorker.controller?.postMessage(ping);
      channel.postMessage(ping);
    }, often);
    return () => {
      clearInterval(t);
      channel.close();
    };
  }
}

export const worker = new WorkerState();
