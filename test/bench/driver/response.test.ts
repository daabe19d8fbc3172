import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ResponseReader } from "../../../bench/driver/response.ts";

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nx-other: 1\r\n\r\n{"a":1}';

describe("ResponseReader", () => {
  it("gives the status of an answer that comes whole, one after the other", () => {
    const reader = new ResponseReader();
    const refusal = Buffer.from("HTTP/1.1 503 No\r\ncontent-length:0\r\n\r\n");
    const statuses = [Buffer.from(answer), refusal, Buffer.from(answer)].map((chunk) =>
      reader.push(chunk),
    );
    assert.deepEqual(statuses, [200, 503, 200]);
  });

  it("gives the status with the last byte, wherever the answer is cut", () => {
    for (let cut = 1; cut < answer.length; cut += 1) {
      const reader = new ResponseReader();
      const memory = Buffer.from(answer.slice(0, cut));
      assert.equal(reader.push(memory), undefined, `cut at ${cut}`);
      memory.fill("?"); // as a read buffer is, that is used again
      assert.equal(reader.push(Buffer.from(answer.slice(cut))), 200, `cut at ${cut}`);
    }
  });

  it("refuses an answer without a length", () => {
    const reader = new ResponseReader();
    const chunked = Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    assert.throws(() => reader.push(chunked), /no content-length/);
  });

  it("refuses more bytes than were announced", () => {
    assert.throws(() => new ResponseReader().push(Buffer.from(`${answer}?`)), /more bytes/);
  });
});
