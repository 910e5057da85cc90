// The worker's connection, and what is open on it.

import { renew } from '../lib/identity';
import type { Import } from '../lib/library.svelte';
import { Link } from '../lib/link';
import { Flow } from '../lib/media/flow';
import type { Origin } from '../lib/media/session';
import { Sessions } from '../lib/media/sessions';
import { Wholes } from '../lib/media/wholes';
import { MediaError, type Wire } from '../lib/media/wire';
import { subjects } from '../lib/subjects';

const newFlow = (): Flow => new Flow({ now: () => performance.now() });

let link: Link | undefined;
export let flow = newFlow();
export const sessions = new Sessions();
export const wholes = new Wholes();

/** connected is the connection, which is made when it is asked for. It may not be up yet. */
export function connected(): Link {
  if (link) return link;
  const l = new Link('natster web worker');
  l.onState((s) => {
    const out = s === 'signed_out' || s === 'unlinked' || s === 'revoked';
    if (out) end('You are signed out. Sign in again to go on.');
    if (link === l && (out || s === 'closed')) link = undefined;
  });
  link = l;
  return l;
}

/** disconnect ends all that is read, and forgets who is signed in. */
export function disconnect(): void {
  end('You are signed out.');
  link?.close();
  link = undefined;
  renew();
  flow = newFlow();
}

function end(message: string): void {
  wholes.clear();
  sessions.clear((s) => s.fail(new MediaError('signed_out', message)));
}

/** wireOf is a connection as sessions use it. */
export function wireOf(l: Link): Wire {
  return {
    get account() {
      return l.account;
    },
    request: (subject, body, timeout) => l.request(subject, body, timeout),
    async subscribe(subject, f) {
      const sub = await l.subscribe(subject, (m) => f(m.data, (name) => m.headers?.get(name) ?? ''));
      return () => sub.unsubscribe();
    },
    onBack: (f) => l.onState((s) => s === 'up' && f())
  };
}

let imports: { of: Link; at: number; all: Promise<Import[]> } | undefined; // asked anew now and then

/** originOf is what a catalog's name stands for. Where nobody keeps the accounts' keys no import has another name. */
export async function originOf(l: Link, name: string): Promise<Origin> {
  for (const old of [30_000, 1000]) {
    if (!imports || imports.of !== l || performance.now() - imports.at > old) {
      imports = { of: l, at: performance.now(), all: l.request<Import[]>(subjects.imports).catch(() => []) };
    }
    const i = (await imports.all).find((i) => (i.as ?? i.catalog) === name);
    if (i) return { catalog: i.catalog, owner: i.owner };
  }
  return { catalog: name };
}
