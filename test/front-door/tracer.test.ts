import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RequestTrace, type TraceEnds, Tracer } from "../../src/front-door/tracer.ts";
import type { DoorEvent } from "../../src/protocol/control.ts";
import { type HostPoints, mostTraces } from "../../src/protocol/traces.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const told: DoorEvent[] = [];
  const tracer = new Tracer(clock, (event) => told.push(event));
  const picked = (model: string, requests: number) =>
    Array.from({ length: requests }, (_, at) => tracer.begin(model) && at + 1).filter(Boolean);
  return { clock, told, tracer, picked };
}

const ends: TraceEnds = {
  requestId: "r",
  model: "m",
  version: "1",
  status: 200,
  receivedAt: 1,
  admittedAt: 2,
  writtenAt: 4,
};

const host: HostPoints = {
  queuedAt: 1,
  batchBegunAt: 2,
  runBegunAt: null,
  runEndedAt: null,
  answeredAt: 3,
  batchRows: 0,
};

function finishOne(tracer: Tracer): void {
  const trace = new RequestTrace(() => undefined);
  trace.noteSent(3);
  tracer.finish(trace, ends);
}

describe("A tracer", () => {
  it("takes nothing before it has a plan", () => {
    const { tracer, picked } = setUp();
    assert.deepEqual([tracer.isOn, picked("m", 3)], [false, []]);
  });

  it("takes the last of each N, until the count has run out", () => {
    const { tracer, picked } = setUp();
    tracer.follow({ all: { rate: 3, count: 2 }, models: [] });
    assert.deepEqual([tracer.isOn, picked("m", 12)], [true, [3, 6]]);
  });

  it("follows a model's own plan before that of all", () => {
    const { tracer, picked } = setUp();
    tracer.follow({ all: { rate: 1, count: null }, models: [["m", null]] });
    assert.deepEqual([picked("m", 2), picked("n", 2)], [[], [1, 2]]);
    tracer.follow({ all: null, models: [["m", { rate: 2, count: null }]] });
    assert.deepEqual([picked("m", 2), picked("n", 2)], [[2], []]);
    tracer.follow({ all: null, models: [["m", null]] });
    assert.equal(tracer.isOn, false);
  });

  it("tells of several at once, and of no more than the supervisor takes", () => {
    const { clock, told, tracer } = setUp();
    for (let at = 0; at <= mostTraces; at += 1) finishOne(tracer);
    assert.deepEqual(told, []);
    clock.advance(100);
    const trace = { ...ends, sentAt: 3, host: null };
    assert.deepEqual(told, [{ type: "traces", traces: Array(mostTraces).fill(trace) }]);
    clock.advance(1_000);
    assert.equal(told.length, 1);
  });

  it("takes others for those that it leaves out, as they were not counted", () => {
    const { clock, told, tracer, picked } = setUp();
    tracer.follow({ all: { rate: 1, count: mostTraces + 1 }, models: [] });
    const traces = Array.from({ length: mostTraces + 1 }, () => tracer.begin("m"));
    assert.deepEqual(picked("m", 1), []);
    for (const trace of traces) if (trace !== undefined) tracer.finish(trace, ends);
    assert.deepEqual(picked("m", 2), [1]);
    clock.advance(100);
    assert.equal(told.length, 1);
  });

  it("forgets what a host told of a request that is sent to another", () => {
    const trace = new RequestTrace(() => undefined);
    trace.noteSent(3);
    trace.host = host;
    trace.noteSent(5);
    assert.deepEqual([trace.sentAt, trace.host], [5, null]);
  });
});
