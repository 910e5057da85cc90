// A catalog's listing: asked for in pages, and believed only as far as it can do no harm.

import type { Link } from './link';
import { kindOf, type Kind } from './kinds';
import { badPath, cleanListed } from './paths';
import { subjectOf } from './subjects';

export interface Entry {
  path: string;
  name: string; // the last part of the path
  description: string;
  type: string;
  size: number;
  hash: string;
  kind: Kind;
}

export interface Contents {
  name: string;
  description: string;
  revision: number;
  entries: Entry[]; // by path
}

interface Page {
  name: string;
  description?: string;
  revision?: number;
  next?: string;
  entries?: unknown[];
}

const maxEntries = 1_000_000;

/** list returns what the catalog holds now. */
export async function list(link: Pick<Link, 'request'>, catalog: string): Promise<Contents> {
  const c: Contents = { name: catalog, description: '', revision: 0, entries: [] };
  const seen = new Set<string>();
  for (let after = ''; ; ) {
    const p = await link.request<Page>(subjectOf(catalog, 'get'), { page: true, after });
    c.description = String(p.description ?? '');
    c.revision = Number(p.revision ?? 0);
    for (const raw of p.entries ?? []) {
      const e = entry(raw);
      if (e && !seen.has(e.path) && c.entries.length < maxEntries) {
        seen.add(e.path);
        c.entries.push(e);
      }
    }
    if (!p.next || p.next <= after) return c;
    after = p.next;
  }
}

/** entry is an entry of a foreign listing, or null for one that no catalog may have. */
export function entry(raw: unknown): Entry | null {
  const r = raw as { path?: unknown; description?: unknown; mime_type?: unknown; byte_size?: unknown; hash?: unknown };
  if (typeof r !== 'object' || r === null || typeof r.path !== 'string' || typeof r.hash !== 'string') return null;
  const path = cleanListed(r.path);
  if (!/^[0-9a-f]{64}$/.test(r.hash) || badPath(path)) return null;
  const size = Number(r.byte_size);
  if (!Number.isSafeInteger(size) || size < 0) return null;
  const type = typeof r.mime_type === 'string' && /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(r.mime_type) ? r.mime_type : 'application/octet-stream';
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    description: typeof r.description === 'string' ? r.description : '',
    type,
    size,
    hash: r.hash,
    kind: kindOf(type)
  };
}

/** inFolder are the entries below a folder, which is empty or ends in a slash. */
export function inFolder(entries: Entry[], folder: string): Entry[] {
  return folder === '' ? entries : entries.filter((e) => e.path.startsWith(folder));
}

export interface Folder {
  name: string;
  path: string; // ends in a slash
  files: number;
  size: number;
}

/** level is what stands directly in a folder. */
export function level(entries: Entry[], folder: string): { folders: Folder[]; files: Entry[] } {
  const folders = new Map<string, Folder>();
  const files: Entry[] = [];
  for (const e of entries) {
    if (!e.path.startsWith(folder)) continue;
    const rest = e.path.slice(folder.length);
    const cut = rest.indexOf('/');
    if (cut < 0) {
      files.push(e);
      continue;
    }
    const name = rest.slice(0, cut);
    const f = folders.get(name) ?? { name, path: folder + name + '/', files: 0, size: 0 };
    f.files++;
    f.size += e.size;
    folders.set(name, f);
  }
  return { folders: [...folders.values()], files };
}
