import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareVersions } from "../../src/protocol/version-order.ts";

describe("compareVersions", () => {
  for (const ordered of [
    ["1", "2", "10", "11", "100"],
    ["9", "10", "99999999999999999998", "99999999999999999999", "100000000000000000000"],
    ["v1", "v2", "v10"],
    ["1.2", "1.9", "1.10", "2"],
    ["1.0", "1.0-rc1", "1.0-rc2", "1.0.1"],
    ["1", "2", "alpha", "beta"],
    ["0", "00", "01", "1", "002", "2"],
    ["2024-01-31", "2024-02-01", "2024-10-01"],
  ]) {
    it(`sorts ${ordered.join(" < ")}`, () => {
      assert.deepEqual([...ordered].reverse().sort(compareVersions), ordered);
    });
  }

  it("calls only equal names equal", () => {
    assert.equal(compareVersions("v1", "v1"), 0);
    assert.notEqual(compareVersions("v1", "v01"), 0);
  });
});
