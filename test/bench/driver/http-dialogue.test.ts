import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HttpDialogue, requestBytes } from "../../../bench/driver/http-dialogue.ts";
import type { Job } from "../../../bench/driver/message.ts";

const job: Job = {
  port: 8080,
  transport: "http",
  path: "/predict/iris",
  body: '{"é":1}',
  connections: 1,
  arrivals: { type: "closed" },
  warmUpMs: 0,
  windowMs: 1,
};

describe("requestBytes", () => {
  it("is a POST of the body, whose length it says in bytes", () => {
    const [head, body] = requestBytes(job).toString().split("\r\n\r\n");
    assert.deepEqual(head?.split("\r\n"), [
      "POST /predict/iris HTTP/1.1",
      "host: 127.0.0.1:8080",
      "content-type: application/json",
      "content-length: 8",
    ]);
    assert.equal(body, job.body);
  });
});

describe("HttpDialogue", () => {
  it("needs no greeting, and tells an answer when it is in whole", () => {
    const dialogue = new HttpDialogue(requestBytes(job));
    assert.equal(dialogue.greeting, undefined);
    const heard = ["HTTP/1.1 429 No\r\ncontent-", "length: 2\r\n\r\n{", "}"].map((chunk) =>
      dialogue.hear(Buffer.from(chunk)),
    );
    assert.deepEqual(heard, [[], [], [{ type: "answer", status: 429 }]]);
  });
});
