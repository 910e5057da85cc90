// The window of one connection: how many bytes are in flight, over all sessions. It grows while chunks come quickly and
// shrinks when they come late, because bytes in flight are what makes everything else on the connection wait.

export interface Times {
  now(): number; // milliseconds
}

const quick = 300;
const late = 800;
const slowest = 5000; // of what loss alone makes us believe
const step = 128 << 10; // bytes
const most = 32 * step;

/** A Taker wants chunks. */
export interface Taker {
  /** take asks for chunks until it has asked for n bytes or more, and returns how many it asked for. */
  take(n: number): number;
}

export class Flow {
  limit = 2 * step;
  inFlight = 0;
  lastArrival = 0;
  private lastLoss = 0;
  private srtt = 0;
  private rttvar = 0;
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

  /** arrived tells of a chunk that came so long after it was asked for. */
  arrived(took: number): void {
    this.lastArrival = this.clock.now();
    if (this.srtt === 0) {
      this.srtt = took;
      this.rttvar = took / 2;
    } else {
      this.rttvar = 0.75 * this.rttvar + 0.25 * Math.abs(this.srtt - took);
      this.srtt = 0.875 * this.srtt + 0.125 * took;
    }
    if (took <= quick) this.limit = Math.min(this.limit + step, most);
    else if (took > late) this.limit = Math.max(this.limit - step, step);
  }

  /** lost tells that something did not come in time. Of a burst of losses the first one counts. */
  lost(): void {
    const now = this.clock.now();
    if (now - this.lastLoss < this.patience(0)) return;
    this.lastLoss = now;
    this.limit = Math.max(this.limit >> 1, step);
    this.srtt = Math.min(Math.max(2 * this.srtt, 100), slowest);
  }

  /** patience is how long to wait for a chunk of so many bytes before it counts as lost. */
  patience(bytes: number): number {
    if (this.srtt === 0) return 2000 + bytes / 128;
    return Math.max(250, this.srtt + 4 * this.rttvar);
  }

  /** pump gives the room there is to those who want it, in turn, once enough has gathered to be worth a request. */
  pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    try {
      if (this.inFlight > 0 && this.limit - this.inFlight < Math.max(step, this.limit >> 2)) return;
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
