// The bytes that make the structure of JSON (RFC 8259, section 2), for readers that look at few of them. The engine does
// not fold a constant that comes from another module: the loops over all bytes of a body have constants of their own.

export const space = 0x20;
export const quote = 0x22;
export const comma = 0x2c;
export const minus = 0x2d;
export const point = 0x2e;
export const zero = 0x30;
const nine = 0x39;
export const colon = 0x3a;
export const openBracket = 0x5b;
export const backslash = 0x5c;
export const closeBracket = 0x5d;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;

export function isSpace(byte: number | undefined): boolean {
  return byte === space || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export function skipSpace(body: Uint8Array, at: number): number {
  let next = at;
  while (isSpace(body[next])) next += 1;
  return next;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}
