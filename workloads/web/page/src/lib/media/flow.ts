// The window of one connection: how many bytes are in flight, over all sessions. It grows while chunks come quickly and
// shrinks when they come late, because bytes in flight are what makes everything else on the connection wait. The rule
// is that of the Go client's window.go, which keeps one for each file; workloads/catalog/testdata/window.json has the
// cases of both.

export interface Times {
  now(): number; // milliseconds
}

const quick = 300; // milliseconds: one chunk more below
const late = 800; // one less above
const shortest = 250; // timeouts
const longest = 30_000;
const doublings = 6; // of a timeout, at most
const guess = 5000; // of a latency that only losses tell of
const step = 128 << 10; // bytes
const most = 32 * step;
const reorder = 8; // chunks that were asked for later must come before a missing one counts as lost

/** A Taker wants chunks. */
export interface Taker {
  /** take asks for chunks until it has asked for n bytes or more, and returns how many it asked for. */
  take(n: number): number;
}

export class Flow {
  limit = 2 * step;
  inFlight = 0;
  lastArrival = 0;
  private chunk = step; // the largest in use
  private shrunk = -Infinity; // when something was lost last
  private mean = 0; // of the latency; 0: not known
  private variation = 0;
  private readonly takers: Taker[] = [];
  private pumping = false;

  constructor(private readonly clock: Times) {}

  add(t: Taker): void {
    this.takers.push(t);
  }

  remove(t: Taker): void {
    const i = this.takers.indexOf(t);
    if (i >= 0) this.takers.splice(i, 1);
  }

  /** use takes in that chunks of so many bytes are asked for. */
  use(bytes: number): void {
    if (bytes <= this.chunk) return;
    this.chunk = bytes;
    this.limit = Math.max(this.limit, Math.min(2 * bytes, most));
  }

  /**
   * arrived takes in that a chunk came so long after it was first asked for, and that it was asked for tries times.
   * Which of several requests it answers is not known: it may be late, but tells nothing about the latency.
   */
  arrived(took: number, tries: number): void {
    this.lastArrival = this.clock.now();
    if (took > late) this.limit = Math.max(this.limit - this.chunk, this.chunk);
    else if (took <= quick && tries === 1) this.limit = Math.min(this.limit + this.chunk, most);
    if (tries > 1) return;
    if (this.mean === 0) {
      this.mean = took;
      this.variation = took / 2;
    } else {
      this.variation += (Math.abs(took - this.mean) - this.variation) / 4;
      this.mean += (took - this.mean) / 8;
    }
  }

  /** lost takes in that something did not come in time. Of a burst of losses the first counts. */
  lost(): void {
    const now = this.clock.now();
    if (now - this.shrunk < this.timeout(this.chunk, 1)) return;
    this.shrunk = now;
    this.limit = Math.max(Math.floor(this.limit / 2 / this.chunk), 1) * this.chunk;
    this.mean = Math.max(this.mean, Math.min(2 * this.mean, guess));
  }

  /** timeout is how long to wait for a chunk of so many bytes that was asked for the tries-th time. */
  timeout(bytes: number, tries: number): number {
    const once = this.mean === 0 ? 2000 + (bytes * 1000) / step : Math.max(shortest, this.mean + 4 * this.variation);
    return Math.min(once * 2 ** Math.min(tries - 1, doublings), longest);
  }

  /** batch is how many free bytes make it worth asking. */
  get batch(): number {
    return Math.max(this.chunk, this.limit >> 2);
  }

  /** pump gives the room there is to those who want it, in turn, once enough has gathered to be worth a request. */
  pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    try {
      if (this.inFlight > 0 && this.limit - this.inFlight < this.batch) return;
      for (let idle = 0; idle < this.takers.length && this.inFlight < this.limit; ) {
        const t = this.takers.shift()!;
        this.takers.push(t);
        const share = Math.ceil((this.limit - this.inFlight) / this.takers.length);
        if (t.take(share) === 0) idle++;
        else idle = 0;
      }
    } finally {
      this.pumping = false;
    }
  }
}

/** overtaken reports whether the chunk of request number asked is lost, since that of number newest has come. */
export const overtaken = (asked: number, newest: number): boolean => asked + reorder < newest;
