// Text as it was meant: the encoding is what its first bytes say, UTF-8 where it is that, and otherwise Windows-1252.

/** decode is the text in b, of which cut says that it is only the beginning. */
export function decode(b: Uint8Array, cut = false): string {
  if (b[0] === 0xff && b[1] === 0xfe) return new TextDecoder('utf-16le').decode(b);
  if (b[0] === 0xfe && b[1] === 0xff) return new TextDecoder('utf-16be').decode(b);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(b, { stream: cut }); // a character may be cut, too
  } catch {
    return new TextDecoder('windows-1252').decode(b);
  }
}
