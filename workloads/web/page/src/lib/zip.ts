// A zip archive as a stream: stored, not compressed (media does not shrink), with sizes after each file and zip64
// throughout, so that number and sizes of files have no limit, and the length is known before the first byte.

export interface ZipEntry {
  path: string; // slash separated
  size: number;
  modified?: number; // Unix seconds, where it is known
}

const text = new TextEncoder();
const localSize = 30 + 20;
const descriptorSize = 24;
const centralSize = 46 + 28;
const tailSize = 56 + 20 + 22;

/** zipLength is the length of the archive in bytes. */
export function zipLength(entries: ZipEntry[]): number {
  let n = tailSize;
  for (const e of entries) {
    const name = text.encode(e.path).length;
    n += localSize + name + e.size + descriptorSize + centralSize + name + 2 * stamp(e.modified).extra.length;
  }
  return n;
}

class Bytes {
  private at = 0;
  readonly out: Uint8Array;
  private readonly view: DataView;
  constructor(n: number) {
    this.out = new Uint8Array(n);
    this.view = new DataView(this.out.buffer);
  }
  u16(...v: number[]): this {
    for (const x of v) {
      this.view.setUint16(this.at, x, true);
      this.at += 2;
    }
    return this;
  }
  u32(...v: number[]): this {
    for (const x of v) {
      this.view.setUint32(this.at, x >>> 0, true);
      this.at += 4;
    }
    return this;
  }
  u64(...v: number[]): this {
    for (const x of v) {
      this.view.setBigUint64(this.at, BigInt(x), true);
      this.at += 8;
    }
    return this;
  }
  raw(b: Uint8Array): this {
    this.out.set(b, this.at);
    this.at += b.length;
    return this;
  }
}

const version = 45; // zip64
const flags = 0x0808; // sizes follow the file; names are UTF-8
const full = 0xffffffff;

/**
 * stamp is when a file was changed, twice: as DOS has it (local, even seconds, from 1980 on), and as an extra field has
 * it, in UTC.
 */
function stamp(modified?: number): { time: number; date: number; extra: Uint8Array } {
  const d = new Date((modified ?? 0) * 1000);
  const known = !!modified && d.getFullYear() >= 1980 && d.getFullYear() < 2108;
  const fits = !!modified && modified === (modified | 0);
  return {
    time: known ? (d.getHours() << 11) | (d.getMinutes() << 5) | (d.getSeconds() >> 1) : 0,
    // 1 January 1980 where it is not known.
    date: known ? ((d.getFullYear() - 1980) << 9) | ((d.getMonth() + 1) << 5) | d.getDate() : 0x21,
    extra: fits ? new Bytes(9).u16(0x5455, 5).raw(Uint8Array.of(1)).u32(modified).out : new Uint8Array()
  };
}

/** zip yields the archive; open returns the bytes of each entry in turn. */
export async function* zip(
  entries: ZipEntry[],
  open: (e: ZipEntry, i: number) => AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array> {
  const central: { name: Uint8Array; crc: number; size: number; at: number; when: ReturnType<typeof stamp> }[] = [];
  let at = 0;
  for (const [i, e] of entries.entries()) {
    const name = text.encode(e.path);
    const when = stamp(e.modified);
    const { time, date, extra } = when;
    const head = new Bytes(localSize + name.length + extra.length)
      .u32(0x04034b50).u16(version, flags, 0, time, date).u32(0, full, full);
    yield head.u16(name.length, 20 + extra.length).raw(name).u16(1, 16).u64(0, 0).raw(extra).out;
    let crc = 0;
    let n = 0;
    for await (const b of open(e, i)) {
      crc = crc32(b, crc);
      n += b.length;
      yield b;
    }
    if (n !== e.size) throw new Error(`${e.path}: ${n} bytes instead of ${e.size}`);
    yield new Bytes(descriptorSize).u32(0x08074b50, crc).u64(n, n).out;
    central.push({ name, crc, size: n, at, when });
    at += localSize + name.length + extra.length + n + descriptorSize;
  }
  const start = at;
  for (const c of central) {
    const { time, date, extra } = c.when;
    yield new Bytes(centralSize + c.name.length + extra.length)
      .u32(0x02014b50).u16(version, version, flags, 0, time, date).u32(c.crc, full, full)
      .u16(c.name.length, 28 + extra.length, 0, 0, 0).u32(0, full).raw(c.name)
      .u16(1, 24).u64(c.size, c.size, c.at).raw(extra).out;
    at += centralSize + c.name.length + extra.length;
  }
  const n = central.length;
  yield new Bytes(tailSize)
    .u32(0x06064b50).u64(44).u16(version, version).u32(0, 0).u64(n, n, at - start, start)
    .u32(0x07064b50, 0).u64(at).u32(1)
    .u32(0x06054b50).u16(0, 0, 0xffff, 0xffff).u32(full, full).u16(0).out;
}

// CRC-32 eight bytes at a time.
const tables = ((): Uint32Array[] => {
  const t = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    t[0][i] = c >>> 0;
  }
  for (let i = 0; i < 256; i++) for (let k = 1; k < 8; k++) t[k][i] = t[0][t[k - 1][i] & 255] ^ (t[k - 1][i] >>> 8);
  return t;
})();

export function crc32(b: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let c = ~crc;
  let i = 0;
  for (; i + 8 <= b.length; i += 8) {
    const lo = c ^ (b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24));
    c =
      t7[lo & 255] ^ t6[(lo >>> 8) & 255] ^ t5[(lo >>> 16) & 255] ^ t4[lo >>> 24] ^
      t3[b[i + 4]] ^ t2[b[i + 5]] ^ t1[b[i + 6]] ^ t0[b[i + 7]];
  }
  for (; i < b.length; i++) c = (c >>> 8) ^ t0[(c ^ b[i]) & 255];
  return ~c >>> 0;
}
