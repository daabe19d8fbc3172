import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeSamples } from "../../src/client/samples.ts";

describe("writeSamples", () => {
  it("writes typed arrays as base64 of what they show", () => {
    const samples = new Int16Array([9, 1, -2]).subarray(1);
    assert.deepEqual(writeSamples(samples), { samples: "AQD+/w==", encoding: "int16" });
    assert.equal(writeSamples(new Float32Array(1)).encoding, "float32");
    assert.equal(writeSamples(new Int32Array(1)).encoding, "int32");
  });

  it("writes more samples than a call may have arguments", () => {
    const { samples } = writeSamples(new Float32Array(200_000));
    assert.equal(Buffer.from(String(samples), "base64").length, 800_000);
  });

  it("leaves numbers as they are", () => {
    assert.deepEqual(writeSamples([0.1]), { samples: [0.1] });
  });
});
