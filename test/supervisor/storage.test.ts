import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeError } from "../../src/protocol/errors.ts";
import { storageFailure, storing } from "../../supervisor/storage.ts";

function failed(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const full = ["storage-full", "Cannot store: the disk is full"];
const forbidden = ["forbidden", "Cannot store: the models folder cannot be written"];

describe("storageFailure", () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["ENOSPC", full],
    ["EDQUOT", full],
    ["EROFS", forbidden],
    ["EACCES", forbidden],
    ["EPERM", forbidden],
  ];
  for (const [code, expected] of rows) {
    it(`has words for ${code}`, () => {
      const thrown = storageFailure(failed(code));
      assert.ok(thrown instanceof TroupeError);
      assert.deepEqual([thrown.code, thrown.message], expected);
    });
  }

  for (const thrown of [failed("EIO"), failed("toString"), new TroupeError("conflict", "x"), "x"]) {
    it(`lets ${String(thrown)} be`, () => assert.equal(storageFailure(thrown), thrown));
  }
});

describe("storing", () => {
  it("gives what the work gives, or what its failure means", async () => {
    assert.equal(await storing(async () => 1), 1);
    await assert.rejects(
      storing(() => Promise.reject(failed("ENOSPC"))),
      { code: "storage-full" },
    );
  });
});
