/* The binary form of Open Inference V2, as a client writes and reads it. */
import assert from "node:assert/strict";

/** A tensor in the JSON of a request or an answer. */
export interface TensorEntry {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size?: number };
}

interface BinaryJson {
  readonly type?: string;
  readonly id?: string | number;
  readonly outputs: readonly TensorEntry[];
}

export interface BinaryAnswer {
  readonly json: BinaryJson;
  /** By the names of the outputs. */
  readonly tensors: ReadonlyMap<string, Buffer>;
}

export function binaryBody(
  json: unknown,
  tensors: readonly Uint8Array[],
): { readonly body: Buffer; readonly jsonBytes: number } {
  const head = Buffer.from(JSON.stringify(json));
  return { body: Buffer.concat([head, ...tensors]), jsonBytes: head.length };
}

/** The same as a WebSocket has it. */
export function binaryFrame(json: unknown, tensors: readonly Uint8Array[]): Buffer {
  const { body, jsonBytes } = binaryBody(json, tensors);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(jsonBytes);
  return Buffer.concat([length, body]);
}

export function parseBinary(reply: {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}): BinaryAnswer {
  return parseBody(reply.body, Number(reply.headers["inference-header-content-length"]));
}

export function parseBinaryFrame(frame: Buffer): BinaryAnswer {
  return parseBody(frame.subarray(4), frame.readUInt32LE(0));
}

function parseBody(body: Buffer, jsonBytes: number): BinaryAnswer {
  const json = JSON.parse(body.toString("utf8", 0, jsonBytes)) as BinaryJson;
  const tensors = new Map<string, Buffer>();
  let at = jsonBytes;
  for (const { name, parameters } of json.outputs) {
    const size = parameters?.binary_data_size;
    if (size === undefined) continue;
    tensors.set(name, body.subarray(at, at + size));
    at += size;
  }
  assert.equal(at, body.length);
  return { json, tensors };
}
