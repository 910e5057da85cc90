// Why pictures could not be fetched for their thumbnails: an element only says that it failed, the worker says why,
// before it or after.

import { transfers } from './transfers.svelte';

type Hear = (why: string) => void;

const said = new Map<string, string>(); // by catalog and hash
const asking = new Map<string, Set<Hear>>();

transfers.failed.push((m) => {
  if (m.id) return;
  const key = m.catalog + '/' + m.hash;
  said.set(key, m.why);
  for (const f of asking.get(key) ?? []) f(m.why);
});

/** whyFailed calls f with why the picture could not be fetched, as soon as that is known, until the caller ends it. */
export function whyFailed(catalog: string, hash: string, f: Hear): () => void {
  const key = catalog + '/' + hash;
  const all = asking.get(key) ?? new Set();
  asking.set(key, all.add(f));
  if (said.has(key)) f(said.get(key)!);
  return () => {
    all.delete(f);
    if (all.size === 0) asking.delete(key);
    said.delete(key);
  };
}

/** passes reports whether to ask again may help: if not, the browser cannot show the picture, or it is gone. */
export function passes(why: string): boolean {
  return why === 'offline' || why === 'away' || why === 'busy' || why === 'failed';
}
