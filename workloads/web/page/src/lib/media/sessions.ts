// The open files of one connection. An owner's server holds a session for each, and holds few for one account: they are
// shared by those who read the same file, closed when it has been read, and rest while it is not being read.

import type { Session } from './session';

/** A Hold keeps a session open for one reader. */
export interface Hold {
  readonly session: Session;
  /** release ends it; done says that the whole file was read, and is not likely to be read again. */
  release(done?: boolean): void;
}

interface Row {
  session: Session;
  holds: number;
}

export class Sessions {
  private readonly rows = new Map<string, Row>();

  constructor(
    private readonly most = 24, // that servers hold for us
    private readonly idle = 60_000, // milliseconds after which one without a reader is closed
    private readonly now: () => number = () => performance.now()
  ) {}

  /** hold returns an open session under key, which make makes unless there is one. */
  async hold(key: string, make: () => Session, before?: (s: Session) => void): Promise<Hold> {
    this.sweep();
    let row = this.rows.get(key);
    if (!row) {
      row = { session: make(), holds: 0 };
      this.rows.set(key, row);
    }
    const r = row;
    r.holds++;
    r.session.lastUsed = this.now();
    before?.(r.session);
    this.room(r.session);
    let released = false;
    const release = (done = false): void => {
      if (released) return;
      released = true;
      r.holds--;
      if (r.holds > 0 || !(done || r.session.dead)) return;
      this.drop(key, r);
    };
    try {
      await r.session.open();
    } catch (e) {
      release(true);
      throw e;
    }
    return { session: r.session, release };
  }

  /** room lets the idlest rest, so that one more can be open. What is waited for is not idle. */
  private room(but: Session): void {
    const open = [...this.rows.values()].map((r) => r.session).filter((s) => s.held && s !== but);
    if (open.length < this.most) return;
    open.sort((a, b) => a.lastUsed - b.lastUsed);
    for (const s of open.slice(0, open.length - this.most + 1)) s.rest();
  }

  /** sweep closes what has not been read for a while. */
  sweep(): void {
    for (const [k, r] of this.rows) {
      if (r.session.dead || (r.holds === 0 && this.now() - r.session.lastUsed > this.idle)) this.drop(k, r);
    }
  }

  private drop(key: string, r: Row): void {
    if (this.rows.get(key) === r) this.rows.delete(key);
    r.session.close();
  }

  /** each calls f with every session. */
  each(f: (s: Session) => void): void {
    for (const r of this.rows.values()) f(r.session);
  }

  /** clear forgets them all; what is still read ends as f ends it. */
  clear(f: (s: Session) => void): void {
    this.each(f);
    this.rows.clear();
  }
}

/** A Lane lets so many in at a time; the others wait in turn. */
export class Lane {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  async run<T>(f: () => Promise<T>): Promise<T> {
    if (this.inside >= this.most) await new Promise<void>((enter) => this.waiting.push(enter));
    else this.inside++;
    try {
      return await f();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.inside--;
    }
  }
}
