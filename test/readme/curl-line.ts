import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Ask } from "../cluster/http-client.ts";
import { repository } from "./readme.ts";

export interface CurlLine {
  readonly origin: string;
  readonly ask: Ask;
}

const knownFlags = ["-i", "-H", "-d", "-F", "-X"];
const boundary = "a-line-that-no-model-holds";

/** What a `curl` of the README asks for. Throws for a flag that it does not know. */
export function parseCurl(command: string): CurlLine {
  const words = wordsOf(command);
  const stranger = words.find((word) => word.startsWith("-") && !knownFlags.includes(word));
  if (stranger !== undefined) throw new Error(`no curl flag that these tests know: ${stranger}`);
  const valuesOf = (flag: string) => words.filter((_, at) => words[at - 1] === flag);
  const parts = valuesOf("-F");
  const isForm = parts.length > 0;
  const body = isForm ? formOf(parts) : valuesOf("-d")[0];
  const [method = body === undefined ? "GET" : "POST"] = valuesOf("-X");
  const formType = { "content-type": `multipart/form-data; boundary=${boundary}` };
  const url = new URL(words.find((word) => word.startsWith("http://")) ?? "");
  const ask: Ask = {
    method,
    path: `${url.pathname}${url.search}`,
    headers: { ...Object.fromEntries(valuesOf("-H").map(headerOf)), ...(isForm && formType) },
    body,
  };
  return { origin: url.origin, ask };
}

/** As a shell has them: single quotes keep what is between, a backslash joins lines. */
function wordsOf(command: string): readonly string[] {
  const matches = command.replaceAll("\\\n", " ").matchAll(/'([^']*)'|(\S+)/g);
  return [...matches].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf(":");
  return [text.slice(0, at), text.slice(at + 1).trim()];
}

/** As curl sends `-F name=value` and `-F name=@file`, where paths are those of the repository. */
function formOf(parts: readonly string[]): Buffer {
  const pieces = parts.map((part) => {
    const [name = "", value = ""] = part.split(/=(.*)/s);
    const isFile = value.startsWith("@");
    const path = resolve(repository, value.slice(1));
    const fileName = isFile ? `; filename="${basename(path)}"` : "";
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${fileName}\r\n\r\n`;
    const content = isFile ? readFileSync(path) : Buffer.from(value);
    return Buffer.concat([Buffer.from(head), content, Buffer.from("\r\n")]);
  });
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}
