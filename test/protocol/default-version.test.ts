import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultVersion } from "../../src/protocol/default-version.ts";
import type { VersionState, VersionView } from "../../src/protocol/views.ts";

function versions(states: readonly VersionState[]): readonly VersionView[] {
  return states.map((state, at) => ({
    version: String(at + 1),
    state,
    reason: null,
    backAt: null,
    metadata: null,
    hosts: [],
  }));
}

const rows: readonly (readonly [readonly VersionState[], string | null, string | undefined])[] = [
  [["ready", "ready"], null, "2"],
  [["ready", "loading"], null, "1"],
  [["ready", "recovering"], null, "1"],
  [["recovering", "loading"], null, "1"],
  [["loading", "unavailable"], null, "1"],
  [["draining", "ready", "unloaded"], null, "2"],
  [["unavailable", "unloaded"], null, "1"],
  [["unloaded", "unloaded"], null, "2"],
  [["unloaded", "draining"], null, "2"],
  [["ready", "ready"], "1", "1"],
  [["recovering", "ready"], "1", "1"],
  [["unavailable", "ready"], "1", "2"],
  [["ready"], "7", "1"],
  [[], null, undefined],
];

describe("the version for requests that name none", () => {
  for (const [states, configured, expected] of rows) {
    it(`is ${expected} of ${states.join(", ") || "none"}, where ${configured} is configured`, () => {
      const view = { versions: versions(states), defaultVersion: configured };
      assert.equal(defaultVersion(view)?.version, expected);
    });
  }
});
