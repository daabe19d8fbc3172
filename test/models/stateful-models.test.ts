import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { growingModel, layeredModel, singleStateModel } from "../../models/stateful-models.ts";
import { runFrames, runModel, signature, tensor } from "./runtime.ts";

function floats(values: readonly number[], dims: readonly number[]) {
  return tensor("float32", Float32Array.from(values), dims);
}

/** `count` numbers of which no two are equal, so that each says where it stands. */
function ramp(count: number, from: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => from + at);
}

interface Layered {
  /** Of layer 0, of each row in turn; then of layer 1, then of layer 2. */
  readonly h: readonly number[];
  readonly c: readonly number[];
}

/** One frame by the formula, of rows in turn. */
function layeredFrame(
  { h, c }: Layered,
  x: readonly number[],
): Layered & { readonly y: readonly number[] } {
  const hn = h.map((cell, at) => cell + (x[at % x.length] ?? 0));
  const cn = c.map((cell, at) => cell / 2 + (x[at] ?? 0));
  const layers = [0, 1, 2].map((layer) => hn.slice(layer * x.length, (layer + 1) * x.length));
  const y = cn.map((cell, at) => layers.reduce((sum, layer) => sum + (layer[at] ?? 0), cell));
  return { h: hn, c: cn, y };
}

describe("layeredModel", () => {
  /** Of as many rows as `c` has. */
  function run(frames: readonly (readonly number[])[], { h, c }: Layered) {
    const rows = c.length / 2;
    return runFrames(
      layeredModel(),
      frames.map((x) => ({ x: floats(x, [rows, 2]) })),
      {
        first: { h: floats(h, [3, rows, 2]), c: floats(c, [rows, 2]) },
        next: { h: "hn", c: "cn" },
      },
    );
  }

  it("has its batch at axis 1 of h, and at axis 0 of all else", async () =>
    assert.deepEqual(await signature(layeredModel()), [
      ["x float32 [batch,2]", "h float32 [3,batch,2]", "c float32 [batch,2]"],
      ["y float32 [batch,2]", "hn float32 [3,batch,2]", "cn float32 [batch,2]"],
    ]));

  it("remembers in h the sum, and in c half of it from frame to frame", async () => {
    const zeros = { h: new Array(6).fill(0), c: [0, 0] };
    const answers = await run(
      [
        [4, -8],
        [2, 6],
        [0, 0],
      ],
      zeros,
    );
    const wide = [1, 2];
    const deep = [3, 1, 2];
    assert.deepEqual(answers, [
      {
        y: { dims: wide, values: [16, -32] },
        hn: { dims: deep, values: [4, -8, 4, -8, 4, -8] },
        cn: { dims: wide, values: [4, -8] },
      },
      {
        y: { dims: wide, values: [22, -4] },
        hn: { dims: deep, values: [6, -2, 6, -2, 6, -2] },
        cn: { dims: wide, values: [4, 2] },
      },
      {
        y: { dims: wide, values: [20, -5] },
        hn: { dims: deep, values: [6, -2, 6, -2, 6, -2] },
        cn: { dims: wide, values: [2, 1] },
      },
    ]);
  });

  for (const rows of [1, 2, 5]) {
    it(`computes what its formula says, in batches of ${rows}`, async () => {
      const frames = [1, 2, 3, 4, 5].map((frame) => ramp(2 * rows, 100 * frame));
      const first = { h: ramp(6 * rows, 1_000), c: ramp(2 * rows, -50) };
      let state: Layered = first;
      const expected = frames.map((x) => {
        const { y, ...next } = layeredFrame(state, x);
        state = next;
        return {
          y: { dims: [rows, 2], values: y },
          hn: { dims: [3, rows, 2], values: next.h },
          cn: { dims: [rows, 2], values: next.c },
        };
      });
      assert.deepEqual(await run(frames, first), expected);
    });
  }

  it("computes each row of two as it does alone", async () => {
    const frames = [ramp(4, 1), ramp(4, 20), ramp(4, -7)];
    const first = { h: ramp(12, 300), c: ramp(4, 70) };
    const together = await run(frames, first);
    for (const row of [0, 1]) {
      const own = <T>(values: readonly T[]) =>
        values.filter((_, at) => Math.floor(at / 2) % 2 === row);
      const alone = await run(
        frames.map((x) => own(x)),
        { h: own(first.h), c: own(first.c) },
      );
      for (const name of ["y", "hn", "cn"]) {
        assert.deepEqual(
          alone.map((answer) => answer[name]?.values),
          together.map((answer) => own(answer[name]?.values ?? [])),
        );
      }
    }
  });
});

describe("growingModel", () => {
  function run(columns: readonly (readonly number[])[], past: ReturnType<typeof floats>) {
    const frames = columns.map((column) => ({ x: floats(column, [column.length, 1]) }));
    return runFrames(growingModel(), frames, { first: { past }, next: { past: "present" } });
  }

  it("takes a past of any length", async () =>
    assert.deepEqual(await signature(growingModel()), [
      ["x float32 [batch,1]", "past float32 [batch,length]"],
      ["y float32 [batch,1]", "present float32 [batch,length_and_one]"],
    ]));

  it("grows from nothing by one value a frame, and gives the sum of all", async () =>
    assert.deepEqual(await run([[3], [-1], [0], [0.5]], floats([], [1, 0])), [
      { y: { dims: [1, 1], values: [3] }, present: { dims: [1, 1], values: [3] } },
      { y: { dims: [1, 1], values: [2] }, present: { dims: [1, 2], values: [3, -1] } },
      { y: { dims: [1, 1], values: [2] }, present: { dims: [1, 3], values: [3, -1, 0] } },
      { y: { dims: [1, 1], values: [2.5] }, present: { dims: [1, 4], values: [3, -1, 0, 0.5] } },
    ]));

  it("grows each row of a batch of two by its own values", async () => {
    const columns = [
      [1, 10],
      [2, 20],
      [3, 30],
    ];
    assert.deepEqual(await run(columns, floats([], [2, 0])), [
      { y: { dims: [2, 1], values: [1, 10] }, present: { dims: [2, 1], values: [1, 10] } },
      { y: { dims: [2, 1], values: [3, 30] }, present: { dims: [2, 2], values: [1, 2, 10, 20] } },
      {
        y: { dims: [2, 1], values: [6, 60] },
        present: { dims: [2, 3], values: [1, 2, 3, 10, 20, 30] },
      },
    ]);
  });

  it("goes on from a past that it is given", async () =>
    assert.deepEqual(await run([[5, 6]], floats([1, 2, 3, 4], [2, 2])), [
      {
        y: { dims: [2, 1], values: [8, 13] },
        present: { dims: [2, 3], values: [1, 2, 5, 3, 4, 6] },
      },
    ]));
});

describe("singleStateModel", () => {
  const dims = [1, 4];

  it("takes and gives one row", async () =>
    assert.deepEqual(await signature(singleStateModel()), [
      ["x float32 [1,4]", "state float32 [1,4]"],
      ["y float32 [1,4]", "stateN float32 [1,4]"],
    ]));

  it("adds up, frame by frame", async () => {
    const frames = [
      [1, 2, 3, 4],
      [10, 20, 30, 40],
      [0, -2, 0.5, 0],
    ].map((x) => ({ x: floats(x, dims) }));
    const first = { state: floats([100, 0, 0, -4], dims) };
    const sums = [
      [101, 2, 3, 0],
      [111, 22, 33, 40],
      [111, 20, 33.5, 40],
    ];
    assert.deepEqual(
      await runFrames(singleStateModel(), frames, { first, next: { state: "stateN" } }),
      sums.map((values) => ({ y: { dims, values }, stateN: { dims, values } })),
    );
  });

  it("takes one row only", async () => {
    const two = floats(ramp(8, 1), [2, 4]);
    await assert.rejects(runModel(singleStateModel(), { x: two, state: two }), /dimensions/);
  });
});
