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

  it("ends with its deadline", async () => {
    const patience = patienceOf(1, undefined);
    await pause(60_000, patience.signal);
    assert.equal(patience.error()?.code, "deadline-exceeded");
  });
});
