// The rule of names, as the catalog's package has it; workloads/catalog/testdata/paths.json holds the cases of both.

const most = { path: 4096, name: 255, depth: 128 }; // bytes, bytes, names

const text = new TextEncoder();
const long = (s: string, n: number): boolean => s.length * 3 > n && text.encode(s).length > n;

// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const regionFlag = /\u{1f3f4}[\u{e0030}-\u{e007a}]{3,6}\u{e007f}/gu;
const half = /\p{Surrogate}/gu; // of a character
const tag = /[\u{e0000}-\u{e007f}]/u;

/** cleanListed is the path that a listing means: the original's lists absolute ones. It is still to be checked. */
export function cleanListed(path: string): string {
  return (path.startsWith('/') ? path.slice(1) : path).replace(half, '\ufffd');
}

/** badPath says why no catalog may list path, as in "1 file left out: hidden"; it is empty for a good one. */
export function badPath(path: string): string {
  if (path === '') return 'empty';
  if (long(path, most.path)) return `longer than ${most.path} bytes`;
  if (path.search(half) >= 0) return 'not UTF-8'; // no URL can hold it
  if (path.includes('\\')) return 'with a backslash';
  if (control.test(path)) return 'with a control character';
  if (tag.test(path) && tag.test(path.replace(regionFlag, ''))) return 'with hidden text';
  let depth = 0;
  for (const name of path.split('/')) {
    if (name === '') return 'with an empty name';
    if (name === '.' || name === '..') return 'that leads elsewhere';
    if (/^\.[^.]/.test(name)) return 'hidden';
    if (long(name, most.name)) return `with a name longer than ${most.name} bytes`;
    if (++depth > most.depth) return `deeper than ${most.depth} names`;
  }
  return '';
}

const unseen =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b\\u200e\\u200f\\u2060-\\u2064\\u206a-\\u206f' +
  '\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb';
const joined = `[^\\u0000-\\u00ff\\u200c\\u200d${unseen}]`; // a letter that a joiner joins, or keeps apart
const hiding = new RegExp(`[${unseen}]|(?<!${joined})[\\u200c\\u200d]|[\\u200c\\u200d](?!${joined})`, 'gu');

/** shown is a good path as it may be shown: characters without a glyph stand as "\u200f". */
export function shown(path: string): string {
  return path.replace(hiding, escaped);
}

const escaped = (c: string): string => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0');

/** bare is text without the characters that have no glyph. */
export function bare(s: string): string {
  return s.replace(hiding, '');
}

/** parts are the pieces of a name, as text or as a character without a glyph. */
export function parts(name: string): { text: string; unseen: boolean }[] {
  const all: { text: string; unseen: boolean }[] = [];
  let at = 0;
  for (const m of name.matchAll(hiding)) {
    if (m.index > at) all.push({ text: name.slice(at, m.index), unseen: false });
    all.push({ text: m[0], unseen: true });
    at = m.index + m[0].length;
  }
  if (at < name.length) all.push({ text: name.slice(at), unseen: false });
  return all;
}
