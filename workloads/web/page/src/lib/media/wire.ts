// What a session needs of the connection, so that its tests need none; and the requests of protocol 2.

export interface Wire {
  /** account is whose connection it is. */
  readonly account: string;
  /** request returns the data of the answer; it fails with a Refusal. */
  request<T>(subject: string, body: unknown, timeout: number): Promise<T>;
  subscribe(subject: string, f: (data: Uint8Array, header: (name: string) => string) => void): Promise<() => void>;
  /** onBack calls f when the connection is back after an interruption. */
  onBack(f: () => void): () => void;
}

export interface DownloadReply {
  protocol?: number;
  session: string;
  instance?: string; // of the server: the one of several that has the session
  chunk_size: number;
  total_chunks: number;
  total_bytes: number;
  sender_xkey: string;
  header: string;
}

/**
 * How a file is read, for what. With larger chunks a slow link fills before the window can react, and a player waits
 * for its first frame; a download waits for none, and fewer chunks are less work. A player looks at the beginning
 * twice. What is saved would have to begin anew, and waits long for an owner who went away; a thumbnail is asked for
 * again.
 */
export const playing = { chunkSize: 128 << 10, remembered: 16, timeout: 30_000 };
export const saving = { chunkSize: 256 << 10, remembered: 0, timeout: 600_000 };
export const previewing = { chunkSize: 128 << 10, remembered: 0, timeout: 3_000 };

/** Why a file cannot be read, or not any more. */
export type Why =
  | 'offline' | 'revoked' | 'changed' | 'away' | 'missing' | 'busy' | 'old_server' | 'transcoded' | 'damaged'
  | 'signed_out' | 'failed';

export class MediaError extends Error {
  constructor(
    readonly why: Why,
    message: string
  ) {
    super(message);
  }
}
