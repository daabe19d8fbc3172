import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { splitBinaryBody } from "../../src/tensors/binary-section.ts";

function bodyOf(jsonBytes: number, rest: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(jsonBytes);
  return Buffer.concat([length, Buffer.from(rest)]);
}

describe("splitBinaryBody", () => {
  it("tells JSON from what stands behind it", () => {
    const { json, tensors } = splitBinaryBody(bodyOf(2, "{}abcd"));
    assert.equal(String(json), "{}");
    assert.equal(String(tensors.take("x", 3, "m")), "abc");
    assert.equal(String(tensors.take("y", 1, "m")), "d");
    tensors.end("m");
  });

  it("copies nothing", () => {
    const body = bodyOf(2, "{}abcd");
    const { json, tensors } = splitBinaryBody(body);
    const taken = tensors.take("x", 4, "m");
    assert.deepEqual([json.buffer, taken.buffer], [body.buffer, body.buffer]);
    assert.equal(taken.byteOffset, body.byteOffset + 6);
  });

  it("takes no bytes where none are asked for", () => {
    const { tensors } = splitBinaryBody(bodyOf(2, "{}"));
    assert.equal(tensors.take("x", 0, "m").length, 0);
    tensors.end("m");
  });

  for (const [body, message] of [
    [Buffer.alloc(0), "Cannot read body: expected the length of its JSON (4 bytes), got 0 bytes"],
    [Buffer.alloc(3), "Cannot read body: expected the length of its JSON (4 bytes), got 3 bytes"],
    [bodyOf(0, "{}"), "inference header size should be in range (0, 2), got: 0"],
    [bodyOf(3, "{}"), "inference header size should be in range (0, 2), got: 3"],
    [bodyOf(2 ** 32 - 1, "{}"), "inference header size should be in range (0, 2), got: 4294967295"],
  ] as const) {
    it(`refuses ${body.toString("hex") || "nothing"}`, () => {
      assert.throws(() => splitBinaryBody(body), { code: "invalid-request", message });
    });
  }

  it("says how many bytes are missing", () => {
    const { tensors } = splitBinaryBody(bodyOf(2, "{}abc"));
    assert.throws(() => tensors.take("x", 8, "m"), {
      code: "invalid-request",
      message:
        "unexpected size for input 'x', expecting 5 additional bytes for model 'm': 'binary_data_size' is 8, got 3",
    });
  });

  it("says how many bytes are left over", () => {
    const { tensors } = splitBinaryBody(bodyOf(2, "{}abc"));
    tensors.take("x", 1, "m");
    assert.throws(() => tensors.end("m"), {
      code: "invalid-request",
      message:
        "unexpected additional input data for model 'm': expected 1 bytes behind the JSON, got 3",
    });
  });
});
