import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ObjectiveView } from "../../src/protocol/views.ts";
import { ObjectiveWatch } from "../../supervisor/objective-watch.ts";
import { FakeClock } from "../fake-clock.ts";

function view(throughputFirst: boolean): ObjectiveView {
  const known = { fixedMs: null, rowMs: null, observedP99Ms: null, reason: "so it is" };
  return { p99Ms: 20, maxRows: 9, delayMs: 0, throughputFirst, ...known };
}

function begin() {
  const clock = new FakeClock();
  const watch = new ObjectiveWatch(clock);
  const host = { hostId: "iris/1#0.1-1", load: { objective: view(false) } };
  /** After so long a host says so. */
  const says = (throughputFirst: boolean, ms = 1_000) => {
    clock.advance(ms);
    host.load = { objective: view(throughputFirst) };
    return watch.look(host);
  };
  return { watch, host, says };
}

describe("ObjectiveWatch", () => {
  it("tells once when throughput goes first, and once when it does no longer", () => {
    const { says } = begin();
    assert.deepEqual(
      [says(false), says(true), says(true), says(false, 60_000), says(false, 60_000)],
      [undefined, "throughput-first", undefined, "resumed", undefined],
    );
  });

  it("tells what lasts where it is to and fro, and once a minute at most", () => {
    const { says } = begin();
    const told = Array.from({ length: 125 }, (_, second) => says(second % 2 === 0));
    const turns = told.flatMap((turn, second) => (turn === undefined ? [] : [[turn, second]]));
    assert.deepEqual(turns, [
      ["throughput-first", 0],
      ["resumed", 61],
      ["throughput-first", 122],
    ]);
  });

  it("tells late what came too soon after another, if it is still so", () => {
    const { says } = begin();
    says(true);
    assert.deepEqual([says(false, 1_000), says(false, 59_000)], [undefined, "resumed"]);
  });

  it("begins anew with a new process", () => {
    const { host, says } = begin();
    says(true);
    host.hostId = "iris/1#0.2-2";
    assert.deepEqual(
      [says(false, 60_000), says(true), says(true, 60_000)],
      [undefined, "throughput-first", undefined],
    );
  });

  it("tells nothing of a host without an objective, or without a word yet", () => {
    const { watch } = begin();
    const load = { objective: null };
    assert.equal(watch.look({ hostId: "echo/1#0.1-1", load }), undefined);
    assert.equal(watch.look({ hostId: "echo/1#0.1-1", load: undefined }), undefined);
  });
});
