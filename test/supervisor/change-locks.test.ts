import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { TroupeError } from "../../src/protocol/errors.ts";
import { ChangeLocks, type ChangeNote } from "../../supervisor/change-locks.ts";

const place = { model: "m", version: "1" };

function setUp() {
  const notes: string[] = [];
  const note = ({ kind, model, state, reason }: ChangeNote) =>
    notes.push([kind, model, state, reason ?? ""].join(" ").trim());
  return { locks: new ChangeLocks(note), notes };
}

function held() {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}

describe("ChangeLocks", () => {
  it("refuses a second change of a model while the first runs, and says when to come again", async () => {
    const { locks } = setUp();
    const { promise, release } = held();
    const first = locks.alone("load", place, () => promise);
    assert.equal(locks.current("m"), "load");
    await assert.rejects(
      locks.alone("unload", place, async () => undefined),
      { code: "conflict", retryAfterMs: 2_000 },
    );
    await locks.alone("unload", { model: "other", version: null }, async () => undefined);
    release();
    await first;
    assert.equal(locks.current("m"), null);
    assert.equal(await locks.alone("unload", place, async () => 7), 7);
  });

  it("tells how each change begins and ends", async () => {
    const { locks, notes } = setUp();
    await locks.alone("load", place, async () => undefined);
    const failure = new TroupeError("invalid-model", "no");
    await assert.rejects(locks.alone("delete", place, () => Promise.reject(failure)));
    await assert.rejects(locks.alone("delete", place, () => Promise.reject(new Error("x"))));
    const failed = ["delete m failed no", "delete m began", "delete m failed internal error"];
    assert.deepEqual(notes, ["load m began", "load m done", "delete m began", ...failed]);
  });

  it("tells for whom, why, and of which version it has turned out to be", async () => {
    const notes: ChangeNote[] = [];
    const locks = new ChangeLocks((note) => notes.push(note));
    const upload = { model: "m", version: null, requestId: "r1" };
    await locks.alone("upload", upload, async (name) => name("7"));
    await locks.alone(
      "watch",
      { model: "m", version: null, why: "1 added" },
      async () => undefined,
    );
    assert.deepEqual(
      notes.map(({ state, version, requestId, reason }) => [state, version, requestId, reason]),
      [
        ["began", null, "r1", null],
        ["done", "7", "r1", null],
        ["began", null, null, "1 added"],
        ["done", null, null, null],
      ],
    );
  });

  it("lets what must be done begin at once, or wait its turn", async () => {
    const { locks, notes } = setUp();
    const order: string[] = [];
    const { promise, release } = held();
    const first = locks.afterwards("rollback", "m", async () => {
      await promise;
      order.push("first");
    });
    assert.equal(locks.current("m"), "rollback");
    const others = ["second", "third"].map((name) =>
      locks.afterwards("resume", "m", async () => void order.push(name)),
    );
    release();
    await Promise.all([first, ...others]);
    assert.deepEqual([order, notes], [["first", "second", "third"], []]);
    assert.equal(locks.current("m"), null);
  });

  it("has one at a time of all who waited, whether they are told or not", async () => {
    const { locks, notes } = setUp();
    const { promise, release } = held();
    const first = locks.alone("patch", place, () => promise);
    let [running, most] = [0, 0];
    const act = async () => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      assert.notEqual(locks.current("m"), null);
      running -= 1;
    };
    const others = [
      locks.inTurn("watch", place, act),
      locks.afterwards("rollback", "m", act),
      locks.afterwards("resume", "m", act),
      locks.inTurn("watch", place, act),
    ];
    release();
    await Promise.all([first, ...others]);
    assert.equal(most, 1);
    assert.equal(notes.filter((note) => note === "watch m done").length, 2);
    assert.equal(locks.current("m"), null);
  });

  it("is free again after what failed", async () => {
    const { locks } = setUp();
    await assert.rejects(locks.afterwards("rollback", "m", () => Promise.reject(new Error("x"))));
    assert.equal(locks.current("m"), null);
  });
});
