/** A body as it was read: its bytes in order, in as many pieces as they came. To join large ones costs more than all else that a front door does with them. */
export type Pieces = readonly Buffer[];

export function bytesIn(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}

/** A copy only where there are several. */
export function joined(pieces: Pieces): Buffer {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}
