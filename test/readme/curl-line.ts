import type { Ask } from "../cluster/http-client.ts";

export interface CurlLine {
  readonly origin: string;
  readonly ask: Ask;
}

const knownFlags = ["-i", "-H", "-d"];

/** What a `curl` of the README asks for. Throws for a flag that it does not know. */
export function parseCurl(command: string): CurlLine {
  const words = wordsOf(command);
  const stranger = words.find((word) => word.startsWith("-") && !knownFlags.includes(word));
  if (stranger !== undefined) throw new Error(`no curl flag that these tests know: ${stranger}`);
  const valuesOf = (flag: string) => words.filter((_, at) => words[at - 1] === flag);
  const [body] = valuesOf("-d");
  const url = new URL(words.find((word) => word.startsWith("http://")) ?? "");
  const ask: Ask = {
    method: body === undefined ? "GET" : "POST",
    path: `${url.pathname}${url.search}`,
    headers: Object.fromEntries(valuesOf("-H").map(headerOf)),
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
