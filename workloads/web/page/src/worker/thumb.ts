// Thumbnails. A folder has many pictures, and their owner's server holds few sessions for one account: some at a time, each
// closed at once.

import { judge } from '../lib/media/session';
import { Lane } from '../lib/media/sessions';
import { MediaError } from '../lib/media/wire';
import { headersOf } from './answer';
import { open } from './source';
import type { Asked } from './tell';

const lane = new Lane(8);
const silent = new Map<string, number>(); // catalogs whose owner did not answer just now, until when not to ask again

/** forgetSilence asks again whoever did not answer. */
export const forgetSilence = (): void => silent.clear();

/** thumb answers with the whole of a small picture. */
export function thumb(asked: Asked, request: Request, claimed: string): Promise<Response> {
  return lane.run(async () => {
    if (request.signal.aborted || (silent.get(asked.catalog) ?? 0) > performance.now()) {
      throw new MediaError('offline', 'The owner of this catalog is offline.');
    }
    try {
      const file = await open(asked, asked.hash, 'glancing');
      try {
        const parts: Uint8Array[] = [];
        for await (const p of file.read(0, file.size - 1)) parts.push(p);
        silent.delete(asked.catalog);
        return new Response(new Blob(parts as BlobPart[]), { headers: headersOf(asked, claimed) });
      } finally {
        file.release(true);
      }
    } catch (e) {
      if (judge(e).why === 'offline') silent.set(asked.catalog, performance.now() + 2000);
      throw e;
    }
  });
}
