// The files that came whole, because their owner's server is an original one: the last few are kept.

export class Wholes {
  private readonly rows = new Map<string, Promise<Blob>>(); // the one used last is last

  constructor(private readonly most = 2) {}

  /** get returns a file, which fetch gets unless it is here or on its way. A fetch that fails is forgotten. */
  get(catalog: string, hash: string, fetch: () => Promise<Blob>): Promise<Blob> {
    const key = catalog + '/' + hash;
    let p = this.rows.get(key);
    if (!p) {
      p = fetch();
      const q = p;
      q.catch(() => this.rows.get(key) === q && this.rows.delete(key));
    }
    this.rows.delete(key);
    this.rows.set(key, p);
    if (this.rows.size > this.most) this.rows.delete(this.rows.keys().next().value!);
    return p;
  }

  /** drop forgets the files of a catalog. */
  drop(catalog: string): void {
    for (const key of [...this.rows.keys()]) if (key.startsWith(catalog + '/')) this.rows.delete(key);
  }

  clear(): void {
    this.rows.clear();
  }
}
