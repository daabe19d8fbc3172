import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Directory } from "../../src/front-door/directory.ts";
import { defaultVersion } from "../../src/protocol/default-version.ts";
import type { VersionState } from "../../src/protocol/views.ts";
import { metadata, model, version } from "./views.ts";

function versions(...states: readonly VersionState[]) {
  return states.map((state, at) => version({ version: `${at + 1}`, state }));
}

describe("defaultVersion", () => {
  const rows: readonly (readonly [readonly VersionState[], string | undefined])[] = [
    [["ready", "ready"], "2"],
    [["ready", "loading"], "1"],
    [["ready", "recovering"], "1"],
    [["ready", "unavailable"], "1"],
    [["recovering", "unavailable"], "1"],
    [["recovering", "recovering"], "2"],
    [["loading", "unavailable"], "1"],
    [["loading", "loading"], "2"],
    [["unavailable", "unavailable"], "2"],
    [["ready", "draining"], "1"],
    [["unavailable", "draining"], "1"],
    [["unavailable", "unloaded"], "1"],
    [["unloaded", "draining"], "2"],
    [["unloaded", "unloaded"], "2"],
    [[], undefined],
  ];
  for (const [states, expected] of rows) {
    it(`of [${states}] is ${expected}`, () =>
      assert.equal(defaultVersion(model({ versions: versions(...states) }))?.version, expected));
  }

  const configured: readonly (readonly [string, readonly VersionState[], string])[] = [
    ["1", ["ready", "ready"], "1"],
    ["1", ["recovering", "ready"], "1"],
    ["1", ["loading", "ready"], "2"],
    ["1", ["unavailable", "ready"], "2"],
    ["1", ["draining", "ready"], "2"],
    ["1", ["unloaded", "ready"], "2"],
    ["9", ["ready", "ready"], "2"],
  ];
  for (const [name, states, expected] of configured) {
    it(`of [${states}] where ${name} is configured is ${expected}`, () => {
      const one = model({ defaultVersion: name, versions: versions(...states) });
      assert.equal(defaultVersion(one)?.version, expected);
    });
  }
});

describe("Directory", () => {
  function directory(): Directory {
    const one = new Directory();
    one.update(model({ name: "a", versions: versions("ready", "recovering") }));
    one.update(model({ name: "broken", versions: [], problem: "its folder is empty" }));
    one.update(model({ name: "empty", versions: [] }));
    return one;
  }

  it("finds the default version, and the one that is asked for", () => {
    const found = [undefined, "2"].map((name) => directory().find("a", name).version.version);
    assert.deepEqual(found, ["1", "2"]);
  });

  it("has models in the order of their names, whenever they came", () => {
    const one = directory();
    for (const name of ["a10", "a2"]) one.update(model({ name }));
    one.update(model({ name: "empty", description: "again" }));
    const names = one.models.map(({ name }) => name);
    assert.deepEqual(names, ["a", "a2", "a10", "broken", "empty"]);
  });

  it("knows each model as it was last told", () => {
    const one = directory();
    one.update(model({ name: "a", description: "new" }));
    one.remove("empty");
    const known = one.models.map(({ name, description }) => [name, description]);
    assert.deepEqual(known, [
      ["a", "new"],
      ["broken", ""],
    ]);
  });

  const state = [{ input: 0, output: 0, found: true }];
  const stream = { input: 0, window: 4, hop: 2, pad: "zeros" } as const;
  const memories = [
    [{ ...metadata, state }, true],
    [{ ...metadata, stream }, true],
    [metadata, false],
    [null, undefined],
  ] as const;
  for (const [of, remembers] of memories) {
    it(`says of a model whether it remembers: ${remembers ?? "not known"}`, () => {
      const one = new Directory();
      one.update(model({ name: "a", versions: [version({ metadata: of })] }));
      assert.deepEqual(
        [one.remembers("a", undefined), one.remembers("a", "1")],
        [remembers, remembers],
      );
      assert.equal(one.takesSignals("a"), of !== null && of.stream !== null);
      assert.equal(one.takesSignals("nobody"), false);
      assert.throws(() => one.remembers("a", "2"), { code: "model-not-found" });
    });
  }

  const refusals: readonly (readonly [string, string | undefined, string, string])[] = [
    ["b", undefined, "model-not-found", "no model is named 'b'"],
    ["__proto__", undefined, "model-not-found", "no model is named '__proto__'"],
    ["a", "3", "model-not-found", "model 'a' has no version '3'; it has '1', '2'"],
    ["empty", undefined, "model-unavailable", "model 'empty' is not loaded"],
    ["broken", "1", "model-not-found", "model 'broken' has no version '1'; it has none"],
    [
      "broken",
      undefined,
      "model-unavailable",
      "model 'broken' cannot be served: its folder is empty",
    ],
  ];
  for (const [name, versionName, code, message] of refusals) {
    it(`refuses ${name}, version ${versionName}, with ${code}`, () =>
      assert.throws(() => directory().find(name, versionName), { code, message }));
  }
});
