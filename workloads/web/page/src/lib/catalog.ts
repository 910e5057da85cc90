// A catalog's listing: asked for in pages, and believed only as far as it can do no harm.

import type { Link } from './link';
import { kindOf, type Kind } from './kinds';
import { badPath, bare, cleanListed } from './paths';
import { subjectOf } from './subjects';

export interface Entry {
  path: string;
  name: string; // the last part of the path
  description: string;
  type: string;
  size: number;
  hash: string;
  kind: Kind;
  modified: number; // Unix seconds; 0 when it is not known
}

export interface Contents {
  name: string;
  description: string;
  revision: number;
  entries: Entry[]; // by path
  leftOut: Map<string, number>; // how many entries were left out, by why
  original: boolean; // it comes from an original server, which knows no sessions
}

interface Page {
  name: string;
  description?: unknown;
  revision?: number;
  total?: number;
  next?: string;
  entries?: unknown[];
  gzip?: string; // the page, compressed, in base64
}

const maxPage = 8 << 20; // bytes of a page that came compressed
const accept = typeof DecompressionStream === 'undefined' ? undefined : 'gzip';

/** plain is the page that p holds compressed, or p itself. It fails for what is no page, or larger than any. */
export async function plain(p: Page): Promise<Page> {
  if (!p.gzip) return p;
  const packed = Uint8Array.from(atob(p.gzip), (c) => c.charCodeAt(0));
  const text = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (let r = await text.read(); !r.done; r = await text.read()) {
    size += r.value.length;
    if (size > maxPage) {
      await text.cancel();
      throw new Error('The listing has a page that is too large.');
    }
    parts.push(r.value);
  }
  return JSON.parse(await new Blob(parts).text()) as Page;
}

const maxEntries = 1_000_000;

/** list returns what the catalog holds now. */
export async function list(link: Pick<Link, 'request'>, catalog: string): Promise<Contents> {
  const c: Contents = { name: catalog, description: '', revision: 0, entries: [], leftOut: new Map(), original: false };
  const seen = new Set<string>();
  const leaveOut = (why: string): void => void c.leftOut.set(why, (c.leftOut.get(why) ?? 0) + 1);
  for (let after = ''; ; ) {
    const p = await plain(await link.request<Page>(subjectOf(catalog, 'get'), { page: true, after, accept }));
    c.description = descriptionOf(p.description);
    c.revision = Number(p.revision ?? 0);
    c.original = p.revision === undefined && p.total === undefined && (p.entries ?? []).length > 0;
    for (const raw of p.entries ?? []) {
      const e = entry(raw);
      if (typeof e === 'string') leaveOut(e);
      else if (seen.has(e.path)) leaveOut('listed twice');
      else if (c.entries.length >= maxEntries) leaveOut('too many');
      else {
        seen.add(e.path);
        c.entries.push(e);
      }
    }
    if (!p.next || p.next <= after) break;
    after = p.next;
  }
  const below = c.entries.filter((e) => !folders(e.path).some((f) => seen.has(f)));
  for (let n = c.entries.length - below.length; n > 0; n--) leaveOut('below another file');
  c.entries = below;
  return c;
}

/** folders are the paths of the folders that path lies in. */
function folders(path: string): string[] {
  const all: string[] = [];
  for (let i = path.indexOf('/'); i > 0; i = path.indexOf('/', i + 1)) all.push(path.slice(0, i));
  return all;
}

/** entry is an entry of a foreign listing, or why no catalog may have it. */
export function entry(raw: unknown): Entry | string {
  if (typeof raw !== 'object' || raw === null) return 'not readable';
  const r = raw as Partial<Record<'path' | 'description' | 'mime_type' | 'byte_size' | 'hash' | 'mtime', unknown>>;
  if (typeof r.path !== 'string' || typeof r.hash !== 'string') return 'not readable';
  const path = cleanListed(r.path);
  const why = badPath(path);
  if (why) return why;
  if (!/^[0-9a-f]{64}$/.test(r.hash)) return 'without a hash';
  const size = Number(r.byte_size);
  if (!Number.isSafeInteger(size) || size < 0) return 'without a size';
  const type = typeOf(r.mime_type);
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    description: descriptionOf(r.description),
    type,
    size,
    hash: r.hash,
    kind: kindOf(type),
    modified: Number.isSafeInteger(r.mtime) ? (r.mtime as number) : 0
  };
}

/** typeOf is type/subtype; parameters say nothing here. */
function typeOf(claimed: unknown): string {
  const t = typeof claimed === 'string' ? claimed.split(';')[0].trim().toLowerCase() : '';
  return /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(t) ? t : 'application/octet-stream';
}

const automatic = 'Auto-imported library entry'; // the original's for a file without a description

/** descriptionOf is text fit to be shown, in one line. */
function descriptionOf(claimed: unknown): string {
  if (typeof claimed !== 'string' || claimed === automatic) return '';
  // eslint-disable-next-line no-control-regex
  return claimed.slice(0, 4096).replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, ' ').trim();
}

/** findable is text as it is searched: "é" is found in either form, characters without a glyph are left out. */
export function findable(s: string): string {
  return bare(s.normalize('NFC')).toLowerCase();
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
