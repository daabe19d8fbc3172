import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Selection, selectVersions } from "../../src/config/wanted-versions.ts";
import type { WantedVersions } from "../../src/protocol/model-settings.ts";

function selected(...names: readonly string[]): Selection {
  return { type: "selected", names };
}

describe("selectVersions", () => {
  const rows: readonly (readonly [WantedVersions, Selection])[] = [
    [{ type: "latest", count: 1 }, selected("10")],
    [{ type: "latest", count: 2 }, selected("2", "10")],
    [{ type: "latest", count: 9 }, selected("1", "2", "10")],
    [{ type: "all" }, selected("1", "2", "10")],
    [{ type: "listed", names: ["10", "1"] }, selected("1", "10")],
    [
      { type: "listed", names: ["3", "1", "4"] },
      {
        type: "problem",
        problem:
          "versions in model.yaml lists 3, 4, which the folder does not hold; it holds 1, 2, 10",
      },
    ],
  ];
  for (const [wanted, expected] of rows) {
    it(`answers ${JSON.stringify(wanted)}`, () => {
      assert.deepEqual(selectVersions(["1", "2", "10"], wanted), expected);
    });
  }
});
