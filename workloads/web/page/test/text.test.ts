import { expect, test } from 'vitest';
import { decode } from '../src/lib/text';

const bytes = (s: string, e: BufferEncoding) => new Uint8Array(Buffer.from(s, e));

test.each([
  ['UTF-8', bytes('Grüße', 'utf8')],
  ['UTF-8 with a mark', new Uint8Array([0xef, 0xbb, 0xbf, ...bytes('Grüße', 'utf8')])],
  ['UTF-16, little end first', new Uint8Array([0xff, 0xfe, ...bytes('Grüße', 'utf16le')])],
  ['UTF-16, big end first', new Uint8Array([0xfe, 0xff, ...new Uint8Array(Buffer.from('Grüße', 'utf16le').swap16())])],
  ['what Windows wrote', bytes('Grüße', 'latin1')]
])('text is read in %s', (_, b) => expect(decode(b)).toBe('Grüße'));

test('a beginning that ends within a character is still UTF-8', () => {
  const b = bytes('Grüße', 'utf8');
  expect(decode(b.subarray(0, 3), true)).toBe('Gr');
  expect(decode(b.subarray(0, 3))).toBe('GrÃ');
});

test('nothing is nothing', () => expect(decode(new Uint8Array())).toBe(''));
