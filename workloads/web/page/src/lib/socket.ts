// A WebSocket to NATS whose first message is held until the server's challenge in it has been signed: the NATS client
// wants a signature at once, WebCrypto gives one later.

type Handler<E> = ((e: E) => void) | null;

/** Prepare is given the server's nonce and gets signature and JWT ready. */
export type Prepare = (nonce: string) => Promise<void>;

/** A HeldSocket is as much of a WebSocket as the NATS client uses. */
export class HeldSocket {
  onopen: Handler<Event> = null;
  onmessage: Handler<MessageEvent> = null;
  onclose: Handler<CloseEvent> = null;
  onerror: Handler<Event> = null;
  private readonly inner: WebSocket;
  private held: MessageEvent[] | null = [];
  private info = '';
  private preparing = false;

  /** unheard is called when the socket ends before the server said anything: the site may have refused it. */
  constructor(url: string, prepare: Prepare, unheard: () => void) {
    this.inner = new WebSocket(url);
    this.inner.binaryType = 'arraybuffer';
    this.inner.onopen = (e) => this.onopen?.(e);
    this.inner.onclose = (e) => {
      if (this.held && !this.preparing) unheard();
      this.onclose?.(e);
    };
    this.inner.onerror = (e) => this.onerror?.(e);
    this.inner.onmessage = (e) => {
      if (!this.held) {
        this.onmessage?.(e);
        return;
      }
      this.held.push(e);
      if (!this.preparing) void this.hold(e, prepare);
    };
  }

  private async hold(e: MessageEvent, prepare: Prepare): Promise<void> {
    this.info += new TextDecoder().decode(e.data as ArrayBuffer);
    const line = /^INFO\s+(\{.*\})\s*\r\n/.exec(this.info);
    if (!line) return; // more to come
    this.preparing = true;
    try {
      await prepare((JSON.parse(line[1]) as { nonce?: string }).nonce ?? '');
    } catch {
      this.held = null;
      this.inner.close();
      this.onerror?.(Object.assign(new Event('error'), { message: 'not signed in' }));
      return;
    }
    const all = this.held ?? [];
    this.held = null;
    for (const m of all) this.onmessage?.(m);
  }

  set binaryType(_: BinaryType) {
    // it always is arraybuffer
  }
  get binaryType(): BinaryType {
    return 'arraybuffer';
  }
  get bufferedAmount(): number {
    return this.inner.bufferedAmount;
  }
  send(data: ArrayBufferLike | ArrayBufferView<ArrayBuffer>): void {
    this.inner.send(data as ArrayBuffer);
  }
  close(code?: number, reason?: string): void {
    this.inner.close(code, reason);
  }
}
