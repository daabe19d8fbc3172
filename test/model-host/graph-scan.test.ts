import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanOperators } from "../../model-host/graph-scan.ts";
import * as loops from "../../models/loop-models.ts";
import * as odd from "../../models/odd-models.ts";
import { seededRandom } from "../../models/random.ts";

function scan(bytes: Uint8Array): readonly string[] | undefined {
  const operators = scanOperators(Buffer.from(bytes));
  return operators && [...operators].toSorted();
}

/** A field of protobuf: number, wire type, and what follows. */
function field(number: number, wireType: number, ...bytes: readonly number[]): readonly number[] {
  const key = number * 8 + wireType;
  const head = key < 128 ? [key] : [(key & 127) | 128, key >> 7];
  return wireType === 2 ? [...head, bytes.length, ...bytes] : [...head, ...bytes];
}

function text(words: string): readonly number[] {
  return [...Buffer.from(words)];
}

function node(...fields: readonly (readonly number[])[]): readonly number[] {
  return field(1, 2, ...fields.flat());
}

describe("scanOperators", () => {
  const rows: readonly (readonly [string, () => Uint8Array, readonly string[]])[] = [
    ["echo", odd.echoModel, ["Identity"]],
    ["fixed-batch", odd.fixedBatchModel, ["MatMul"]],
    ["gather", odd.gatherModel, ["Gather"]],
    ["alloc", odd.allocModel, ["ConstantOfShape"]],
    ["nan", odd.nanModel, ["Div", "Log"]],
    ["batch-mixing", odd.batchMixingModel, ["ReduceMean", "Sub"]],
  ];
  for (const [name, make, operators] of rows) {
    it(`finds the operators of ${name}`, () => assert.deepEqual(scan(make()), operators));
  }

  it("finds a loop, whatever stands inside it", () =>
    assert.ok(scan(loops.heavyModel({ size: 4, repeats: 2 }))?.includes("Loop")));

  it("steps over fields that it does not know, of every wire type", () => {
    const graph = field(7, 2, ...field(3, 0, 150, 1), ...node(field(4, 2, ...text("Add"))));
    const model = [
      ...field(1, 0, 0x96, 0x01),
      ...field(2, 5, 1, 2, 3, 4),
      ...field(3, 1, 1, 2, 3, 4, 5, 6, 7, 8),
      ...graph,
      ...field(8, 2, 1),
    ];
    assert.deepEqual(scan(Uint8Array.from(model)), ["Add"]);
  });

  it("finds nothing where there is no graph", () => assert.deepEqual(scan(new Uint8Array()), []));

  const functions = [...field(7, 2), ...field(25, 2, 1)];
  const unreadable: readonly (readonly [string, readonly number[]])[] = [
    ["functions hide what is run", functions],
    ["a message ends past the file", [0x3a, 5, 1]],
    ["a node ends past its graph", field(7, 2, 0x0a, 9, 1)],
    ["a number has no end", [0x3a, 0x80]],
    ["a number is too long", new Array(12).fill(0xff)],
    ["a wire type is unknown", field(7, 3)],
  ];
  for (const [name, bytes] of unreadable) {
    it(`gives up where ${name}`, () => assert.equal(scan(Uint8Array.from(bytes)), undefined));
  }

  it("never throws, and never goes on for good, whatever it reads", () => {
    const random = seededRandom(6);
    const model = odd.nanModel();
    for (let round = 0; round < 2_000; round += 1) {
      const bytes = Uint8Array.from(model);
      for (let change = 0; change < 3; change += 1) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      assert.doesNotThrow(() => scan(bytes.subarray(0, Math.floor(random() * bytes.length))));
    }
  });
});
