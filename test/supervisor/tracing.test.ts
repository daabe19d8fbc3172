import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DoorCommand } from "../../src/protocol/control.ts";
import type { Trace } from "../../src/protocol/traces.ts";
import { Tracing } from "../../supervisor/tracing.ts";

function trace(requestId: string, model = "m"): Trace {
  const host = {
    queuedAt: 4,
    batchBegunAt: 5,
    runBegunAt: 6,
    runEndedAt: 7,
    answeredAt: 8,
    batchRows: 2,
  };
  const door = { receivedAt: 1, admittedAt: 2, sentAt: 3, writtenAt: 9 };
  return { requestId, model, version: "1", status: 200, host, ...door };
}

function setUp() {
  const told: DoorCommand[] = [];
  const parts = { log: { warn: () => undefined }, traceFolder: "" };
  const tracing = new Tracing(parts, (command) => told.push(command));
  const set = (change: object, model: string | null = null) =>
    tracing.answer({ type: "trace-setting", model, change });
  const shown = (model: string | null = null) => {
    const reply = tracing.answer({ type: "traces", model });
    assert.equal(reply.type, "body");
    return JSON.parse(reply.type === "body" ? reply.body : "").traces;
  };
  const ids = (model: string | null = null) =>
    shown(model).map((one: { request_id: string }) => one.request_id);
  return { told, tracing, set, shown, ids };
}

describe("Tracing", () => {
  it("shows traces newest first, in nanoseconds", () => {
    const { tracing, set, shown, ids } = setUp();
    set({ level: "TIMESTAMPS" });
    tracing.note([trace("a"), trace("b", "n")]);
    assert.deepEqual([ids(), ids("m"), ids("x")], [["b", "a"], ["a"], []]);
    assert.deepEqual(shown("m")[0].timestamps, {
      received: 1_000_000,
      admitted: 2_000_000,
      sent: 3_000_000,
      queued: 4_000_000,
      batch_begun: 5_000_000,
      run_begun: 6_000_000,
      run_ended: 7_000_000,
      answered: 8_000_000,
      written: 9_000_000,
    });
  });

  it("keeps the last thousand", () => {
    const { tracing, set, ids } = setUp();
    set({ level: "TIMESTAMPS" });
    for (let at = 1; at <= 1_005; at += 1) tracing.note([trace(String(at))]);
    const kept = ids();
    assert.deepEqual([kept.length, kept[0], kept.at(-1)], [1_000, "1005", "6"]);
  });

  it("takes no more than are wanted, and tells all front doors when there are enough", () => {
    const { told, tracing, set, ids } = setUp();
    set({ level: "TIMESTAMPS", count: 2 });
    tracing.note([trace("a"), trace("b"), trace("c")]);
    assert.deepEqual(ids(), ["b", "a"]);
    assert.deepEqual(told, [
      { type: "trace-plan", plan: { all: { rate: 1_000, count: 2 }, models: [] } },
      { type: "trace-plan", plan: { all: null, models: [] } },
    ]);
  });

  it("tells all front doors when a model is gone that had settings of its own", () => {
    const { told, tracing, set } = setUp();
    set({ level: "TIMESTAMPS" }, "m");
    tracing.forget("n");
    assert.equal(told.length, 1);
    tracing.forget("m");
    assert.deepEqual(told.at(-1), { type: "trace-plan", plan: { all: null, models: [] } });
  });

  it("says nothing of stages that a request did not come to", () => {
    const { tracing, set, shown } = setUp();
    set({ level: "TIMESTAMPS" });
    const { host, ...one } = trace("a");
    const early = { batchBegunAt: null, runBegunAt: null, runEndedAt: null, batchRows: 0 };
    tracing.note([{ ...one, host: host && { ...host, ...early } }]);
    const [{ batch_rows, timestamps }] = shown();
    assert.deepEqual(
      [batch_rows, timestamps.queued, timestamps.batch_begun, timestamps.answered],
      [null, 4_000_000, null, 8_000_000],
    );
  });

  it("tells a front door that starts, where something is traced", () => {
    const { tracing, set } = setUp();
    const heard: DoorCommand[] = [];
    const door = { send: (command: DoorCommand) => heard.push(command) };
    tracing.brief(door);
    set({ level: "TIMESTAMPS" });
    tracing.brief(door);
    assert.deepEqual(heard.length, 1);
  });

  it("refuses a file where no folder is allowed, and changes nothing", () => {
    const { told, set } = setUp();
    const reply = set({ file: "t", level: "TIMESTAMPS" });
    assert.equal(reply.type === "failed" && reply.failure.code, "invalid-request");
    assert.deepEqual(told, []);
  });
});
