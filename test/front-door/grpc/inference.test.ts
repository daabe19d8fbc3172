import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Inference, type InferenceAsk } from "../../../src/front-door/grpc/inference.ts";
import { SharedSeats } from "../../../src/front-door/shared-seats.ts";
import { TroupeError } from "../../../src/protocol/errors.ts";
import { doorParts } from "../door-parts.ts";

const left = { code: "cancelled", message: "the client left" } as const;

const refusal = new TroupeError("invalid-request", "no message");

function setUp(changed: Partial<InferenceAsk> = {}, model = "m", more: object = {}) {
  const parts = { ...doorParts(), sharedSeats: new SharedSeats() };
  const heard: unknown[] = [];
  const ask: InferenceAsk = {
    route: "/inference.GRPCInferenceService/ModelInfer",
    requestId: "r1",
    timeoutMs: 500,
    priority: "normal",
    onDone: ({ body }) => heard.push(body.toString()),
    onFailed: ({ code }) => heard.push(code),
    ...changed,
  };
  const json = Buffer.from("{}");
  const body = Buffer.alloc(100);
  const head = { model, version: undefined, id: "7", codec: "v2-binary" } as const;
  const request = { ...head, json, body, ...more };
  const inference = new Inference(parts, ask, request);
  inference.begin();
  const [flight] = parts.fake.flights;
  return { ...parts, heard, inference, flight };
}

describe("An inference", () => {
  it("goes to the dispatcher with its deadline, and holds its bytes until it is released", () => {
    const { flight, fake, permits, heard, inference, lines } = setUp();
    assert.ok(flight !== undefined);
    const { model, version, pinned, codec, deadlineAt, requestId } = flight.call;
    assert.deepEqual(
      { model, version, pinned, codec, deadlineAt, requestId },
      {
        model: "m",
        version: "1",
        pinned: false,
        codec: "v2-binary",
        deadlineAt: 1_500,
        requestId: "r1",
      },
    );
    fake.done(flight.call, "answer");
    assert.deepEqual([heard, permits.requests, permits.bytes], [["answer"], 1, 100]);
    inference.release();
    assert.equal(permits.requests, 0);
    assert.deepEqual(
      lines.map(({ status, code }) => [status, code]),
      [[200, undefined]],
    );
  });

  it("that is refused unread fails, and is logged, under its model's name", () => {
    const { heard, flight, lines, permits } = setUp({}, "m", { refusal });
    assert.deepEqual([heard, flight, permits.requests], [["invalid-request"], undefined, 0]);
    assert.deepEqual(
      lines.map(({ model, status, code, error }) => ({ model, status, code, error })),
      [{ model: "m", status: 400, code: "invalid-request", error: "no message" }],
    );
  });

  it("is cancelled once when its caller leaves, who hears nothing", () => {
    const { flight, fake, heard, inference, lines } = setUp();
    inference.leave(left);
    inference.leave(left);
    assert.deepEqual([fake.cancelled, heard], [[flight], []]);
    assert.deepEqual(
      lines.map(({ status, code }) => [status, code]),
      [[499, "cancelled"]],
    );
  });

  it("has no more to cancel when it is answered", () => {
    const { flight, fake, inference } = setUp();
    assert.ok(flight !== undefined);
    fake.failed(flight.call, "host-crashed");
    inference.leave(left);
    assert.deepEqual(fake.cancelled, []);
  });

  it("fails where it is not let in, and holds nothing", () => {
    const { heard, permits } = setUp({}, "nobody");
    assert.deepEqual([heard, permits.requests], [["model-not-found"], 0]);
  });

  it("fails where its host's answer makes no sense", () => {
    const { flight, fake, heard } = setUp({
      onDone: () => {
        throw new SyntaxError("no JSON");
      },
    });
    assert.ok(flight !== undefined);
    fake.done(flight.call);
    assert.deepEqual(heard, ["internal"]);
  });
});
