// A range of a file as a stream: chunks in order, as fast as they are read and no faster.

import type { Taker } from './flow';
import type { Session } from './session';
import type { MediaError } from './wire';

const most = 32; // chunks

/** A Reader reads bytes first..last of an open session. */
export class Reader implements Taker {
  private at: number; // byte to hand out next
  private upTo: number; // chunk to ask for next
  private readonly have = new Map<number, Uint8Array>();
  private readonly keep = new Map<number, (c: Uint8Array) => void>();
  private wake: (() => void) | undefined;
  private error: MediaError | undefined;
  private closed = false;
  private readonly off: (() => void)[];

  constructor(
    private readonly session: Session,
    first: number,
    private readonly last: number
  ) {
    this.at = first;
    this.upTo = this.next;
    this.off = [
      session.onFail((e) => {
        this.error = e;
        this.wake?.();
      }),
      session.onCut(() => {
        this.keep.clear();
        this.have.clear();
        this.upTo = this.next;
        session.flow.pump();
      })
    ];
    session.flow.add(this);
  }

  /** next is the chunk to hand out. */
  private get next(): number {
    return Math.floor(this.at / this.session.layout.chunkSize);
  }

  /** take implements Taker: it never holds more than the window, or two chunks, beyond what was read. */
  take(n: number): number {
    if (this.error) return 0;
    let asked = 0;
    const size = this.session.layout.chunkSize;
    const ahead = Math.max(2, Math.min(most, Math.ceil(this.session.flow.limit / size)));
    while (asked < n && this.upTo * size <= this.last && this.upTo - this.next < ahead) {
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
    if (this.closed || this.at > this.last) return null;
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
    const i = this.next;
    const begin = i * this.session.layout.chunkSize;
    const c = this.have.get(i)!.subarray(this.at - begin, this.last + 1 - begin);
    this.have.delete(i);
    this.at += c.length;
    this.session.lastUsed = performance.now();
    this.session.flow.pump();
    if (this.at > this.last) this.close();
    return c;
  }

  /** close stops reading, also a read that waits; chunks on their way are dropped. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.wake?.();
    for (const off of this.off) off();
    this.session.flow.remove(this);
    for (const [i, f] of this.keep) this.session.drop(i, f);
    this.keep.clear();
    this.have.clear();
    this.session.flow.pump();
  }
}
