/** How bodies with binary tensors begin, on the data channel and on WebSockets: `length of the JSON u32 | JSON | tensors`, little-endian. */
export const lengthBytes = 4;

export function lengthPrefix(jsonBytes: number): Buffer {
  const prefix = Buffer.allocUnsafe(lengthBytes);
  prefix.writeUInt32LE(jsonBytes);
  return prefix;
}

/** What the body says of its JSON, which may be more than there is; undefined where it is too short to say. */
export function saidJsonBytes(body: Uint8Array): number | undefined {
  if (body.length < lengthBytes) return undefined;
  return new DataView(body.buffer, body.byteOffset).getUint32(0, true);
}
