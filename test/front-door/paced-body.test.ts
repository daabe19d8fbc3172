import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { pacedBody } from "../../src/front-door/paced-body.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import { FakeClock } from "../fake-clock.ts";

const pace = { minBytesPerSecond: 10, slackMs: 1_000 };

function setUp(onBytes: (bytes: number) => void = () => undefined) {
  const clock = new FakeClock();
  const body = new PassThrough();
  const chunks = pacedBody(body as unknown as IncomingMessage, { clock, pace, onBytes });
  return { clock, body, chunks };
}

describe("A paced body", () => {
  it("comes whole", async () => {
    const counted: number[] = [];
    const { body, chunks } = setUp((bytes) => counted.push(bytes));
    body.write("abc");
    assert.equal(String((await chunks.next()).value), "abc");
    body.end("de");
    assert.equal(String((await chunks.next()).value), "de");
    assert.equal((await chunks.next()).done, true);
    assert.deepEqual(counted, [3, 5]);
  });

  it("is given up where it falls behind, but not for the time in which nobody takes it", async () => {
    const { clock, body, chunks } = setUp();
    body.write("abc");
    await chunks.next();
    clock.advance(60_000);
    const next = chunks.next();
    body.write("d");
    assert.equal(String((await next).value), "d");
    const late = assert.rejects(chunks.next(), { code: "request-timeout" });
    await new Promise(setImmediate);
    clock.advance(1_000);
    await late;
  });

  it("is left open where it is refused, so that the answer can go out", async () => {
    const { body, chunks } = setUp(() => {
      throw new TroupeError("payload-too-large", "too large");
    });
    body.write("abc");
    await assert.rejects(chunks.next(), { code: "payload-too-large" });
    assert.equal(body.destroyed, false);
  });

  it("ends as cancelled where its sender leaves", async () => {
    const { body, chunks } = setUp();
    const next = assert.rejects(chunks.next(), { code: "cancelled" });
    body.destroy(new Error("gone"));
    await next;
  });
});
