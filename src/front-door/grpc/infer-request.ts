/*
 * ModelInferRequest, from bytes to the body that a host takes: `length of the JSON u32 | JSON | tensors`. Names, shapes
 * and parameters are read; tensors pass through unread, raw or as the messages that they came in.
 */
import { lengthPrefix } from "../../protocol/binary-body.ts";
import { TroupeError } from "../../protocol/errors.ts";
import type { CodecName } from "../../protocol/frames.ts";
import { FieldReader, VarintReader, wireType } from "../../protocol/protobuf-fields.ts";
import { readParameter, textOf } from "./infer-parameters.ts";

export interface InferRequest {
  readonly model: string;
  readonly version: string | undefined;
  /** The client's own; empty where it has none. */
  readonly id: string;
  readonly codec: Extract<CodecName, "v2-binary" | "v2-contents">;
  /** The part of the body that is JSON. */
  readonly json: Buffer;
  readonly body: Buffer;
  /** Why it cannot be sent; what else it says is as far as it was read. */
  readonly refusal?: TroupeError;
}

/** All but the tensors: of these few bytes can stand for many objects, and this process serves everybody. */
const mostHeadBytes = 262_144;
/** What a field costs beside its content. */
const fieldBytes = 32;

interface Entry {
  readonly name: string;
  readonly datatype?: string;
  readonly shape?: readonly number[];
  readonly parameters: Readonly<Record<string, unknown>>;
}

interface Input extends Entry {
  readonly contents: readonly Uint8Array[];
}

const nothing = Buffer.alloc(0);

/**
 * What is refused says of what, as far as it is known: `invalid-request`, `not-implemented` for shared memory, and
 * `payload-too-large`.
 */
export function readInferRequest(message: Uint8Array, maxBytes: number): InferRequest {
  const draft = new RequestDraft();
  try {
    draft.read(message);
    return { ...draft.named, ...partsOf(draft, maxBytes) };
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    const parts = { codec: "v2-binary", json: nothing, body: nothing } as const;
    return { ...draft.named, ...parts, refusal: thrown };
  }
}

function partsOf(
  draft: RequestDraft,
  maxBytes: number,
): Pick<InferRequest, "codec" | "json" | "body"> {
  const pieces = draft.pieces;
  const json = Buffer.from(JSON.stringify(draft.json(pieces)));
  const bytes = pieces.reduce((sum, piece) => sum + bytesIn(piece), json.length);
  if (bytes > maxBytes) {
    const words = `a request must be at most ${maxBytes} bytes as JSON and tensors, got ${bytes}`;
    throw new TroupeError("payload-too-large", words);
  }
  return {
    codec: draft.raw.length > 0 ? "v2-binary" : "v2-contents",
    json,
    body: Buffer.concat([lengthPrefix(json.length), json, ...pieces.flat()]),
  };
}

function bytesIn(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

class RequestDraft {
  model = "";
  version = "";
  id = "";
  readonly raw: Uint8Array[] = [];
  readonly #parameters: (readonly [string, unknown])[] = [];
  readonly #inputs: Input[] = [];
  readonly #outputs: Entry[] = [];
  #headBytes = 0;

  get named(): Pick<InferRequest, "model" | "version" | "id"> {
    const version = this.version === "" ? undefined : this.version;
    return { model: this.model, version, id: this.id };
  }

  read(message: Uint8Array): void {
    for (const reader = new FieldReader(message); reader.next(); ) {
      this.#spend(0);
      if (reader.type === wireType.bytes) this.#readField(reader.number, reader.content);
    }
  }

  #readField(number: number, content: Uint8Array): void {
    if (number === 7) this.raw.push(content);
    else if (number === 5) this.#inputs.push(this.#readInput(content));
    else {
      this.#spend(content.length);
      this.#readHead(number, content);
    }
  }

  #readHead(number: number, content: Uint8Array): void {
    switch (number) {
      case 1:
        this.model = textOf(content);
        return;
      case 2:
        this.version = textOf(content);
        return;
      case 3:
        this.id = textOf(content);
        return;
      case 4:
        this.#parameters.push(readParameter(content));
        return;
      case 6:
        this.#outputs.push(readOutput(content));
        return;
      default:
        // Of a newer protocol.
        return;
    }
  }

  #readInput(message: Uint8Array): Input {
    const input = new InputDraft();
    for (const reader = new FieldReader(message); reader.next(); ) {
      // A message in two pieces is the two together.
      const isContents = reader.number === 5 && reader.type === wireType.bytes;
      this.#spend(isContents ? 0 : reader.content.length);
      if (isContents) input.contents.push(reader.content);
      else input.read(reader);
    }
    return input.done();
  }

  #spend(bytes: number): void {
    this.#headBytes += bytes + fieldBytes;
    if (this.#headBytes <= mostHeadBytes) return;
    const words = `a request must have at most ${mostHeadBytes} bytes beside its tensors`;
    throw new TroupeError("payload-too-large", words);
  }

  /** The bytes of each input. */
  get pieces(): readonly (readonly Uint8Array[])[] {
    if (this.raw.length === 0) return this.#inputs.map(({ contents }) => contents);
    const mixed = this.#inputs.find(({ contents }) => contents.length > 0);
    if (mixed !== undefined) {
      const words = `contents field must not be specified when using raw_input_contents for '${mixed.name}' for model '${this.model}'`;
      throw new TroupeError("invalid-request", words);
    }
    if (this.raw.length !== this.#inputs.length) {
      const words = `expected ${this.#inputs.length} raw_input_contents, one for each input, got ${this.raw.length}`;
      throw new TroupeError("invalid-request", words);
    }
    return this.raw.map((bytes) => [bytes]);
  }

  /** The body's JSON, in which outputs are asked for in binary. */
  json(pieces: RequestDraft["pieces"]): unknown {
    // Each answer on a stream says that it is the last of its request.
    const own = this.#parameters.filter(([name]) => name !== "triton_enable_empty_final_response");
    return {
      ...(this.id === "" ? {} : { id: this.id }),
      parameters: { ...Object.fromEntries(own), binary_data_output: true },
      inputs: this.#inputs.map(({ contents: _, ...entry }, i) => ({
        ...entry,
        parameters: { ...entry.parameters, binary_data_size: bytesIn(pieces[i] ?? []) },
      })),
      outputs: this.#outputs.map(({ name, parameters }) => ({
        name,
        parameters: { ...parameters, binary_data: true },
      })),
    };
  }
}

class InputDraft {
  readonly contents: Uint8Array[] = [];
  readonly #shape: number[] = [];
  readonly #parameters: (readonly [string, unknown])[] = [];
  #name = "";
  #datatype = "";

  read({ number, type, content, signed }: FieldReader): void {
    if (number === 3 && type === wireType.varint) this.#shape.push(signed);
    if (type !== wireType.bytes) return;
    if (number === 1) this.#name = textOf(content);
    if (number === 2) this.#datatype = textOf(content);
    if (number === 3) this.#readShape(content);
    if (number === 4) this.#parameters.push(readParameter(content));
  }

  #readShape(packed: Uint8Array): void {
    for (const reader = new VarintReader(packed); !reader.isAtEnd; ) {
      reader.readVarint();
      this.#shape.push(reader.signed);
    }
  }

  done(): Input {
    const shared = this.#parameters.find(([name]) => name.startsWith("shared_memory_"));
    if (shared !== undefined) {
      const words = `Cannot read input '${this.#name}': '${shared[0]}' is not implemented, send the tensor`;
      throw new TroupeError("not-implemented", words);
    }
    return {
      name: this.#name,
      datatype: this.#datatype,
      shape: this.#shape,
      parameters: Object.fromEntries(this.#parameters),
      contents: this.contents,
    };
  }
}

function readOutput(message: Uint8Array): Entry {
  let name = "";
  const parameters: (readonly [string, unknown])[] = [];
  for (const reader = new FieldReader(message); reader.next(); ) {
    if (reader.type !== wireType.bytes) continue;
    if (reader.number === 1) name = textOf(reader.content);
    if (reader.number === 2) parameters.push(readParameter(reader.content));
  }
  return { name, parameters: Object.fromEntries(parameters) };
}
