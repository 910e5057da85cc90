// The addresses that the page and its worker share, and how a file's name becomes safe in one.

import { bare } from './paths';

export interface FileRef {
  catalog: string;
  hash: string;
  name: string;
  type: string;
}

/** mediaURL is where the worker answers with a file's bytes. */
export function mediaURL(f: FileRef): string {
  return `/media/${f.catalog}/${f.hash}/${encodeURIComponent(f.name)}?type=${encodeURIComponent(f.type)}`;
}

/** thumbURL is the same for one of many small pictures. */
export function thumbURL(f: FileRef): string {
  return `${mediaURL(f)}&thumb=1`;
}

/** downloadURL is the same for saving; progress is told under id. */
export function downloadURL(f: FileRef, id: string): string {
  return `${mediaURL(f)}&save=${id}`;
}

/** zipURL is a folder of a catalog as one archive. */
export function zipURL(catalog: string, folder: string, name: string, id: string): string {
  return `/media/${catalog}/zip/${encodeURIComponent(name)}?folder=${encodeURIComponent(folder)}&save=${id}`;
}

/** disposition is the header that makes a browser save under name, whatever is in it. */
export function disposition(name: string): string {
  const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
  const clean = bare(name).replace(control, '').replace(/[/\\]/g, '_') || 'file';
  const ascii = clean.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '_');
  const utf8 = encodeURIComponent(clean).replace(/['()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
  return `attachment; filename="${ascii}"; filename*=UTF-8''${utf8}`;
}

/** A Range is what was asked for: all of it, bytes first..last, or something impossible. */
export type Range = { all: true } | { first: number; last: number } | { impossible: true };

/** parseRange reads a Range header for a file of so many bytes. Several ranges are answered with all of it. */
export function parseRange(header: string | null, size: number): Range {
  const m = header && /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!m || (m[1] === '' && m[2] === '')) return { all: true };
  if (m[1] === '') {
    const n = Number(m[2]);
    if (n === 0 || size === 0) return { impossible: true };
    return { first: Math.max(0, size - n), last: size - 1 };
  }
  const first = Number(m[1]);
  const last = m[2] === '' ? size - 1 : Math.min(Number(m[2]), size - 1);
  if (m[2] !== '' && Number(m[2]) < first) return { all: true };
  if (first >= size) return { impossible: true };
  return { first, last };
}
