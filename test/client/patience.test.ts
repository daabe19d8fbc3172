import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { patienceOf, pause } from "../../src/client/patience.ts";

describe("patience", () => {
  it("lasts while nobody has ended it", () => {
    const patience = patienceOf(60_000, undefined);
    assert.equal(patience.error(), undefined);
    assert.ok(patience.remainingMs() > 50_000);
  });

  it("ends with the caller's signal", () => {
    const caller = new AbortController();
    const patience = patienceOf(60_000, caller.signal);
    caller.abort("enough");
    assert.equal(patience.signal.aborted, true);
    assert.deepEqual([patience.error()?.code, patience.error()?.cause], ["cancelled", "enough"]);
  });

  for (const timeoutMs of [2 ** 31, 3e9, Number.POSITIVE_INFINITY]) {
    it(`lasts for as long as a timer can, where ${timeoutMs} ms are wanted`, async () => {
      const patience = patienceOf(timeoutMs, undefined);
      await pause(20, patience.signal);
      assert.equal(patience.error(), undefined);
      assert.ok(Number.isFinite(patience.remainingMs()));
    });
  }

  for (const timeoutMs of [-1, 0, 0.5]) {
    it(`ends soon where ${timeoutMs} ms are wanted`, async () => {
      const patience = patienceOf(timeoutMs, undefined);
      await pause(60_000, patience.signal);
      assert.equal(patience.error()?.code, "deadline-exceeded");
    });
  }

  it("must be a number", () => {
    assert.throws(() => patienceOf(Number.NaN, undefined), { code: "invalid-request" });
  });

  it("ends with its deadline", async () => {
    const patience = patienceOf(1, undefined);
    await pause(60_000, patience.signal);
    assert.equal(patience.error()?.code, "deadline-exceeded");
  });
});
