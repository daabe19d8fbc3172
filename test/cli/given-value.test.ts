import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UsageError } from "../../src/cli/exit-codes.ts";
import { readGiven } from "../../src/cli/given-value.ts";

const folder = mkdtempSync(join(tmpdir(), "trt-"));
after(() => rmSync(folder, { recursive: true }));

async function* input(...pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

describe("readGiven", () => {
  it("reads JSON as it is typed, from a file, and from what comes in", async () => {
    const file = join(folder, "row.json");
    writeFileSync(file, "[1, 2]");
    for (const text of ["[1, 2]", `@${file}`, "-", "@-"]) {
      assert.deepEqual(await readGiven(text, input("[1,", " 2]")), { type: "json", value: [1, 2] });
    }
  });

  it("knows a PNG by its beginning", async () => {
    const file = join(folder, "digit");
    writeFileSync(file, Buffer.from("\x89PNG\r\n", "latin1"));
    assert.equal((await readGiven(`@${file}`, input())).type, "png");
  });

  for (const [what, text, message] of [
    ["what is no JSON", "nope", /^the value must be JSON or @file, .*; got "nope"$/],
    [
      "a file that is not there",
      "@/nowhere.json",
      /^cannot read \/nowhere.json: there is no such file$/,
    ],
    ["a folder", `@${folder}`, /it is a folder$/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(readGiven(text, input()), (thrown) => {
        assert.ok(thrown instanceof UsageError);
        assert.match(thrown.message, message);
        return true;
      });
    });
  }
});
