/* InferParameter, as a value of JSON and back. */
import { TroupeError } from "../../protocol/errors.ts";
import { FieldReader } from "../../protocol/protobuf-fields.ts";
import type { Json } from "./definitions.ts";

const choices = [
  "bool_param",
  "int64_param",
  "string_param",
  "double_param",
  "uint64_param",
] as const;

/** An entry of a map of parameters: its key is field 1, its value field 2. Throws `invalid-request`. */
export function readParameter(entry: Uint8Array): readonly [name: string, value: unknown] {
  let name = "";
  let value: unknown;
  for (const reader = new FieldReader(entry); reader.next(); ) {
    if (reader.number === 1) name = textOf(reader.content);
    if (reader.number === 2) value = readValue(reader.content);
  }
  if (value !== undefined) return [name, value];
  throw new TroupeError(
    "invalid-request",
    `parameter '${name}' must have one of ${choices.join(", ")}, got nothing`,
  );
}

/** Integers beyond 2^53 become the nearest number; whoever needs them exact refuses them. */
function readValue(message: Uint8Array): unknown {
  let value: unknown;
  for (const reader = new FieldReader(message); reader.next(); ) {
    const { content } = reader;
    switch (choices[reader.number - 1]) {
      case "bool_param":
        value = reader.low !== 0;
        break;
      case "int64_param":
        value = reader.signed;
        break;
      case "uint64_param":
        value = reader.unsigned;
        break;
      case "string_param":
        value = textOf(content);
        break;
      case "double_param":
        value = content.length === 8 ? bufferOf(content).readDoubleLE() : undefined;
        break;
      case undefined:
        break;
    }
  }
  return value;
}

export function textOf(bytes: Uint8Array): string {
  return bufferOf(bytes).toString("utf8");
}

export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Parameters of an answer in JSON. What is neither text, number nor flag is written as JSON. */
export function writeParameters(parameters: Json): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, writeValue(value)]),
  );
}

function writeValue(value: unknown): Json {
  if (typeof value === "boolean") return { bool_param: value };
  if (typeof value === "string") return { string_param: value };
  if (Number.isSafeInteger(value)) return { int64_param: value };
  if (typeof value === "number") return { double_param: value };
  return { string_param: JSON.stringify(value) };
}
