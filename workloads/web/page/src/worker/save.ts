// What the browser saves: a file, or a folder as one archive. Either is checked against the catalog before its end is let
// through.

import { inFolder, list, type Entry } from '../lib/catalog';
import { MediaError } from '../lib/media/wire';
import { disposition } from '../lib/urls';
import { zip, zipLength } from '../lib/zip';
import { safe, sandbox, stream } from './answer';
import { connected } from './connection';
import { newSum, open, type Source } from './source';
import { paced, running, tell, type Asked } from './tell';

/** download answers with the whole file. Its last piece is let through only when the hash is right: a wrong one fails. */
export function download(asked: Asked, file: Source): Response {
  const total = file.size;
  const progress = (bytes: number): void => tell({ type: 'progress', id: asked.save!, name: asked.name, bytes, total });
  progress(0);
  async function* checked(): AsyncGenerator<Uint8Array> {
    const sum = await newSum();
    const now = paced(progress);
    let bytes = 0;
    let last: Uint8Array | undefined;
    for await (const c of file.read(0, total - 1)) {
      if (last) yield last;
      sum.update(c);
      bytes += c.length;
      last = c;
      now(bytes);
    }
    const hash = sum.digest('hex');
    if (hash !== asked.hash) {
      throw new MediaError('damaged', 'What arrived is not the file that the catalog lists. It was not saved.');
    }
    if (last) yield last;
    whole(asked, bytes, hash);
  }
  return saved(asked, total, 'application/octet-stream', checked(), () => file.release(true));
}

/** archive answers with a folder as a zip. Each file in it is checked; a wrong one fails the archive. */
export async function archive(asked: Asked, folder: string): Promise<Response> {
  const l = connected();
  await l.up();
  const contents = await list(l, asked.catalog);
  const entries = inFolder(contents.entries, folder);
  if (entries.length === 0) throw new MediaError('missing', 'The folder is not in the catalog any more.');
  const files = entries.map((e) => ({ path: e.path.slice(folder.length), size: e.size, modified: e.modified, entry: e }));
  const total = zipLength(files);
  const progress = paced((bytes: number) => tell({ type: 'progress', id: asked.save!, name: asked.name, bytes, total }));
  let bytes = 0;
  async function* file(e: Entry): AsyncGenerator<Uint8Array> {
    const sum = await newSum();
    if (e.size > 0) {
      const { size, read, release } = await open(asked, e.hash, 'saving');
      try {
        for await (const c of read(0, size - 1)) {
          sum.update(c);
          bytes += c.length;
          progress(bytes);
          yield c;
        }
      } finally {
        release(true);
      }
    }
    if (sum.digest('hex') !== e.hash) {
      throw new MediaError('damaged', `${e.path} did not arrive as the catalog lists it. The archive was not saved.`);
    }
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* zip(files, (f) => file((f as (typeof files)[number]).entry));
    whole(asked, total, '');
  }
  return saved(asked, total, 'application/zip', all());
}

/** saved answers with what the browser is to save. */
function saved(asked: Asked, length: number, type: string, body: AsyncGenerator<Uint8Array>, end?: () => void): Response {
  return new Response(stream(asked, body, end), {
    headers: {
      ...safe,
      'Content-Type': type,
      'Content-Length': String(length),
      'Content-Disposition': disposition(asked.name),
      'Content-Security-Policy': sandbox
    }
  });
}

/** whole says that all of a download was handed out, and was right. */
function whole(asked: Asked, bytes: number, hash: string): void {
  running.delete(asked.save!);
  tell({ type: 'saved', id: asked.save!, name: asked.name, bytes, hash });
}
