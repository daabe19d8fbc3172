import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Selection, selectVersions, wantedOf } from "../../src/config/wanted-versions.ts";
import type { WantedVersions } from "../../src/protocol/model-settings.ts";

function selected(...names: readonly string[]): Selection {
  return { type: "selected", names };
}

function problem(words: string): Selection {
  return {
    type: "problem",
    problem: `${words}, which the folder does not hold; it holds 1, 2, 10`,
  };
}

function latest(count: number): WantedVersions {
  return { type: "latest", count };
}

function listed(...names: readonly string[]): WantedVersions {
  return { type: "listed", names };
}

const all: WantedVersions = { type: "all" };

describe("selectVersions", () => {
  const rows: readonly (readonly [WantedVersions, string | null, Selection])[] = [
    [latest(1), null, selected("10")],
    [latest(2), null, selected("2", "10")],
    [latest(9), null, selected("1", "2", "10")],
    [all, null, selected("1", "2", "10")],
    [listed("10", "1"), null, selected("1", "10")],
    [listed("3", "1", "4"), null, problem("versions lists 3, 4")],
    [latest(1), "10", selected("10")],
    [latest(1), "1", selected("1", "10")],
    [listed("2"), "1", selected("1", "2")],
    [latest(1), "7", problem("default_version names 7")],
  ];
  for (const [versions, defaultVersion, expected] of rows) {
    it(`answers ${JSON.stringify({ ...versions, defaultVersion })}`, () => {
      const choice = { versions, defaultVersion };
      assert.deepEqual(selectVersions(["1", "2", "10"], choice), expected);
    });
  }
});

describe("selectVersions by a config.pbtxt", () => {
  const triton = {
    file: "m/config.pbtxt",
    batched: false,
    inputs: null,
    outputs: [],
    modelFile: null,
  };
  const choose = (...names: readonly string[]) =>
    selectVersions(["1", "2", "10"], { versions: listed(...names), defaultVersion: null, triton });

  it("selects what is there of what is listed", () => {
    assert.deepEqual(choose("3", "2", "10"), selected("2", "10"));
  });

  it("selects nothing where none is there", () => {
    assert.deepEqual(choose("3", "4"), problem("version_policy in config.pbtxt lists 3, 4"));
  });
});

describe("selectVersions where one is still to come", () => {
  it("does not count it among what is there", () => {
    const words = "default_version names 9, which the folder does not hold; it holds";
    const choice = { versions: latest(1), defaultVersion: "9" };
    const told = [["1", "2"], ["2"]].map((names) => selectVersions(names, choice, "2"));
    assert.deepEqual(told, [
      { type: "problem", problem: `${words} 1, and gets 2` },
      { type: "problem", problem: `${words} none, and gets 2` },
    ]);
  });
});

describe("wantedOf", () => {
  const versions = ["1", "2", "9", "10"].map((version) => ({ version }));
  const rows: readonly (readonly [
    WantedVersions,
    string | null,
    readonly string[],
    readonly string[],
  ])[] = [
    [latest(1), null, [], ["10"]],
    [latest(1), null, ["10"], ["9"]],
    [latest(2), null, ["9"], ["2", "10"]],
    [latest(9), null, ["9"], ["1", "2", "10"]],
    [latest(1), null, ["1", "2", "9", "10"], []],
    [latest(1), "1", ["10"], ["1", "9"]],
    [latest(1), "1", ["1"], ["10"]],
    [latest(1), "7", [], ["10"]],
    [all, null, ["2"], ["1", "9", "10"]],
    [listed("10", "1"), null, ["10"], ["1"]],
    [listed("10", "1"), "2", ["11"], ["1", "2", "10"]],
  ];
  for (const [wanted, defaultVersion, excluded, expected] of rows) {
    const words = JSON.stringify({ ...wanted, defaultVersion });
    it(`answers ${words} without ${excluded.join(" and ") || "exclusion"}`, () => {
      const model = { config: { versions: wanted, defaultVersion }, versions };
      assert.deepEqual(
        wantedOf(model, new Set(excluded)).map(({ version }) => version),
        expected,
      );
    });
  }
});
