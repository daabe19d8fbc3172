import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codecWorks } from "../../bench/codec-work.ts";
import type { AnswerBody } from "../../src/protocol/host-frames.ts";
import type { DecodedRequest } from "../../src/tensors/codec.ts";

function dataOf(decoded: unknown): unknown {
  return (decoded as DecodedRequest).inputs[0]?.data;
}

describe("the works of bench:codecs", () => {
  const pictures = codecWorks.filter(({ name }) => / in\b/.test(name) && !name.includes("iris"));

  it("read the same picture in every form", () => {
    const exact = pictures.filter(({ name }) => !name.includes("seven"));
    const [first, ...others] = exact.map(({ troupe }) => dataOf(troupe()));
    assert.equal((first as Float32Array).length, 230_400);
    for (const other of others) assert.deepEqual(other, first);
    assert.equal(exact.length, 5);
  });

  for (const { name, troupe, rival } of codecWorks) {
    if (rival === null) continue;
    it(`give of ${name} what the rival gives`, () => {
      const ours = troupe() as AnswerBody | DecodedRequest;
      const theirs = rival();
      if ("json" in ours) {
        const texts = [ours.json, theirs as Buffer].map((bytes) => bytes.toString());
        assert.deepEqual(JSON.parse(texts[0] ?? ""), JSON.parse(texts[1] ?? ""));
      } else assert.deepEqual(dataOf(ours), theirs);
    });
  }
});
