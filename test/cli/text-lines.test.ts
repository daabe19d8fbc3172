import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { linesOf } from "../../src/cli/text-lines.ts";

async function* pieces(...texts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* texts;
}

async function read(...texts: readonly Uint8Array[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(pieces(...texts))) lines.push(line);
  return lines;
}

describe("linesOf", () => {
  it("puts together what came in pieces, even in the middle of a letter", async () => {
    const [first, second] = [Buffer.from("aä").subarray(0, 2), Buffer.from("aä\r\nb").subarray(2)];
    assert.deepEqual(await read(first, second), ["aä", "b"]);
  });

  it("knows a last line by its end or without", async () => {
    assert.deepEqual(await read(Buffer.from("a\nb\n")), ["a", "b"]);
    assert.deepEqual(await read(Buffer.from("a\n\nb")), ["a", "", "b"]);
  });
});
