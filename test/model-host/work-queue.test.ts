import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Slice } from "../../model-host/slice.ts";
import { WorkQueue } from "../../model-host/work-queue.ts";
import { between, type Random, seededRandom } from "../../models/random.ts";
import { queueSettings } from "./host-spec.ts";
import { type Item, inShort, item } from "./queue-items.ts";

function queueOf(...items: readonly Item[]): WorkQueue<Item> {
  const queue = new WorkQueue<Item>(queueSettings({ maxRows: 1_000, maxBytes: 100_000 }));
  for (const one of items) queue.offer(one);
  return queue;
}

function takeAll(queue: WorkQueue<Item>, maxRows: number): readonly (readonly string[])[] {
  const batches: (readonly string[])[] = [];
  while (queue.rowsReady(maxRows) > 0) batches.push(inShort(queue.take(maxRows)));
  return batches;
}

describe("a queue from which batches are cut", () => {
  const low = { priority: "low" } as const;
  const rows: readonly (readonly [string, readonly Item[], readonly (readonly string[])[]])[] = [
    ["gives nothing when it is empty", [], []],
    ["gives all that fit, in order", [item("a"), item("b"), item("c")], [["a", "b", "c"]]],
    [
      "fills a batch to the brim",
      ["a", "b", "c", "d", "e"].map((name) => item(name)),
      [["a", "b", "c", "d"], ["e"]],
    ],
    [
      "does not cut a request that fits into a batch, and lets smaller ones go before it",
      [item("a", { rows: 3 }), item("b", { rows: 2 }), item("c")],
      [["a", "c"], ["b"]],
    ],
    [
      "cuts a request that is larger than a batch",
      [item("a", { rows: 9 })],
      [["a 0-4"], ["a 4-8"], ["a 8-9"]],
    ],
    [
      "puts what remains of a large one behind the others",
      [item("a", { rows: 6 }), item("b"), item("c")],
      [["a 0-4"], ["b", "c", "a 4-6"]],
    ],
    [
      "lets only requests of one key share a batch",
      [item("a", { key: "x" }), item("b", { key: "y" }), item("c", { key: "x" })],
      [["a", "c"], ["b"]],
    ],
    [
      "lets requests without a key share with none",
      [item("a", { key: null }), item("b", { key: null }), item("c")],
      [["a"], ["b"], ["c"]],
    ],
    [
      "lets a suspect share with none",
      [item("a"), item("b", { alone: true }), item("c")],
      [["a", "c"], ["b"]],
    ],
    ["lets a suspect go first alone", [item("a", { alone: true }), item("b")], [["a"], ["b"]]],
    [
      "takes low priority last",
      [item("a", { ...low, key: "x" }), item("b", { key: "y" }), item("c", { key: "y" })],
      [["b", "c"], ["a"]],
    ],
    ["fills up with low priority", [item("a", low), item("b")], [["b", "a"]]],
    [
      "takes normal and high priority alike",
      [item("a"), item("b", { priority: "high" })],
      [["a", "b"]],
    ],
    [
      "passes over streams without credit",
      [item("a", { credit: 0 }), item("b"), item("c", { credit: 0 })],
      [["b"]],
    ],
    [
      "spends one credit a slice",
      [item("a", { rows: 12, credit: 2 }), item("b", { key: "y" })],
      [["a 0-4"], ["b"], ["a 4-8"]],
    ],
  ];
  for (const [name, items, batches] of rows) {
    it(name, () => assert.deepEqual(takeAll(queueOf(...items), 4), batches));
  }

  it("gives the first alone where company is not wanted", () => {
    const queue = queueOf(item("a"), item("b"));
    assert.deepEqual(inShort(queue.take(4, "first-only")), ["a"]);
  });

  const shared: readonly (readonly [string, readonly Item[], readonly string[]])[] = [
    [
      "leaves room for those behind a large one",
      [item("a", { rows: 9 }), item("b"), item("c")],
      ["a 0-2", "b", "c"],
    ],
    [
      "leaves them no more than half",
      [item("a", { rows: 9 }), item("b"), item("c", { rows: 2 }), item("d"), item("e")],
      ["a 0-2", "b", "d"],
    ],
    [
      "leaves none to other large ones, nor to what may not share",
      [item("a", { rows: 9 }), item("b", { rows: 9 }), item("c", { key: "x" })],
      ["a 0-4"],
    ],
    ["leaves none to low priority", [item("a", { rows: 9 }), item("b", low)], ["a 0-4"]],
    [
      "leaves some to low priority where all is of it",
      [item("a", { rows: 9, ...low }), item("b", low)],
      ["a 0-3", "b"],
    ],
  ];
  for (const [name, items, batch] of shared) {
    it(`${name}, where small ones shall come too`, () => {
      assert.deepEqual(inShort(queueOf(...items).take(4, "small-too")), batch);
    });
  }

  it("goes on with a stream that is granted more", () => {
    const stream = item("a", { rows: 3, credit: 1 });
    const queue = queueOf(stream);
    const batches = [takeAll(queue, 1)];
    stream.credit += 1;
    batches.push(takeAll(queue, 1));
    assert.deepEqual(batches, [[["a 0-1"]], [["a 1-2"]]]);
  });
});

describe("a queue that counts", () => {
  it("holds rows and requests until they are taken", () => {
    const queue = queueOf(item("a", { rows: 6 }), item("b", { rows: 2 }));
    const counts = [[queue.rows, queue.size]];
    queue.take(4);
    counts.push([queue.rows, queue.size]);
    queue.take(4);
    counts.push([queue.rows, queue.size]);
    assert.deepEqual(counts, [
      [8, 2],
      [4, 2],
      [0, 0],
    ]);
  });

  it("counts no more than a batch of a request that has begun", () => {
    const queue = queueOf(item("a", { rows: 99 }), item("b"));
    queue.take(4);
    assert.equal(queue.rows, 5);
  });

  it("counts nothing of a stream that has begun while its reader takes nothing", () => {
    const stream = item("a", { rows: 99, credit: 1 });
    const queue = queueOf(stream, item("b"));
    queue.take(4);
    const counts = [queue.rows];
    stream.credit += 1;
    counts.push(queue.rows);
    assert.deepEqual(counts, [1, 5]);
  });

  it("knows which has waited longest", () => {
    const queue = queueOf(item("a", { rows: 6 }), item("b"));
    const before = queue.oldest?.name;
    queue.take(4);
    assert.deepEqual([before, queue.oldest?.name], ["a", "b"]);
  });

  const ready: readonly (readonly [string, readonly Item[], number])[] = [
    ["nothing while it is empty", [], 0],
    ["all rows of the first key", [item("a"), item("b", { rows: 2 }), item("c", { key: "x" })], 3],
    ["no more than a batch", [item("a", { rows: 3 }), item("b", { rows: 9 })], 4],
    ["a full batch where nothing can be added", [item("a", { key: null })], 4],
    ["a full batch for a suspect", [item("a", { alone: true })], 4],
    ["nothing without credit", [item("a", { credit: 0 })], 0],
    ["no suspects beside others", [item("a"), item("b", { alone: true })], 1],
  ];
  for (const [name, items, expected] of ready) {
    it(`says that a batch would hold ${name}`, () =>
      assert.equal(queueOf(...items).rowsReady(4), expected));
  }

  it("gives up what is removed, once", () => {
    const [a, b] = [item("a", { rows: 2 }), item("b", { rows: 3 })];
    const queue = queueOf(a, b);
    const removed = [queue.remove(a), queue.remove(a)];
    assert.deepEqual([removed, queue.rows, queue.size], [[true, false], 3, 1]);
  });

  it("gives up the rest of what has begun", () => {
    const a = item("a", { rows: 9 });
    const queue = queueOf(a, item("b"));
    queue.take(4);
    queue.remove(a);
    assert.deepEqual([queue.rows, takeAll(queue, 4)], [1, [["b"]]]);
  });

  it("gives up all for which it is asked", () => {
    const queue = queueOf(item("a", { rows: 2 }), item("b"), item("c", { rows: 4 }));
    const gone = queue.removeWhere(({ rows }) => rows > 1);
    assert.deepEqual([gone.map(({ name }) => name), queue.rows], [["a", "c"], 1]);
  });
});

describe("a queue with limits", () => {
  function small(): WorkQueue<Item> {
    return new WorkQueue<Item>(queueSettings({ maxRows: 8, maxBytes: 100 }));
  }

  const queued = { type: "queued" } as const;
  const full = (what: string) => ({ type: "full", what }) as const;
  const low = { priority: "low" } as const;
  const rows: readonly (readonly [
    string,
    readonly Item[],
    Item,
    ReturnType<typeof full> | typeof queued,
  ])[] = [
    ["takes what fits exactly", [item("a", { rows: 7 })], item("b"), queued],
    ["refuses rows past its limit", [item("a", { rows: 8 })], item("b"), full("8 of 8 rows")],
    ["takes bytes up to its limit", [item("a", { bytes: 60 })], item("b", { bytes: 40 }), queued],
    [
      "refuses bytes past its limit",
      [item("a", { bytes: 60 })],
      item("b", { bytes: 41 }),
      full("60 of 100 bytes"),
    ],
    ["takes anything while it is empty", [], item("a", { rows: 99, bytes: 999 }), queued],
    ["takes low priority to half", [item("a", { rows: 3 })], item("b", low), queued],
    [
      "refuses low priority past half of its rows",
      [item("a", { rows: 4 })],
      item("b", low),
      full("4 of 8 rows"),
    ],
    [
      "refuses low priority past half of its bytes",
      [item("a", { bytes: 45 })],
      item("b", low),
      full("45 of 100 bytes"),
    ],
    ["takes low priority while it is empty", [], item("a", { ...low, rows: 9 }), queued],
  ];
  for (const [name, before, offered, verdict] of rows) {
    it(name, () => {
      const queue = small();
      for (const one of before) queue.offer(one);
      assert.deepEqual(queue.offer(offered), verdict);
    });
  }

  it("has room again when a batch is taken", () => {
    const queue = small();
    queue.offer(item("a", { rows: 8, bytes: 100 }));
    queue.take(8);
    queue.offer(item("b", { rows: 2, bytes: 20 }));
    assert.deepEqual(queue.offer(item("c", { rows: 6, bytes: 80 })), queued);
  });

  it("counts the bytes of a request until its last row is taken", () => {
    const queue = small();
    queue.offer(item("a", { rows: 8, bytes: 90 }));
    queue.take(6);
    const before = queue.offer(item("b", { bytes: 20 }));
    queue.take(6);
    assert.deepEqual(
      [before, queue.offer(item("c", { bytes: 100 }))],
      [full("90 of 100 bytes"), queued],
    );
  });
});

const limits = queueSettings({ maxRows: 40, maxBytes: 400 });

/** Does with a queue what it does with a list, and compares. */
class Comparison {
  readonly #random: Random;
  readonly #queue = new WorkQueue<Item>(limits);
  #works: readonly Item[] = [];
  #batchRows = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  step(): void {
    const dice = this.#random();
    if (dice < 0.5) this.#offer(anyItem("w", this.#random));
    else if (dice < 0.9) this.#take(1 + Math.floor(between(this.#random, 0, 12)));
    else this.#remove(Math.floor(between(this.#random, 0, this.#works.length)));
    assert.deepEqual([this.#queue.rows, this.#queue.size], [this.#rows, this.#works.length]);
  }

  get #rows(): number {
    return this.#works.reduce((sum, work) => sum + this.#counted(work), 0);
  }

  #counted({ rows, nextRow }: Item): number {
    return nextRow === 0 ? rows : Math.min(rows - nextRow, this.#batchRows);
  }

  #offer(work: Item): void {
    const bytes = this.#works.reduce((sum, one) => sum + one.bytes, 0);
    const share = work.priority === "low" ? 0.5 : 1;
    const fits =
      this.#rows + work.rows <= limits.maxRows * share &&
      bytes + work.bytes <= limits.maxBytes * share;
    const isTaken = this.#works.length === 0 || fits;
    assert.equal(this.#queue.offer(work).type, isTaken ? "queued" : "full");
    if (isTaken) this.#works = [...this.#works, work];
  }

  #take(maxRows: number): void {
    const nextRows = new Map(this.#works.map((work) => [work, work.nextRow]));
    const isReady = this.#queue.rowsReady(maxRows) > 0;
    const slices = this.#queue.take(maxRows);
    if (isReady) this.#batchRows = maxRows;
    assert.deepEqual([isReady, slices.length > 0], Array(2).fill(this.#works.length > 0));
    for (const { work, fromRow, rows } of slices) {
      assert.equal(fromRow, nextRows.get(work));
      assert.equal(rows, Math.min(work.rows - fromRow, maxRows));
      assert.equal(work.nextRow, fromRow + rows);
    }
    this.#checkCompany(slices, maxRows);
    this.#works = this.#works.filter(({ nextRow, rows }) => nextRow < rows);
  }

  #checkCompany(slices: readonly Slice<Item>[], maxRows: number): void {
    const works = slices.map(({ work }) => work);
    const [first, ...others] = works;
    assert.ok(slices.reduce((sum, { rows }) => sum + rows, 0) <= maxRows);
    assert.equal(new Set(works).size, works.length);
    if (others.length > 0) {
      const companions = works.filter(({ key, alone }) => key === first?.key && !alone);
      assert.deepEqual([companions, first?.key === null], [works, false]);
    }
    const isUrgent = (work: Item) => work.priority !== "low" && !works.includes(work);
    if (first?.priority === "low") assert.deepEqual(this.#works.filter(isUrgent), []);
  }

  #remove(at: number): void {
    const work = this.#works[at];
    if (work === undefined) return;
    assert.ok(this.#queue.remove(work));
    this.#works = this.#works.filter((one) => one !== work);
  }
}

function anyItem(name: string, random: Random): Item {
  return item(name, {
    key: [null, "x", "y"][Math.floor(between(random, 0, 3))] as string | null,
    rows: 1 + Math.floor(between(random, 0, 1) ** 3 * 30),
    bytes: Math.floor(between(random, 1, 80)),
    priority: random() < 0.3 ? "low" : "normal",
    alone: random() < 0.1,
  });
}

describe("a queue, whatever is offered, taken and removed", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    it(`agrees with a list, seed ${seed}`, () => {
      const comparison = new Comparison(seededRandom(seed));
      for (let at = 0; at < 1_000; at += 1) comparison.step();
    });
  }
});
