// Public NATS user keys from raw Ed25519 keys: base32 of a prefix byte, the 32 bytes of the key and a CRC-16.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const userPrefix = 20 << 3;

/** userNkey is the public nkey ("U…") of a raw public Ed25519 key. */
export function userNkey(raw: Uint8Array): string {
  if (raw.length !== 32) throw new Error('an Ed25519 key has 32 bytes');
  const b = new Uint8Array(35);
  b[0] = userPrefix;
  b.set(raw, 1);
  const crc = crc16(b.subarray(0, 33));
  b[33] = crc & 0xff;
  b[34] = crc >> 8;
  return base32(b);
}

function base32(b: Uint8Array): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of b) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      out += alphabet[(value >>> (bits - 5)) & 31];
      bits -= 5;
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) out += alphabet[(value << (5 - bits)) & 31];
  return out;
}

/** crc16 is CRC-16/XMODEM. */
function crc16(b: Uint8Array): number {
  let crc = 0;
  for (const byte of b) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** isAccount reports whether s looks like the public key of an account; the functions check it whole. */
export function isAccount(s: string): boolean {
  return /^A[A-Z2-7]{55}$/.test(s);
}
