import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameWriter } from "../../src/protocol/frame-stream.ts";
import {
  breakerStates,
  type Pressure,
  parsePressure,
  pressureBytes,
  putPressure,
} from "../../src/protocol/pressure.ts";

function pressure(fields: Partial<Pressure> = {}): Pressure {
  return {
    queuedRows: 1,
    runningRows: 2,
    rowCostMs: 0.25,
    batchCostMs: 0.75,
    rowsPerRequest: 1,
    breaker: "closed",
    draining: false,
    breakerRetryMs: 0,
    sequences: 0,
    ...fields,
  };
}

function bytesOf(value: Pressure): Buffer {
  const writer = new FrameWriter();
  putPressure(writer, value);
  return Buffer.concat(writer.take());
}

describe("putPressure", () => {
  it("takes as many bytes as it says", () =>
    assert.equal(bytesOf(pressure()).length, pressureBytes));

  const rounded: readonly (readonly [number, number])[] = [
    [0.2, 1],
    [1e12, 0xffff_ffff],
    [Number.POSITIVE_INFINITY, 0xffff_ffff],
  ];
  for (const [breakerRetryMs, read] of rounded) {
    it(`rounds a retry of ${breakerRetryMs} ms to ${read}`, () =>
      assert.deepEqual(
        parsePressure(bytesOf(pressure({ breakerRetryMs })), 0),
        pressure({ breakerRetryMs: read }),
      ));
  }
});

describe("parsePressure", () => {
  const values = [
    pressure(),
    ...breakerStates.map((breaker) => pressure({ breaker })),
    pressure({ draining: true }),
    pressure({ sequences: 1 }),
    pressure({ sequences: 0xffff_ffff }),
    pressure({ queuedRows: 0xffff_ffff, runningRows: 0, rowCostMs: 0, breakerRetryMs: 5_000 }),
  ];
  for (const value of values) {
    it(`reads what was written: ${JSON.stringify(value)}`, () =>
      assert.deepEqual(parsePressure(bytesOf(value), 0), value));
  }

  it("reads from where it is told to", () => {
    const bytes = Buffer.concat([Buffer.alloc(3), bytesOf(pressure()), Buffer.alloc(1)]);
    assert.deepEqual(parsePressure(bytes, 3), pressure());
  });

  it("refuses what is cut short", () => {
    const bytes = bytesOf(pressure());
    for (let length = 0; length < pressureBytes; length += 1) {
      assert.equal(parsePressure(bytes.subarray(0, length), 0), undefined);
    }
  });

  const figures = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1];
  for (const at of [8, 12]) {
    for (const figure of figures) {
      it(`refuses ${figure} in byte ${at}`, () => {
        const bytes = bytesOf(pressure());
        bytes.writeFloatLE(figure, at);
        assert.equal(parsePressure(bytes, 0), undefined);
      });
    }
  }
});
