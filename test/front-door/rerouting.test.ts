import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { reroute } from "../../src/front-door/rerouting.ts";
import type { VersionState } from "../../src/protocol/views.ts";
import { model, version } from "./views.ts";

describe("A request of version 1 for which no host is there", () => {
  const rows: readonly (readonly [VersionState, VersionState, string, tied: string])[] = [
    ["ready", "ready", "wait", "wait"],
    ["ready", "unavailable", "wait", "wait"],
    ["recovering", "ready", "move 2", "wait"],
    ["recovering", "loading", "wait", "wait"],
    ["recovering", "recovering", "wait", "wait"],
    ["loading", "ready", "move 2", "wait"],
    ["draining", "ready", "move 2", "fail"],
    ["draining", "loading", "move 2", "fail"],
    ["unloaded", "ready", "move 2", "fail"],
    ["unloaded", "draining", "fail", "fail"],
    ["unavailable", "recovering", "move 2", "fail"],
    ["unavailable", "unloaded", "fail", "fail"],
  ];
  const words = (isTied: boolean, ...states: readonly VersionState[]) => {
    const versions = states.map((state, at) => version({ version: `${at + 1}`, state }));
    const verdict = reroute({ version: "1", isTied }, model({ versions }));
    return verdict.type === "move" ? `move ${verdict.version}` : verdict.type;
  };
  for (const [own, other, free, tied] of rows) {
    it(`which is ${own} beside one that is ${other}: ${free}; tied to it: ${tied}`, () =>
      assert.deepEqual([words(false, own, other), words(true, own, other)], [free, tied]));
  }

  it("goes to the version that is there when its own has vanished", () => {
    const one = model({ versions: [version({ version: "2" })] });
    const verdicts = [false, true].map((isTied) => reroute({ version: "1", isTied }, one));
    assert.deepEqual(verdicts, [{ type: "move", version: "2" }, { type: "fail" }]);
  });

  it("fails without a model, and without versions", () => {
    for (const none of [undefined, model({ versions: [] })])
      assert.deepEqual(reroute({ version: "1", isTied: false }, none), { type: "fail" });
  });
});
