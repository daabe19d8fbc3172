import { lengthBytes, saidJsonBytes } from "../protocol/binary-body.ts";
import { invalidRequest, quoted } from "./wording.ts";

/** A body of `length of the JSON u32 | JSON | tensors`. */
interface BinaryBody {
  readonly json: Uint8Array;
  readonly tensors: BinarySection;
}

/** Throws `invalid-request` where the length is not that of JSON in the body. */
export function splitBinaryBody(body: Uint8Array): BinaryBody {
  const jsonBytes = saidJsonBytes(body);
  if (jsonBytes === undefined) {
    throw invalidRequest(
      `Cannot read body: expected the length of its JSON (4 bytes), got ${body.length} bytes`,
    );
  }
  const most = body.length - lengthBytes;
  if (jsonBytes > most || jsonBytes === 0) {
    throw invalidRequest(
      `inference header size should be in range (0, ${most}), got: ${jsonBytes}`,
    );
  }
  const json = body.subarray(lengthBytes, lengthBytes + jsonBytes);
  return { json, tensors: new BinarySection(body.subarray(lengthBytes + jsonBytes)) };
}

/** The binary tensors behind the JSON of a request: one after the other, in the order of its `inputs`. */
export class BinarySection {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `size` bytes, which are those of input `name`. Throws `invalid-request` where there are not as many. */
  take(name: string, size: number, model: string): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (size > left) {
      throw invalidRequest(
        `unexpected size for input ${quoted(name)}, expecting ${size - left} additional bytes for model ${quoted(model)}: 'binary_data_size' is ${size}, got ${left}`,
      );
    }
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  /** Throws `invalid-request` where bytes are left that belong to no input. */
  end(model: string): void {
    const left = this.#bytes.length - this.#at;
    if (left === 0) return;
    throw invalidRequest(
      `unexpected additional input data for model ${quoted(model)}: expected ${this.#at} bytes behind the JSON, got ${this.#bytes.length}`,
    );
  }
}
