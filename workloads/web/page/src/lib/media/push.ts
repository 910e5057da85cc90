// Protocol 1, the original server's: it sends all of a file at once, in small chunks, unasked for any order or loss. So
// a file is fetched whole before any of it is used; what is lost is taken from another push.

import { mediaSubject, subjectOf } from '../subjects';
import { newCurve, type Curve } from './header';
import { MediaError, type Wire } from './wire';

/** Limits: of what is kept in memory, of how long nothing may come, and of how often all of it is asked for. */
export const limits = { size: 1 << 30, quiet: 5000, tries: 4 };

interface Reply {
  chunk_size: number;
  total_bytes: number;
  sender_xkey: string;
}

interface Chunk {
  data: Uint8Array;
  header: (name: string) => string;
}

/** pushed returns a whole file, whose hash is for the caller to check. */
export async function pushed(
  wire: Pick<Wire, 'request' | 'subscribe'>,
  catalog: string,
  hash: string,
  progress: (bytes: number, total: number) => void,
  o: { quiet?: number; curve?: () => Curve } = {}
): Promise<Blob> {
  const have = new Map<number, Uint8Array>();
  let layout = { size: 0, chunkSize: 0, chunks: 0 };
  let bytes = 0;
  for (let tries = 0; tries < limits.tries; tries++) {
    const curve = (o.curve ?? newCurve)();
    const waiting: Chunk[] = []; // for the reply
    let take = (c: Chunk): void => void waiting.push(c);
    const off = await wire.subscribe(mediaSubject(catalog, hash), (data, header) => take({ data, header }));
    try {
      const ask = { hash, transcode: false, target_xkey: curve.getPublicKey() };
      const a = await wire.request<Reply>(subjectOf(catalog, 'download'), ask, 10_000);
      const chunks = Math.max(1, Math.ceil(a.total_bytes / a.chunk_size));
      const cut = a.chunk_size >= 1024 && a.chunk_size <= 1 << 20;
      if (!Number.isSafeInteger(a.total_bytes) || a.total_bytes < 0 || !cut) {
        throw new MediaError('damaged', 'The server’s answer cannot be trusted.');
      }
      if (a.total_bytes > limits.size) throw tooLarge();
      if (layout.chunks && (layout.size !== a.total_bytes || layout.chunkSize !== a.chunk_size)) {
        throw new MediaError('changed', 'The file changed while it was being read.');
      }
      layout = { size: a.total_bytes, chunkSize: a.chunk_size, chunks };
      await new Promise<void>((resolve, reject) => {
        let furthest = -1; // what brings a push no further is no better than nothing
        let timer: ReturnType<typeof setTimeout>;
        const heard = (): void => {
          clearTimeout(timer);
          timer = setTimeout(resolve, o.quiet ?? limits.quiet);
        };
        const done = (f: () => void): void => {
          clearTimeout(timer);
          take = () => {};
          f();
        };
        take = ({ data, header }) => {
          if (header('x-natster-sender-xkey') !== a.sender_xkey) return; // another download of the same file
          if (header('x-natster-transcoding') === 'true') return done(() => reject(transcoded()));
          const i = /^\d{1,9}$/.test(header('x-natster-chunk-idx')) ? Number(header('x-natster-chunk-idx')) : -1;
          if (i < 0 || i >= chunks) return;
          if (i > furthest) {
            furthest = i;
            heard();
          }
          if (have.has(i)) return;
          const plain = open(curve, data, a.sender_xkey);
          if (plain?.length !== Math.min(a.chunk_size, a.total_bytes - i * a.chunk_size)) return; // as good as lost
          have.set(i, plain);
          bytes += plain.length;
          progress(bytes, a.total_bytes);
          if (have.size === chunks) done(resolve);
        };
        heard();
        for (const c of waiting.splice(0)) take(c);
      });
      if (have.size === chunks) return new Blob(Array.from({ length: chunks }, (_, i) => have.get(i)! as BlobPart));
    } finally {
      off();
      curve.clear();
    }
  }
  throw new MediaError('offline', 'The server of this catalog stopped sending. Try again later.');
}

const tooLarge = (): MediaError =>
  new MediaError(
    'old_server',
    'It is too large to come whole from an original server into a browser. Use natster catalog download.'
  );

const transcoded = (): MediaError =>
  new MediaError(
    'transcoded',
    'Its owner’s server, an original Natster, encodes this film anew as it sends it: ' +
      'what would come is not the file that is listed.'
  );

function open(curve: Curve, sealed: Uint8Array, sender: string): Uint8Array | null {
  try {
    return curve.open(sealed, sender);
  } catch {
    return null;
  }
}
