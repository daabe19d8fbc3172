import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  checkUnload,
  fileOf,
  judgeLoad,
  oneVersion,
  readyOnlyOf,
  repositoryIndex,
  settleOverride,
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

function codeOf(check: () => unknown): string {
  try {
    check();
    return "taken";
  } catch (thrown) {
    return thrown instanceof TroupeError ? thrown.code : "bug";
  }
}

describe("What a load may ask for", () => {
  const file = { "file:1/model.onnx": "0" };
  const rows: readonly (readonly [unknown, number, string])[] = [
    [{}, 0, "taken"],
    [{ parameters: {} }, 0, "taken"],
    [{ parameters: { config: "{}" } }, 0, "taken"],
    [{ parameters: { config: "{}", ...file } }, 1, "taken"],
    [{ parameters: file }, 1, "invalid-request"],
    [{ parameters: { config: "{}" }, ...file }, 1, "invalid-request"],
    [{ parameters: { config: {} } }, 0, "invalid-request"],
    [{ parameters: { config: " ".repeat(65_536) } }, 0, "taken"],
    [{ parameters: { config: " ".repeat(65_537) } }, 0, "invalid-request"],
    [{ parameters: { config: "{}", "file:1/model.onnx": 7 } }, 0, "invalid-request"],
    [{ parameters: { confg: "{}" } }, 0, "invalid-request"],
    [{ parameters: 1 }, 0, "invalid-request"],
  ];
  for (const [fields, files, code] of rows) {
    it(`is ${code} with ${files} files: ${JSON.stringify(fields)}`, () => {
      assert.equal(
        codeOf(() => judgeLoad(fields as Record<string, unknown>, files)),
        code,
      );
    });
  }
});

describe("The files of a load", () => {
  it("have a place in a version's folder", () => {
    assert.deepEqual(fileOf("file:12/model.onnx"), { version: "12", name: "model.onnx" });
  });

  const elsewhere = [
    "",
    "model.onnx",
    "1/",
    "/x",
    "../x",
    "1/../x",
    "1/a/b",
    "1/.x",
    "1/a\\b",
    "1/a\0",
  ];
  for (const path of elsewhere) {
    it(`are not at ${JSON.stringify(path)}`, () => {
      assert.equal(
        codeOf(() => fileOf(`file:${path}`)),
        "invalid-request",
      );
    });
  }

  it("are of one version, each once", () => {
    const at = (version: string, name: string) => ({ version, name });
    assert.equal(oneVersion([at("2", "a"), at("2", "b")]), "2");
    for (const other of [at("3", "b"), at("2", "a")]) {
      assert.equal(
        codeOf(() => oneVersion([at("2", "a"), other])),
        "invalid-request",
      );
    }
  });

  it("are no more than a version may have", () => {
    const files = Array.from({ length: 65 }, (_, at) => ({ version: "1", name: `f${at}` }));
    assert.equal(oneVersion(files.slice(1)), "1");
    assert.equal(
      codeOf(() => oneVersion(files)),
      "invalid-request",
    );
  });

  it("are a model.onnx and what lies beside it", () => {
    const stored = (name: string) => ({ name, path: "/x", bytes: 1, digest: "" });
    const good = [stored("model.onnx"), stored("weights.bin")];
    assert.deepEqual(settleOverride(good), good);
    for (const names of [["m.onnx"], ["model.onnx", "b.onnx"], ["model.onnx", "model.yaml"]]) {
      assert.equal(
        codeOf(() => settleOverride(names.map(stored))),
        "invalid-request",
      );
    }
  });
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
