import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HttpDialogue, requestBytes } from "../../../bench/driver/http-dialogue.ts";

const headers = { "content-type": "application/json" };
const job = { port: 8080, headers, body: '{"é":1}' };

describe("requestBytes", () => {
  it("is a POST of the body, whose length it says in bytes", () => {
    const [head, body] = requestBytes(job, "/predict/iris").toString().split("\r\n\r\n");
    assert.deepEqual(head?.split("\r\n"), [
      "POST /predict/iris HTTP/1.1",
      "host: 127.0.0.1:8080",
      "content-type: application/json",
      "content-length: 8",
    ]);
    assert.equal(body, job.body);
  });

  it("takes bytes for a body too", () => {
    const body = Buffer.of(0, 255, 13, 10);
    const bytes = requestBytes({ ...job, body }, "/v2/models/image/infer");
    assert.deepEqual(bytes.subarray(-4), body);
    assert.match(bytes.toString("latin1"), /\r\ncontent-length: 4\r\n\r\n/);
  });
});

describe("HttpDialogue", () => {
  it("needs no greeting, and tells an answer when it is in whole", () => {
    const dialogue = new HttpDialogue(() => requestBytes(job, "/"));
    assert.equal(dialogue.greeting, undefined);
    const heard = ["HTTP/1.1 429 No\r\ncontent-", "length: 2\r\n\r\n{", "}"].map((chunk) =>
      dialogue.hear(Buffer.from(chunk)),
    );
    assert.deepEqual(heard, [[], [], [{ type: "answer", lane: 0, status: 429 }]]);
  });
});
