/* A value as it was typed: JSON, or `@file`, or `-` for what comes in. */
import { readFile } from "node:fs/promises";
import { UsageError } from "./exit-codes.ts";

export type GivenValue =
  | { readonly type: "json"; readonly value: unknown }
  | { readonly type: "png"; readonly bytes: Uint8Array; readonly name: string };

const pngMark = [0x89, 0x50, 0x4e, 0x47];

/** Throws UsageError. What begins like a PNG is one, whatever its name. */
export async function readGiven(
  text: string,
  input: AsyncIterable<Uint8Array>,
): Promise<GivenValue> {
  if (text !== "-" && !text.startsWith("@")) return parsed(text, "the value");
  const isFile = text !== "-" && text !== "@-";
  const name = isFile ? text.slice(1) : "standard input";
  const bytes = isFile ? await readNamed(name) : await readAll(input);
  if (pngMark.every((byte, at) => bytes[at] === byte)) return { type: "png", bytes, name };
  return parsed(bytes.toString("utf8"), name);
}

/** Throws UsageError. */
export async function readNamed(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
    throw new UsageError(`cannot read ${file}: ${reasons[code] ?? code}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
};

async function readAll(input: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parsed(text: string, name: string): GivenValue {
  try {
    return { type: "json", value: JSON.parse(text) as unknown };
  } catch {
    const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
    throw new UsageError(
      `${name} must be JSON or @file, as '[5.1,3.5]' or @digit.png; got ${shown}`,
    );
  }
}
