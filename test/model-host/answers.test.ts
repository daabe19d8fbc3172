import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Answers } from "../../model-host/answers.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Work } from "../../model-host/work.ts";
import { beginTrace } from "../../model-host/work-trace.ts";
import type { HostEvent } from "../../src/protocol/control.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor, fakeWork, servedModel, type WorkFields, whole } from "./fake-work.ts";
import { quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

const y: TensorSpec = { name: "y", datatype: "FP32", shape: [-1, 1], batchAxis: 0 };

function setUp() {
  const told: HostEvent[] = [];
  const metrics = createHostMetrics("m", "1");
  const model = servedModel({
    inputs: [],
    outputs: [y],
    batching: { type: "batched", maxBatchSize: 4 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  });
  const tell = async (event: HostEvent) => void told.push(event);
  const answers = new Answers({ model, metrics, log: quietLog, tell });
  const door = new FakeDoor();
  const request = (fields: WorkFields = {}) => fakeWork({ door, ...fields });
  const said = () =>
    door.said.map((one) => (one.type === "failed" ? `failed ${one.failure.code}` : one.type));
  const dropped = () =>
    (["cancelled", "expired"] as const).map((reason) => metrics.dropped(reason).value);
  return { answers, door, request, said, told, dropped };
}

const refusal = new TroupeError("inference-failed", "no");
const failed = { type: "failed", error: refusal } as const;

function ran(rows = 1) {
  return { type: "ran", outputs: [fp32([rows, 1])], state: [] } as const;
}

function row(work: Work, fromRow: number) {
  return { work, fromRow, rows: 1 };
}

describe("answers", () => {
  it("say what came of a run, once", () => {
    const { answers, request, said } = setUp();
    const work = request();
    const thrown = [ran(), ran(), failed].map((result) => answers.settle(whole(work), result));
    assert.deepEqual(
      [said(), thrown, work.settled],
      [["done"], [undefined, undefined, undefined], true],
    );
  });

  it("tell the trace of a request before what ends it, be that a failure", () => {
    const { answers, door, request } = setUp();
    for (const [id, result] of [ran(), failed].entries()) {
      const trace = beginTrace(requestFrame({}, { traced: true }), 1);
      answers.settle(whole(request({ id, trace })), result);
    }
    assert.deepEqual(
      door.traces.map(({ id, points }) => [id, points.queuedAt, points.runBegunAt]),
      [
        [0, 1, null],
        [1, 1, null],
      ],
    );
  });

  it("wait for the last row of a request", () => {
    const { answers, request, said } = setUp();
    const work = request({ rows: 2 });
    answers.settle(row(work, 0), ran());
    const before = [said(), work.settled];
    answers.settle(row(work, 1), ran());
    assert.deepEqual([before, said(), work.settled], [[[], false], ["done"], true]);
  });

  it("give back what ended the request, where its run failed", () => {
    const { answers, request, said } = setUp();
    const work = request({ rows: 2 });
    const thrown = [failed, ran()].map((result, at) => answers.settle(row(work, at), result));
    assert.deepEqual([thrown, said()], [[refusal, undefined], ["failed inference-failed"]]);
  });

  it("give back what ended the request, where its answer cannot be written", () => {
    const { answers, door, request, said } = setUp();
    const bug = new RangeError("Invalid string length");
    door.done = () => {
      throw bug;
    };
    assert.deepEqual([answers.settle(whole(request()), ran()), said()], [bug, ["failed internal"]]);
  });

  it("say nothing of what has no result, or is not wanted any more", () => {
    const { answers, request, said } = setUp();
    answers.settle(whole(request()), undefined);
    answers.settle(whole(request({ settled: true })), ran());
    answers.fail(request({ settled: true }), { code: "internal", message: "" });
    assert.deepEqual(said(), []);
  });

  it("tell the supervisor of the first only", () => {
    const { answers, request, told } = setUp();
    answers.settle(whole(request()), failed);
    const before = [...told];
    answers.settle(whole(request()), ran());
    answers.settle(whole(request()), ran());
    assert.deepEqual([before, told], [[], [{ type: "answered" }]]);
  });

  it("say of a piece that makes no window whole that it has no rows", () => {
    const { answers, door, request } = setUp();
    const work = request({ id: 7, rows: 0, stream: true });
    answers.answerNothing(work);
    const body = { model: "m", version: "1", rows: 0, request_id: "r" };
    assert.deepEqual([door.said, work.settled], [[{ type: "done", id: 7, rows: 0, body }], true]);
  });

  it("count what nobody waits for, unless it has begun", () => {
    const { answers, request, said, dropped } = setUp();
    answers.drop(request(), "cancelled");
    answers.drop(request(), "expired");
    answers.drop(request({ rows: 3, nextRow: 1 }), "expired");
    const failures = ["cancelled", "deadline-exceeded", "deadline-exceeded"];
    assert.deepEqual([said(), dropped()], [failures.map((code) => `failed ${code}`), [1, 1]]);
  });
});
