// The answer to one request: its headers, and its body as a stream.

import { servedAs } from '../lib/kinds';
import { judge } from '../lib/media/session';
import { MediaError } from '../lib/media/wire';
import { disposition, parseRange } from '../lib/urls';
import type { Source } from './source';
import { report, type Asked } from './tell';

export const sandbox = "sandbox; default-src 'none'";
export const safe = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin'
};

const status: Record<string, number> = { revoked: 403, missing: 404, changed: 410, away: 424, busy: 429, offline: 503, signed_out: 401 };

export function failure(asked: Asked, e: unknown): Response {
  const m = judge(e);
  report(asked, m);
  return new Response(JSON.stringify({ reason: m.why, error: m.message }), {
    status: status[m.why] ?? 502,
    headers: { ...safe, 'Content-Type': 'application/json', 'Content-Security-Policy': sandbox }
  });
}

/** headersOf are those of a file that is shown, with the type that the catalog claims. */
export function headersOf(asked: Asked, claimed: string): Record<string, string> {
  const as = servedAs(claimed);
  const headers: Record<string, string> = { ...safe, 'Content-Type': as.type };
  // The browser's own PDF viewer needs to be let in; nothing in a PDF runs in our origin.
  if (as.type !== 'application/pdf') headers['Content-Security-Policy'] = sandbox;
  if (!as.inline) headers['Content-Disposition'] = disposition(asked.name);
  return headers;
}

/** inline answers what elements of the page ask for, ranges included. */
export function inline(asked: Asked, file: Source, request: Request, claimed: string): Response {
  const { size } = file;
  const headers: Record<string, string> = { ...headersOf(asked, claimed), 'Accept-Ranges': 'bytes' };
  const range = parseRange(request.headers.get('Range'), size);
  if ('impossible' in range) {
    file.release();
    return new Response(null, { status: 416, headers: { ...headers, 'Content-Range': `bytes */${size}` } });
  }
  const [first, last] = 'all' in range ? [0, size - 1] : [range.first, range.last];
  headers['Content-Length'] = String(last - first + 1);
  if (!('all' in range)) headers['Content-Range'] = `bytes ${first}-${last}/${size}`;
  const status = 'all' in range ? 200 : 206;
  if (request.method === 'HEAD') {
    file.release();
    return new Response(null, { status, headers });
  }
  const end = (whole: boolean): void => file.release(whole && first === 0 && last === size - 1);
  return new Response(stream(asked, file.read(first, last), end), { status, headers });
}

/**
 * stream hands out what a generator yields, as it is read: the reader's pace is the whole pipe's pace. What ends it early is
 * reported, once; end is called when it is over.
 */
export function stream(
  asked: Asked,
  from: AsyncGenerator<Uint8Array>,
  end: (whole: boolean) => void = () => {}
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(c) {
        try {
          const { value, done } = await from.next();
          if (!done) return c.enqueue(value);
          c.close();
          end(true);
        } catch (e) {
          end(false);
          if (asked.left.signal.aborted) return;
          report(asked, judge(e));
          c.error(e);
        }
      },
      async cancel() {
        asked.left.abort();
        if (asked.save) report(asked, new MediaError('failed', 'The download was stopped in the browser.'));
        await from.return(undefined);
        end(false);
      }
    },
    { highWaterMark: 0 }
  );
}
