// What page and worker tell each other, on a BroadcastChannel: every tab hears of every transfer.

export const channelName = 'natster';

export type FromWorker =
  | { type: 'progress'; id: string; name: string; bytes: number; total: number }
  | { type: 'saved'; id: string; name: string; bytes: number; hash: string } // checked against the catalog
  | { type: 'measured' }
  | { type: 'waiting'; id?: string; catalog: string; hash: string; waiting: boolean } // for the owner's answer
  | { type: 'fetching'; catalog: string; hash: string; bytes: number; total: number } // all of it, before it is shown
  | { type: 'running'; ids: string[] } // the downloads that go on, after a ping
  | { type: 'failed'; id?: string; catalog: string; hash: string; name: string; why: string; message: string };

export type ToWorker =
  | { type: 'unshared'; catalog: string } // stop what is read of it
  | { type: 'reset' } // the account that was signed in is so no more
  | { type: 'measure'; plain: boolean } // benchmarks: hand on chunks still sealed, to see what opening them costs
  | { type: 'ping' } // live on, and say what goes on; sent to the worker itself, too, as is claim
  | { type: 'claim' };
