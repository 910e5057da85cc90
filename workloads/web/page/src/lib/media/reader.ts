// A range of a file as a stream: chunks in order, as fast as they are read and no faster.

import type { Taker } from './flow';
import type { Session } from './session';
import type { MediaError } from './wire';

const most = 32; // chunks

/** A Reader reads bytes first..last of an open session. */
export class Reader implements Taker {
  private next: number; // chunk to hand out
  private upTo: number; // chunk to ask for
  private readonly end: number; // after the last chunk
  private readonly have = new Map<number, Uint8Array>();
  private readonly keep = new Map<number, (c: Uint8Array) => void>();
  private wake: (() => void) | undefined;
  private error: MediaError | undefined;
  private closed = false;
  private readonly off: () => void;

  constructor(
    private readonly session: Session,
    private readonly first: number,
    private readonly last: number
  ) {
    const size = session.layout.chunkSize;
    this.next = this.upTo = Math.floor(first / size);
    this.end = last < first ? this.next : Math.floor(last / size) + 1;
    this.off = session.onFail((e) => {
      this.error = e;
      this.wake?.();
    });
    session.flow.add(this);
  }

  /** take implements Taker: it never holds more than the window, or two chunks, beyond what was read. */
  take(n: number): number {
    if (this.error) return 0;
    let asked = 0;
    const size = this.session.layout.chunkSize;
    const ahead = Math.max(2, Math.min(most, Math.ceil(this.session.flow.limit / size)));
    while (asked < n && this.upTo < this.end && this.upTo - this.next < ahead) {
      const i = this.upTo++;
      const f = (c: Uint8Array) => {
        this.keep.delete(i);
        this.have.set(i, c);
        if (i === this.next) this.wake?.();
      };
      this.keep.set(i, f);
      if (this.session.ask(i, f)) asked += size;
    }
    if (asked > 0) this.session.send();
    return asked;
  }

  /** read returns the next bytes, or null at the end, and once it is closed. */
  async read(): Promise<Uint8Array | null> {
    if (this.closed || this.next >= this.end) return null;
    this.session.flow.pump();
    while (!this.error && !this.closed && !this.have.has(this.next)) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = undefined;
    }
    if (this.closed) return null;
    if (this.error) {
      this.close();
      throw this.error;
    }
    const i = this.next++;
    let c = this.have.get(i)!;
    this.have.delete(i);
    const at = i * this.session.layout.chunkSize;
    if (at < this.first || at + c.length > this.last + 1) {
      c = c.subarray(Math.max(0, this.first - at), Math.min(c.length, this.last + 1 - at));
    }
    this.session.lastUsed = performance.now();
    this.session.flow.pump();
    if (this.next >= this.end) this.close();
    return c;
  }

  /** close stops reading, also a read that waits; chunks on their way are nobody's. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.wake?.();
    this.off();
    this.session.flow.remove(this);
    for (const [i, f] of this.keep) this.session.drop(i, f);
    this.keep.clear();
    this.have.clear();
    this.session.flow.pump();
  }
}
