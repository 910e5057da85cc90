// Frames of a protocol 2 session: chunks and the end, AES-256-GCM. See workloads/catalog/seal.

export const prefixSize = 20;
export const overhead = 36;

export const kindChunk = 1;
export const kindLast = 2;
export const kindEnd = 3;

export interface Layout {
  size: number;
  chunkSize: number;
}

export const chunksOf = (l: Layout): number => Math.ceil(l.size / l.chunkSize);

/** lengthOf is the number of bytes in chunk i, 0 when there is none. */
export function lengthOf(l: Layout, i: number): number {
  if (i < 0 || i >= chunksOf(l)) return 0;
  return Math.min(l.chunkSize, l.size - i * l.chunkSize);
}

/** A Claim is what a frame says it is, before it has been opened. */
export interface Claim {
  kind: number;
  index: number;
}

/** counterOf is the counter of a frame, in hexadecimal digits: who knows it has got the frame. */
export function counterOf(b: Uint8Array): string {
  return [...b.subarray(12, prefixSize)].map((x) => x.toString(16).padStart(2, '0')).join('');
}

/** A Receiver opens the frames of one session. */
export class Receiver {
  // WebCrypto copies both before decrypt returns, so one of each will do.
  private readonly iv = new Uint8Array(12);
  private readonly ad: Uint8Array;

  private constructor(
    private readonly key: CryptoKey,
    session: Uint8Array,
    readonly layout: Layout
  ) {
    this.ad = new Uint8Array(session.length + prefixSize);
    this.ad.set(session);
  }

  static async make(key: Uint8Array, session: string, layout: Layout): Promise<Receiver> {
    const k = await crypto.subtle.importKey('raw', key as BufferSource, 'AES-GCM', false, ['decrypt']);
    key.fill(0);
    return new Receiver(k, new TextEncoder().encode(session), layout);
  }

  /** peek is what a frame claims to be, before the cost of opening it; null for what is not a frame of this session. */
  peek(b: Uint8Array): Claim | null {
    if (b.length < overhead || b[0] !== 2 || b[2] !== 0 || b[3] !== 0) return null;
    const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
    if (view.getUint32(4) > 1 << 20) return null;
    const index = view.getUint32(4) * 2 ** 32 + view.getUint32(8);
    const kind = b[1];
    const n = b.length - overhead;
    if (kind === kindEnd) return index === 0 && n <= 1024 ? { kind, index } : null;
    if (kind !== kindChunk && kind !== kindLast) return null;
    const want = lengthOf(this.layout, index);
    if (want === 0 || want !== n || (index === chunksOf(this.layout) - 1) !== (kind === kindLast)) return null;
    return { kind, index };
  }

  /** open returns what is in a frame that peek let pass, or null for one that was changed or is another session's. */
  open(b: Uint8Array): Promise<Uint8Array | null> {
    this.iv.set(b.subarray(12, prefixSize), 4);
    this.ad.set(b.subarray(0, prefixSize), this.ad.length - prefixSize);
    const algorithm = { name: 'AES-GCM', iv: this.iv as BufferSource, additionalData: this.ad as BufferSource };
    return crypto.subtle.decrypt(algorithm, this.key, b.subarray(prefixSize) as BufferSource).then(
      (plain) => new Uint8Array(plain),
      () => null
    );
  }
}
