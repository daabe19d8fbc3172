import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { NamedTensor } from "../../model-host/engine.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import { type Compute, fp32, numbersOf } from "./fake-engine.ts";
import { queueSettings } from "./host-spec.ts";
import {
  askBody,
  claimOf,
  type Fields,
  left,
  letAllEnd,
  modelMetadata,
  type Parts,
  present,
  runs,
  type Setting,
  said,
  serve,
  settle,
  setUp,
  spec,
} from "./sequence-host.ts";

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

/** Windows of three samples, each two after the last, and one zero in front. */
const signals: ModelMetadata = {
  ...modelMetadata(spec("x", [-1, 3]), spec("h", [-1, 1])),
  outputs: [spec("y", [-1, 1]), spec("hn", [-1, 1])],
  stream: { input: 0, window: 3, hop: 2, pad: "zeros" },
};

/** Adds up all samples of all windows. */
const sumOfWindows: Compute = ([x, h]) => {
  const [input, state] = [x, h] as [NamedTensor, NamedTensor];
  const [cells, remembered] = [numbersOf(input), numbersOf(state)];
  if (cells.includes(13)) throw new Error("unlucky");
  const sums = remembered.map((number, row) =>
    cells.slice(row * 3, row * 3 + 3).reduce((total, cell) => total + cell, number),
  );
  return { y: fp32([sums.length, 1], sums), hn: fp32(state.shape, sums) };
};

describe("a host that cuts signals", () => {
  const setting: Setting = { metadata: signals, compute: sumOfWindows };

  function hear(parts: Parts, key: string, samples: readonly unknown[], fields: Fields = {}) {
    const claim = claimOf(key.replace("+", ""), !key.startsWith("+"));
    return askBody(parts, { samples }, claim, { stream: true, ...fields });
  }

  it("answers at once a piece that makes no window whole, with no rows", () => {
    const parts = setUp({ ...setting, isGated: true });
    assert.equal(hear(parts, "a", [1], { id: 1 }), undefined);
    assert.deepEqual(said(parts), ["1 done 0"]);
  });

  it("answers such a piece in its turn, where others of its signal are before it", async () => {
    const parts = setUp({ ...setting, isGated: true });
    hear(parts, "a", [1, 2], { id: 1 });
    await serve(parts);
    for (const id of [2, 3]) hear(parts, "+a", id === 2 ? [3] : [], { id });
    hear(parts, "+a", [4], { id: 4 });
    hear(parts, "+a", [], { id: 5 });
    assert.deepEqual(said(parts), []);
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "1 chunk at 0 [[3]]",
      "1 done 1",
      "2 done 0",
      "3 done 0",
      "4 chunk at 2 [[12]]",
      "4 done 1",
      "5 done 0",
    ]);
    assert.deepEqual(left(parts), { queueRows: 0, inFlight: 0, sequences: 1 });
  });

  it("answers a long piece in chunks, with the position of each", async () => {
    const parts = setUp(setting);
    hear(parts, "a", [1, 2, 3, 4], { id: 1 });
    await serve(parts);
    hear(parts, "+a", [5, 6, 7], { id: 2 });
    await serve(parts);
    assert.deepEqual(said(parts), [
      "1 chunk at 0 [[3]]",
      "1 chunk at 2 [[12]]",
      "1 done 2",
      "2 chunk at 4 [[27]]",
      "2 done 1",
    ]);
    assert.deepEqual(runs(parts), [
      [0, 1, 2],
      [2, 3, 4],
      [4, 5, 6],
    ]);
  });

  /** The chunks of a signal that comes in pieces of the size. */
  async function chunksOf(signal: readonly number[], size: number): Promise<readonly string[]> {
    const parts = setUp(setting);
    for (let at = 0; at < signal.length; at += size) {
      const key = at === 0 ? "a" : "+a";
      const work = hear(parts, key, signal.slice(at, at + size));
      if (work !== undefined) parts.host.credit(work, 100);
      await serve(parts);
    }
    return said(parts).filter((words) => words.includes("chunk"));
  }

  it("gives the same whatever pieces a signal comes in", async () => {
    const signal = Array.from({ length: 24 }, (_, at) => at % 7);
    const whole = await chunksOf(signal, 24);
    assert.equal(whole.length, 12);
    for (const size of [1, 2, 3, 5]) assert.deepEqual(await chunksOf(signal, size), whole);
  });

  it("waits for a reader without credit, and for nobody else's", async () => {
    const parts = setUp(setting);
    const slow = present(hear(parts, "a", [1, 1, 1, 1, 1, 1, 1, 1], { id: 1 }));
    hear(parts, "+a", [1, 1], { id: 2 });
    hear(parts, "b", [5, 5, 5, 5], { id: 3 });
    await serve(parts);
    const before = said(parts);
    parts.host.credit(slow, 2);
    await settle();
    assert.deepEqual(before, [
      "1 chunk at 0 [[2]]",
      "3 chunk at 0 [[10]]",
      "1 chunk at 2 [[5]]",
      "3 chunk at 2 [[25]]",
      "3 done 2",
    ]);
    assert.deepEqual(said(parts).slice(5), [
      "1 chunk at 4 [[8]]",
      "1 chunk at 6 [[11]]",
      "1 done 4",
      "2 chunk at 8 [[14]]",
      "2 done 1",
    ]);
  });

  it("runs windows of several signals together, one of each", async () => {
    const parts = setUp(setting);
    hear(parts, "a", [1, 1, 1, 1], { id: 1 });
    hear(parts, "b", [2, 2, 2, 2], { id: 2 });
    await serve(parts);
    assert.deepEqual(runs(parts), [
      [0, 1, 1, 0, 2, 2],
      [1, 1, 1, 2, 2, 2],
    ]);
  });

  const refused: readonly (readonly [string, ErrorCode, readonly unknown[]])[] = [
    ["for want of room", "overloaded", [4]],
    ["as it is malformed", "invalid-request", ["x"]],
  ];
  for (const [name, code, samples] of refused) {
    it(`ends a signal of which a piece is refused ${name}: what follows would be out of place`, async () => {
      const parts = setUp({
        ...setting,
        spec: { queue: queueSettings({ maxRows: 2 }) },
        isGated: true,
      });
      hear(parts, "a", [1, 2], { id: 1 });
      await serve(parts);
      hear(parts, "+a", [3, 4], { id: 2 });
      askBody(parts, { features: [[1, 0, 0]] }, null, { id: 3 });
      hear(parts, "+a", samples, { id: 4 });
      hear(parts, "+a", [5], { id: 5 });
      await letAllEnd(parts);
      assert.deepEqual(
        said(parts).filter((words) => !words.startsWith("3 ")),
        [
          `4 failed ${code}`,
          "a ended failed",
          "5 failed sequence-lost",
          "1 chunk at 0 [[3]]",
          "1 done 1",
          "2 chunk at 2 [[12]]",
          "2 done 1",
        ],
      );
      assert.equal(left(parts).sequences, 0);
    });
  }

  it("leaves one as it was of which a frame of tensors is refused", async () => {
    const parts = setUp(setting);
    hear(parts, "a", [1, 2, 3], { id: 1 });
    await serve(parts);
    askBody(parts, { features: "x" }, claimOf("a", false), { id: 2 });
    hear(parts, "+a", [4], { id: 3 });
    await serve(parts);
    assert.deepEqual(said(parts).slice(2), [
      "2 failed invalid-request",
      "3 chunk at 2 [[12]]",
      "3 done 1",
    ]);
  });

  it("begins one anew with zeros in front", async () => {
    const parts = setUp(setting);
    for (const id of [1, 2]) {
      hear(parts, "a", [1, 2, 3], { id });
      await serve(parts);
    }
    assert.deepEqual(
      said(parts).filter((words) => words.includes("chunk")),
      ["1 chunk at 0 [[3]]", "2 chunk at 0 [[3]]"],
    );
  });

  it("refuses a piece outside a sequence", () => {
    const parts = setUp(setting);
    askBody(parts, { samples: [1, 2, 3] }, null, { id: 1 });
    assert.deepEqual(said(parts), ["1 failed invalid-request"]);
  });

  it("ends the sequence where a window fails, and runs no more of the piece", async () => {
    const parts = setUp(setting);
    const work = present(hear(parts, "a", [1, 2, 3, 13, 5, 6, 7, 8], { id: 1 }));
    hear(parts, "+a", [1, 2], { id: 2 });
    parts.host.credit(work, 10);
    await settle();
    assert.deepEqual(said(parts), [
      "1 chunk at 0 [[3]]",
      "1 failed internal",
      "a ended failed",
      "2 failed sequence-lost",
    ]);
    assert.deepEqual(
      [runs(parts).length, left(parts)],
      [2, { queueRows: 0, inFlight: 0, sequences: 0 }],
    );
  });

  it("ends the sequence where a piece expires whose reader takes nothing", async () => {
    const parts = setUp(setting);
    hear(parts, "a", [1, 1, 1, 1, 1, 1], { id: 1, deadlineAt: 50 });
    hear(parts, "+a", [1, 1], { id: 2 });
    await serve(parts);
    parts.clock.advance(50);
    await serve(parts);
    assert.deepEqual(said(parts).slice(2), [
      "1 failed deadline-exceeded",
      "a ended expired",
      "2 failed sequence-lost",
    ]);
    assert.equal(parts.metrics.dropped("expired").value, 0);
  });

  it("ends the sequence where a piece is cancelled while a window of it runs", async () => {
    const parts = setUp({ ...setting, isGated: true });
    const work = present(hear(parts, "a", [1, 1, 1, 1, 1, 1], { id: 1 }));
    await serve(parts);
    parts.host.cancel(work, "client-left");
    await letAllEnd(parts);
    assert.deepEqual(said(parts), ["1 failed cancelled", "a ended cancelled"]);
    assert.deepEqual([runs(parts).length, left(parts).inFlight], [1, 0]);
  });

  it("still runs the rest of a piece where one behind it is cancelled", async () => {
    const parts = setUp({ ...setting, isGated: true });
    hear(parts, "a", [1, 1, 1, 1], { id: 1 });
    const second = present(hear(parts, "+a", [1, 1], { id: 2 }));
    await serve(parts);
    parts.host.cancel(second, "expired");
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "2 failed deadline-exceeded",
      "a ended expired",
      "1 chunk at 0 [[2]]",
      "1 chunk at 2 [[5]]",
      "1 done 2",
    ]);
  });

  it("ends the sequence where a chunk cannot be written, as the rest is not run", async () => {
    const parts = setUp(setting);
    parts.door.chunk = () => {
      throw new RangeError("Invalid string length");
    };
    hear(parts, "a", [1, 1, 1, 1, 1, 1], { id: 1 });
    hear(parts, "+a", [1, 1], { id: 2 });
    await serve(parts);
    assert.deepEqual(said(parts), [
      "1 failed internal",
      "a ended failed",
      "2 failed sequence-lost",
    ]);
    assert.deepEqual(left(parts), { queueRows: 0, inFlight: 0, sequences: 0 });
  });
});

describe("a host whose model's state grows", () => {
  const h = spec("h", [-1, -1]);
  const growing: ModelMetadata = {
    ...signals,
    inputs: [spec("x", [-1, 3]), h],
    outputs: [spec("y", [-1, 1]), { ...h, name: "hn" }],
  };

  /** Remembers the first sample of every window, and answers with the sum of them. */
  const collect: Compute = ([x, state]) => {
    const [input, remembered] = [x, state] as [NamedTensor, NamedTensor];
    const [rows = 0, length = 0] = remembered.shape;
    const cells = numbersOf(input);
    const lists = Array.from({ length: rows }, (_, row) => [
      ...numbersOf(remembered).slice(row * length, (row + 1) * length),
      cells[row * 3] ?? 0,
    ]);
    const sums = lists.map((list) => list.reduce((total, cell) => total + cell, 0));
    return { y: fp32([rows, 1], sums), hn: fp32([rows, length + 1], lists.flat()) };
  };

  const setting: Setting = { metadata: growing, compute: collect };

  function feed(parts: Parts, key: string, first: number, start = false) {
    askBody(parts, { features: [[first, 0, 0]] }, claimOf(key, start), { id: first });
  }

  /** How many rows each run had, and how long what they remembered was. */
  function shapes({ engine }: Parts) {
    return engine.runs.map(({ inputs: [, state] }) => state?.shape);
  }

  it("runs together what has grown as much, and only that", async () => {
    const parts = setUp(setting);
    feed(parts, "a", 1, true);
    await serve(parts);
    feed(parts, "a", 2);
    feed(parts, "b", 10, true);
    feed(parts, "c", 100, true);
    await serve(parts);
    feed(parts, "b", 20);
    feed(parts, "a", 3);
    feed(parts, "c", 200);
    await serve(parts);
    assert.deepEqual(shapes(parts), [
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
      [1, 2],
    ]);
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "2 done [[3]]",
      "10 done [[10]]",
      "100 done [[100]]",
      "20 done [[30]]",
      "200 done [[300]]",
      "3 done [[6]]",
    ]);
  });

  it("knows it of frames that came while others of their sequence were waiting", async () => {
    const parts = setUp(setting);
    feed(parts, "a", 1, true);
    for (const first of [2, 3]) feed(parts, "a", first);
    await serve(parts);
    feed(parts, "b", 10, true);
    feed(parts, "a", 4);
    await serve(parts);
    assert.deepEqual(shapes(parts), [
      [1, 0],
      [1, 1],
      [1, 2],
      [1, 0],
      [1, 3],
    ]);
    assert.equal(said(parts).at(-1), "4 done [[10]]");
  });

  it("ends the sequence of which it has grown too large, and still answers the frame", async () => {
    const queue = queueSettings({ maxStateBytes: 48 });
    const parts = setUp({ ...setting, spec: { queue } });
    feed(parts, "a", 1, true);
    for (const first of [2, 3, 4, 5]) feed(parts, "a", first);
    await serve(parts);
    assert.deepEqual(said(parts).toSorted(), [
      "1 done [[1]]",
      "2 done [[3]]",
      "3 done [[6]]",
      "4 done [[10]]",
      "5 failed sequence-lost",
      "a ended failed",
    ]);
    assert.equal(left(parts).sequences, 0);
  });

  it("knows it of the windows of one piece", async () => {
    const parts = setUp({ ...setting, isGated: true });
    askBody(parts, { samples: [1, 2, 3, 4] }, claimOf("a", true), { id: 1 });
    await serve(parts);
    askBody(parts, { samples: [10, 20, 30, 40] }, claimOf("b", true), { id: 2 });
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "1 chunk at 0 [[0]]",
      "1 chunk at 2 [[2]]",
      "1 done 2",
      "2 chunk at 0 [[0]]",
      "2 chunk at 2 [[20]]",
      "2 done 2",
    ]);
    assert.deepEqual(shapes(parts), [
      [1, 0],
      [1, 1],
      [1, 0],
      [1, 1],
    ]);
  });
});
