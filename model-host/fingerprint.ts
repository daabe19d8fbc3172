import { createHash } from "node:crypto";
import type { DecodedRequest } from "../src/tensors/codec.ts";

/** The same for the same decoded inputs, whatever wire format they came in. */
export function fingerprint(request: DecodedRequest): string {
  const hash = createHash("sha256");
  for (const { datatype, shape, data } of request.inputs) {
    hash.update(`${datatype}[${shape.join(",")}]`);
    hash.update(ArrayBuffer.isView(data) ? bytesOf(data) : JSON.stringify(data));
  }
  return hash.digest("base64url");
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
