import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NumberListScanner } from "../../src/tensors/number-list-scanner.ts";

function read(text: string, maxDepth = 100): unknown {
  const scanner = new NumberListScanner(Buffer.from(`${text}}`));
  const list = scanner.read(0, maxDepth);
  if (list === undefined) return undefined;
  assert.equal(scanner.at, text.length);
  assert.deepEqual(list.toLists(), JSON.parse(text));
  return { dims: list.dims, values: list.values };
}

describe("NumberListScanner", () => {
  for (const [text, dims, values] of [
    ["[1]", [1], [1]],
    ["[1,-2.5,3e2]", [3], [1, -2.5, 300]],
    [" [ 1 ,\n2\t, 3\r] ".trim(), [3], [1, 2, 3]],
    ["[[1,2,3],[4,5,6]]", [2, 3], [1, 2, 3, 4, 5, 6]],
    ["[ [ [1] , [2] ] ]", [1, 2, 1], [1, 2]],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(read(text), { dims, values: Float32Array.from(values) });
    });
  }

  it("reads more numbers than it had room for", () => {
    const numbers = Array.from({ length: 5_000 }, (_, i) => i / 8);
    const text = JSON.stringify([numbers, numbers]);
    const values = Float32Array.from([...numbers, ...numbers]);
    assert.deepEqual(read(text), { dims: [2, 5_000], values });
  });

  it("reads one list after the other, each into memory of its own", () => {
    const scanner = new NumberListScanner(Buffer.from("[1,2],[[3]]}"));
    const first = scanner.read(0, 100);
    const second = scanner.read(6, 100);
    assert.deepEqual([first?.values, second?.values], [Float32Array.of(1, 2), Float32Array.of(3)]);
    assert.deepEqual([first?.dims, second?.dims], [[2], [1, 1]]);
    assert.equal(first?.values.buffer.byteLength, 8);
  });

  for (const text of [
    ...[
      "[]",
      "[[]]",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[1",
      "[1,",
      "[[1]",
      "[[1],",
      "[1}",
      "[[1},[2]]",
      "",
    ],
    ...["[[1],[2,3]]", "[[1],2]", "[1,[2]]", "[[1],[[2]]]", "[[[1]],[2]]", "[[1,2],[3]]"],
    ...["[1e39]", "[NaN]", "[null]", "[1,true]", '["1"]', "[01]", "[1.]", "[-]", "[{}]", "1"],
  ]) {
    it(`leaves ${JSON.stringify(text)} to others`, () => {
      assert.equal(read(text), undefined);
    });
  }

  it("reads as many levels as it may", () => {
    assert.notEqual(read("[[[1]]]", 3), undefined);
    assert.equal(read("[[[1]]]", 2), undefined);
    const deep = 100_000;
    assert.equal(read(`${"[".repeat(deep)}1${"]".repeat(deep)}`), undefined);
  });
});
