import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorOfAnswer, errorOfFrame, type RawAnswer } from "../../src/client/client-error.ts";

function answer(status: number, body: string, headers: Record<string, string> = {}): RawAnswer {
  return {
    status,
    body: new TextEncoder().encode(body),
    header: (name) => headers[name] ?? null,
  };
}

describe("errorOfAnswer", () => {
  it("has the server's words, code and request id", () => {
    const body = { error: "it is full", code: "overloaded", request_id: "abc" };
    const headers = { "retry-after": "1", "retry-after-ms": "250" };
    const error = errorOfAnswer(answer(503, JSON.stringify(body), headers));
    const { message, code, status, requestId, retryAfterMs } = error;
    assert.deepEqual(
      { message, code, status, requestId, retryAfterMs },
      {
        message: "it is full",
        code: "overloaded",
        status: 503,
        requestId: "abc",
        retryAfterMs: 250,
      },
    );
  });

  it("takes the seconds that a proxy sends where there are no milliseconds", () => {
    const body = JSON.stringify({ error: "x", code: "draining" });
    assert.equal(errorOfAnswer(answer(503, body, { "retry-after": "2" })).retryAfterMs, 2_000);
  });

  for (const [what, body] of [
    ["a page of a proxy", "<html>502</html>"],
    ["JSON of another kind", '{"detail": "no"}'],
    ["nothing", ""],
  ] as const) {
    it(`calls ${what} unexpected`, () => {
      const { code, message } = errorOfAnswer(answer(502, body));
      assert.deepEqual(
        [code, message],
        ["unexpected-answer", "expected an answer of Troupe's, got status 502"],
      );
    });
  }

  it("does not pass on a code that nobody knows", () => {
    const body = JSON.stringify({ error: "new", code: "made-tomorrow" });
    assert.equal(errorOfAnswer(answer(400, body)).code, "unexpected-answer");
  });
});

describe("errorOfFrame", () => {
  it("has the time of a retry from the frame", () => {
    const frame = { type: "failed", error: "full", code: "overloaded", retry_after_ms: 5 };
    const { code, retryAfterMs, status } = errorOfFrame(frame);
    assert.deepEqual([code, retryAfterMs, status], ["overloaded", 5, undefined]);
  });
});
