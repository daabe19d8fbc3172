/*
 * RepositoryModelLoadRequest, of which files are most: they stay where they lie in the message, and become no objects.
 * What it says beside them is bounded.
 */
import { TroupeError } from "../../protocol/errors.ts";
import { FieldReader, wireType } from "../../protocol/protobuf-fields.ts";
import { checkUploadSize } from "../upload.ts";
import { maxTermsBytes, type ReadLoad } from "../v2-loading.ts";
import { filePrefix } from "../v2-repository.ts";
import { bufferOf, textOf } from "./infer-parameters.ts";

/** A file, or what may stand in JSON. */
type Value = Buffer | boolean | number | string | undefined;

export interface LoadRequest {
  readonly repository: string;
  readonly model: string;
  readonly parameters: readonly (readonly [name: string, value: Value])[];
}

/** What is handed on of a file at once, between which the process serves others. */
const pieceBytes = 65_536;
/** What a field costs beside its content. */
const fieldBytes = 32;

/** Throws `invalid-request` for what is no such message, and `payload-too-large`. */
export function readLoadRequest(message: Uint8Array): LoadRequest {
  const draft = new LoadDraft();
  for (const reader = new FieldReader(message); reader.next(); ) {
    if (reader.type === wireType.bytes) draft.read(reader);
    else draft.spend(0);
  }
  return draft;
}

class LoadDraft implements LoadRequest {
  repository = "";
  model = "";
  readonly parameters: (readonly [string, Value])[] = [];
  #termsBytes = 0;

  read({ number, content }: FieldReader): void {
    if (number === 3) this.#add(readParameter(content), content.length);
    else this.spend(content.length);
    if (number === 1) this.repository = textOf(content);
    if (number === 2) this.model = textOf(content);
  }

  #add(parameter: readonly [string, Value], bytes: number): void {
    const [, value] = parameter;
    this.spend(Buffer.isBuffer(value) ? bytes - value.length : bytes);
    this.parameters.push(parameter);
  }

  /** Of fields, some of which are of a newer protocol. */
  spend(bytes: number): void {
    this.#termsBytes += bytes + fieldBytes;
    if (this.#termsBytes <= maxTermsBytes) return;
    const words = `a load must have at most ${maxTermsBytes} bytes beside its files`;
    throw new TroupeError("payload-too-large", words);
  }
}

function readParameter(entry: Uint8Array): readonly [string, Value] {
  let name = "";
  let value: Value;
  for (const reader = new FieldReader(entry); reader.next(); ) {
    if (reader.number === 1) name = textOf(reader.content);
    if (reader.number === 2) value = readValue(reader.content);
  }
  return [name, value];
}

function readValue(message: Uint8Array): Value {
  let value: Value;
  for (const reader = new FieldReader(message); reader.next(); ) {
    if (reader.number === 1) value = reader.low !== 0;
    if (reader.number === 2) value = reader.signed;
    if (reader.number === 3) value = textOf(reader.content);
    if (reader.number === 4) value = bufferOf(reader.content);
  }
  return value;
}

/** The load as it would be over HTTP, where files are base64. */
export function readLoadOf({ parameters }: LoadRequest, maxUploadBytes: number): ReadLoad {
  return async (takeFile) => {
    const files = parameters.filter(([name]) => name.startsWith(filePrefix));
    const bytes = files.reduce((sum, [name, value]) => sum + contentOf(name, value).length, 0);
    checkUploadSize(bytes, maxUploadBytes);
    for (const [name, value] of files) await takeFile(name, piecesOf(contentOf(name, value)));
    const numbers = files.map(([name], file) => [name, String(file)] as const);
    return { parameters: { ...Object.fromEntries(parameters), ...Object.fromEntries(numbers) } };
  };
}

function contentOf(name: string, value: Value): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new TroupeError("invalid-request", `parameter '${name}' must be in bytes_param`);
}

async function* piecesOf(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < content.length; at += pieceBytes) {
    yield content.subarray(at, at + pieceBytes);
  }
}
