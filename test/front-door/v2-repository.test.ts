import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  checkLoad,
  checkUnload,
  readyOnlyOf,
  repositoryIndex,
} from "../../src/front-door/v2-repository.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { VersionState } from "../../src/protocol/views.ts";
import { model } from "./door-parts.ts";

const states: readonly (readonly [VersionState, string | null, object])[] = [
  ["ready", null, { state: "READY" }],
  ["loading", null, { state: "LOADING" }],
  ["recovering", null, { state: "LOADING", reason: "recovering" }],
  ["draining", null, { state: "UNLOADING" }],
  ["unloaded", "it is not loaded", { state: "UNAVAILABLE", reason: "unloaded" }],
  ["unavailable", "it is broken", { state: "UNAVAILABLE", reason: "it is broken" }],
];

describe("The repository index", () => {
  for (const [state, reason, expected] of states) {
    it(`says of a version that is ${state} ${JSON.stringify(expected)}`, () => {
      const index = repositoryIndex([model("m", { state, reason })], false);
      assert.deepEqual(index, [{ name: "m", version: "1", ...expected }]);
    });
  }

  it("has the name alone of a model without versions, or what is wrong with it", () => {
    const empty = { ...model("m"), versions: [] };
    const broken = { ...empty, name: "b", problem: "no file" };
    assert.deepEqual(repositoryIndex([empty, broken], false), [
      { name: "m" },
      { name: "b", state: "UNAVAILABLE", reason: "no file" },
    ]);
  });

  it("can leave out what is not ready", () => {
    const models = [model("m"), model("n", { state: "loading" })];
    const ready = [{ name: "m", version: "1", state: "READY" }];
    assert.deepEqual(repositoryIndex(models, true), ready);
  });

  it("takes true, false or nothing", () => {
    assert.deepEqual([{}, { ready: false }, { ready: true }].map(readyOnlyOf), [
      false,
      false,
      true,
    ]);
    const isRefusal = { message: "Invalid value for 'ready': expected a boolean" };
    for (const ready of [1, "true", null, []]) {
      assert.throws(() => readyOnlyOf({ ready }), isRefusal);
    }
  });
});

function codeOf(check: () => void): string {
  try {
    check();
    return "taken";
  } catch (thrown) {
    return thrown instanceof TroupeError ? thrown.code : "bug";
  }
}

describe("What a load may ask for", () => {
  const rows: readonly (readonly [unknown, string])[] = [
    [{}, "taken"],
    [{ parameters: {} }, "taken"],
    [{ parameters: { config: "{}" } }, "not-implemented"],
    [{ parameters: { "file:1/model.onnx": "AAAA" } }, "not-implemented"],
    [{ parameters: { confg: "{}" } }, "invalid-request"],
    [{ parameters: 1 }, "invalid-request"],
  ];
  for (const [fields, code] of rows) {
    it(`is ${code}: ${JSON.stringify(fields)}`, () => {
      assert.equal(
        codeOf(() => checkLoad(fields as Record<string, unknown>)),
        code,
      );
    });
  }
});

describe("What an unload may ask for", () => {
  const rows: readonly (readonly [unknown, string])[] = [
    [{}, "taken"],
    [{ parameters: { unload_dependents: true } }, "taken"],
    [{ parameters: { unload_dependents: "yes" } }, "invalid-request"],
    [{ parameters: { other: true } }, "invalid-request"],
  ];
  for (const [fields, code] of rows) {
    it(`is ${code}: ${JSON.stringify(fields)}`, () => {
      assert.equal(
        codeOf(() => checkUnload(fields as Record<string, unknown>)),
        code,
      );
    });
  }
});
