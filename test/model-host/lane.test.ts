import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Lane } from "../../model-host/lane.ts";
import { WorkQueue } from "../../model-host/work-queue.ts";
import { between, type Random, seededRandom } from "../../models/random.ts";
import { queueSettings } from "./host-spec.ts";
import { type Item, inShort, item } from "./queue-items.ts";

type Fields = Partial<Omit<Item, "name" | "lane">>;

/** Lanes and, in a queue, items that are named after them: `a1` is of lane a, `x` of none. */
function setUp(names: readonly string[] = [], limits = { maxRows: 1_000, maxBytes: 100_000 }) {
  const queue = new WorkQueue<Item>(queueSettings(limits));
  const lanes = { a: new Lane<Item>(), b: new Lane<Item>(), c: new Lane<Item>() };
  const laneOf = (name: string) => lanes[name.charAt(0) as keyof typeof lanes] ?? null;
  const items = new Map<string, Item>();
  const offer = (name: string, fields: Fields = {}) => {
    const one = item(name, { ...fields, lane: laneOf(name) });
    items.set(name, one);
    return queue.offer(one);
  };
  for (const name of names) offer(name);
  const take = (maxRows: number) => inShort(queue.take(maxRows));
  const named = (name: string) => items.get(name) as Item;
  return { queue, lanes, offer, take, named };
}

function namesOf(items: readonly Item[]): readonly string[] {
  return items.map(({ name }) => name);
}

describe("a lane in a queue", () => {
  it("gives one request at a time, in order of arrival", () => {
    const { queue, lanes, take } = setUp(["a1", "a2", "a3"]);
    const taken = [take(8), take(8)];
    for (let turn = 0; turn < 3; turn += 1) {
      queue.release(lanes.a);
      taken.push(take(8));
    }
    assert.deepEqual(taken, [["a1"], [], ["a2"], ["a3"], []]);
  });

  it("gives back which is next, if there is one", () => {
    const { queue, lanes, take } = setUp(["a1", "a2"]);
    const next = [];
    for (let turn = 0; turn < 2; turn += 1) {
      take(8);
      next.push(queue.release(lanes.a).next?.name);
    }
    assert.deepEqual(next, ["a2", undefined]);
  });

  it("passes over requests without rows when their turn comes, and gives them back", () => {
    const { queue, lanes, offer, take } = setUp(["a1"]);
    for (const name of ["a2", "a3"]) offer(name, { rows: 0 });
    offer("a4");
    offer("a5", { rows: 0 });
    const passed: (readonly string[])[] = [];
    const taken = [1, 2].map(() => {
      const batch = take(8);
      passed.push(namesOf(queue.release(lanes.a).passed));
      return batch;
    });
    assert.deepEqual(
      [taken, passed],
      [
        [["a1"], ["a4"]],
        [["a2", "a3"], ["a5"]],
      ],
    );
    assert.deepEqual([queue.size, queue.rows, lanes.a.bytes, lanes.a.isTaken], [0, 0, 0, false]);
  });

  it("shares batches with others, and with what is in none", () => {
    const { queue, lanes, take } = setUp(["a1", "a2", "b1", "x", "b2", "c1"]);
    const first = take(8);
    for (const lane of [lanes.a, lanes.b, lanes.c]) queue.release(lane);
    assert.deepEqual(
      [first, take(8)],
      [
        ["a1", "b1", "x", "c1"],
        ["a2", "b2"],
      ],
    );
  });

  it("gives one row of a request to a batch, and the rest goes behind the others", () => {
    const { offer, take } = setUp();
    offer("a1", { rows: 3 });
    offer("a2");
    offer("b1", { rows: 2 });
    const batches = [take(1), take(1), take(8), take(8), take(8)];
    assert.deepEqual(batches, [["a1 0-1"], ["b1 0-1"], ["a1 1-2", "b1 1-2"], ["a1 2-3"], []]);
  });

  it("lets others have their turn, however much waits in it", () => {
    const many = Array.from({ length: 1_000 }, (_, at) => `a${at}`);
    const { queue, lanes, take, offer } = setUp(many, { maxRows: 1e6, maxBytes: 1e6 });
    for (const name of ["b1", "c1", "x", "c2", "b2"]) offer(name);
    const order = Array.from({ length: 10 }, () => {
      const [name = ""] = take(1);
      const lane = lanes[name.charAt(0) as keyof typeof lanes];
      if (lane !== undefined) queue.release(lane);
      return name;
    });
    assert.deepEqual(order, ["a0", "b1", "c1", "x", "a1", "b2", "c2", "a2", "a3", "a4"]);
  });

  it("lets requests of many rows take turns too", () => {
    const { offer, take } = setUp();
    offer("a1", { rows: 100 });
    for (const name of ["b1", "c1"]) offer(name, { rows: 2 });
    const order = Array.from({ length: 6 }, () => take(1)[0]?.charAt(0));
    assert.deepEqual(order, ["a", "b", "c", "a", "b", "c"]);
  });

  it("stands still alone while its reader takes nothing", () => {
    const { offer, take } = setUp();
    offer("a1", { rows: 3, credit: 1 });
    for (const name of ["a2", "b1"]) offer(name);
    assert.deepEqual([take(8), take(8)], [["a1 0-1", "b1"], []]);
  });

  it("is urgent or not as its first request is", () => {
    const { queue, lanes, offer, take } = setUp();
    offer("a1", { priority: "low", key: "k" });
    offer("a2", { key: "k" });
    offer("x");
    const batches = [take(8), take(8)];
    queue.release(lanes.a);
    batches.push(take(8));
    assert.deepEqual(batches, [["x"], ["a1"], ["a2"]]);
  });
});

describe("what is counted of lanes", () => {
  it("is one row of each, but every request", () => {
    const { queue, offer } = setUp(["a1", "a2", "a3", "b1"]);
    offer("c1", { rows: 9 });
    offer("x", { rows: 5 });
    assert.deepEqual([queue.rows, queue.size, queue.rowsReady(100)], [8, 6, 8]);
  });

  it("is not what runs", () => {
    const { queue, offer, take } = setUp(["a1", "a2"]);
    offer("b1", { rows: 2 });
    take(8);
    assert.deepEqual([queue.rows, queue.size, queue.rowsReady(8)], [1, 2, 1]);
  });

  it("is the bytes of what is queued or waits", () => {
    const { queue, lanes, take } = setUp(["a1", "a2", "a3"]);
    const bytes = [lanes.a.bytes];
    take(8);
    bytes.push(lanes.a.bytes);
    queue.release(lanes.a);
    take(8);
    bytes.push(lanes.a.bytes);
    assert.deepEqual(bytes, [30, 20, 10]);
  });

  it("is the bytes of a request until its last row is taken", () => {
    const { lanes, offer, take } = setUp();
    offer("a1", { rows: 2 });
    const bytes = [1, 2].map(() => {
      take(8);
      return lanes.a.bytes;
    });
    assert.deepEqual(bytes, [10, 0]);
  });
});

describe("a lane with limits", () => {
  const queued = { type: "queued" } as const;
  const full = (what: string) => ({ type: "full", what }) as const;
  const limits = { maxRows: 8, maxBytes: 100 };

  it("lets a quarter of the rows wait behind its first", () => {
    const { offer } = setUp(["x"], limits);
    const offers = ["a1", "a2", "a3", "a4"].map((name) => offer(name, { bytes: 1 }));
    assert.deepEqual(offers, [queued, queued, queued, full("2 frames of this sequence")]);
  });

  it("lets a quarter of the bytes wait", () => {
    const { offer } = setUp(["x"], limits);
    const offers = ["a1", "a2", "a3"].map((name) => offer(name, { bytes: 12 }));
    assert.deepEqual(offers, [queued, queued, full("24 bytes of this sequence")]);
  });

  it("lets one wait, however narrow the limits", () => {
    const { offer } = setUp(["x"], { maxRows: 3, maxBytes: 100 });
    const offers = ["a1", "a2", "a3"].map((name) => offer(name, { bytes: 1 }));
    assert.deepEqual(offers, [queued, queued, full("1 frames of this sequence")]);
  });

  it("takes as its first what is larger than a quarter", () => {
    const { offer } = setUp(["x"], limits);
    assert.deepEqual(offer("a1", { bytes: 80 }), queued);
  });

  it("keeps to them while its first runs, and nothing else is there", () => {
    const { offer, take } = setUp(["a1"], limits);
    take(8);
    const offers = ["a2", "a3", "a4"].map((name) => offer(name, { bytes: 1 }));
    assert.deepEqual(offers, [queued, queued, full("2 frames of this sequence")]);
  });

  it("does not shut out others, or what is in none", () => {
    const { offer } = setUp([], limits);
    for (const name of ["a1", "a2", "a3", "a4"]) offer(name, { bytes: 1 });
    const offers = ["b1", "x"].map((name) => offer(name, { bytes: 1 }));
    assert.deepEqual(offers, [queued, queued]);
  });

  it("counts what waits towards the bytes of the whole queue", () => {
    const { offer, take } = setUp([], limits);
    for (const name of ["a1", "b1", "c1"]) offer(name, { bytes: 1 });
    take(8);
    for (const name of ["a2", "b2", "c2"]) offer(name, { bytes: 25 });
    assert.deepEqual(
      [offer("x", { bytes: 26 }), offer("y", { bytes: 25 })],
      [full("75 of 100 bytes"), queued],
    );
  });

  it("has room again when it goes on", () => {
    const { queue, lanes, offer, take } = setUp(["a1", "a2", "a3"], { ...limits, maxBytes: 1_000 });
    const before = offer("a4");
    take(8);
    queue.release(lanes.a);
    assert.deepEqual([before.type, offer("a4")], ["full", queued]);
  });
});

describe("a lane of which something is given up", () => {
  it("gives all that is queued or waits, in order", () => {
    const { queue, lanes } = setUp(["a1", "b1", "a2", "x", "a3"]);
    assert.deepEqual(namesOf(queue.removeLane(lanes.a)), ["a1", "a2", "a3"]);
    assert.deepEqual([queue.size, queue.rows, lanes.a.bytes], [2, 2, 0]);
  });

  it("leaves what runs", () => {
    const { queue, lanes, take } = setUp(["a1", "a2", "a3"]);
    take(1);
    assert.deepEqual(namesOf(queue.removeLane(lanes.a)), ["a2", "a3"]);
    assert.deepEqual([queue.size, lanes.a.isTaken], [0, true]);
    assert.deepEqual(queue.release(lanes.a), { next: undefined, passed: [] });
    assert.equal(lanes.a.isTaken, false);
  });

  it("gives the rest of what has begun", () => {
    const { queue, lanes, offer, take } = setUp();
    offer("a1", { rows: 3 });
    offer("a2");
    take(8);
    assert.deepEqual(namesOf(queue.removeLane(lanes.a)), ["a1", "a2"]);
    assert.deepEqual([queue.rows, queue.size, lanes.a.bytes], [0, 0, 0]);
  });

  it("gives what waits from one on, and keeps what is before it", () => {
    const { queue, lanes, named, take } = setUp(["a1", "b1", "a2", "a3", "a4"]);
    assert.deepEqual(namesOf(queue.removeTail(named("a3"), lanes.a)), ["a3", "a4"]);
    assert.deepEqual([queue.size, take(8)], [3, ["a1", "b1"]]);
    assert.equal(queue.release(lanes.a).next?.name, "a2");
  });

  it("gives what waits without rows, and all behind it", () => {
    const { queue, lanes, named, offer } = setUp(["a1"]);
    for (const name of ["a2", "a3"]) offer(name, { rows: 0 });
    offer("a4");
    const found = namesOf(queue.where(({ rows }) => rows === 0));
    const tail = namesOf(queue.removeTail(named("a3"), lanes.a));
    assert.deepEqual(
      [found, tail],
      [
        ["a2", "a3"],
        ["a3", "a4"],
      ],
    );
    assert.deepEqual([queue.size, queue.rows, lanes.a.bytes], [2, 1, 20]);
  });

  it("gives all from its first on, which is queued", () => {
    const { queue, lanes, named } = setUp(["a1", "a2", "b1"]);
    assert.deepEqual(namesOf(queue.removeTail(named("a1"), lanes.a)), ["a1", "a2"]);
    assert.equal(queue.size, 1);
  });

  it("gives all behind one that runs", () => {
    const { queue, lanes, named, take } = setUp(["a1", "a2", "a3"]);
    take(1);
    assert.deepEqual(namesOf(queue.removeTail(named("a1"), lanes.a)), ["a2", "a3"]);
  });

  it("gives the rest of one that has begun, and all behind it", () => {
    const { queue, lanes, named, offer, take } = setUp();
    offer("a1", { rows: 3 });
    offer("a2");
    take(8);
    assert.deepEqual(namesOf(queue.removeTail(named("a1"), lanes.a)), ["a1", "a2"]);
  });

  it("gives nothing where nothing is in it", () => {
    const { queue, lanes } = setUp(["b1"]);
    assert.deepEqual([queue.removeLane(lanes.a), queue.size], [[], 1]);
  });

  it("goes on without one that waited", () => {
    const { queue, lanes, take, named } = setUp(["a1", "a2", "a3"]);
    const removed = [queue.remove(named("a2")), queue.remove(named("a2"))];
    take(8);
    queue.release(lanes.a);
    assert.deepEqual([removed, take(8), lanes.a.bytes], [[true, false], ["a3"], 0]);
  });

  it("is asked too when all are for which something holds", () => {
    const { queue, lanes } = setUp(["a1", "b1", "a2", "x", "a3", "b2"]);
    const isGone = ({ name }: Item) => ["a2", "b2", "x"].includes(name);
    assert.deepEqual(namesOf(queue.removeWhere(isGone)), ["x", "a2", "b2"]);
    assert.deepEqual([queue.rows, queue.size], [2, 3]);
    assert.deepEqual([namesOf(lanes.a.waiting), lanes.b.waiting], [["a3"], []]);
  });

  it("says where something holds, and keeps it", () => {
    const { queue, take } = setUp(["a1", "b1", "a2", "x", "a3", "b2"]);
    take(1);
    const found = queue.where(({ name }) => name !== "a3");
    assert.deepEqual([namesOf(found), queue.size], [["b1", "x", "a2", "b2"], 5]);
  });

  it("does not give up what runs", () => {
    const { queue, take } = setUp(["a1", "a2"]);
    take(8);
    assert.deepEqual(namesOf(queue.removeWhere(() => true)), ["a2"]);
  });
});

const limits = { maxRows: 24, maxBytes: 400 };

/** Does with a queue of lanes what it does with lists, and compares. */
class Comparison {
  readonly #random: Random;
  readonly #queue = new WorkQueue<Item>(queueSettings(limits));
  readonly #lanes = Array.from({ length: 4 }, () => new Lane<Item>());
  #standing: readonly Item[] = [];
  readonly #waiting = new Map<Lane<Item>, readonly Item[]>();
  /** Lanes of which one runs. */
  readonly #running = new Set<Lane<Item>>();
  #batchRows = 0;
  #offered = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  step(): void {
    const dice = this.#random();
    if (dice < 0.55) this.#offer();
    else if (dice < 0.75) this.#take(1 + this.#draw(8));
    else if (dice < 0.94) this.#release();
    else if (dice < 0.955) this.#remove();
    else if (dice < 0.97) this.#removeTail();
    else if (dice < 0.98) this.#removeLane(this.#lanes[this.#draw(4)] as Lane<Item>);
    else this.#removeWhere();
    this.#compare();
  }

  #draw(below: number): number {
    return Math.floor(between(this.#random, 0, below));
  }

  #compare(): void {
    const { rows, size } = this.#queue;
    assert.deepEqual([rows, size], [this.#rows, this.#all.length]);
    for (const lane of this.#lanes) {
      const isStanding = this.#standing.some((work) => work.lane === lane);
      assert.deepEqual(
        [lane.waiting, lane.bytes, lane.isTaken],
        [this.#waitingOf(lane), bytesOf(this.#of(lane)), isStanding || this.#running.has(lane)],
      );
    }
  }

  get #rows(): number {
    return this.#standing.reduce((sum, { lane, rows, nextRow }) => {
      if (lane !== null) return sum + 1;
      return sum + (nextRow === 0 ? rows : Math.min(rows - nextRow, this.#batchRows));
    }, 0);
  }

  get #all(): readonly Item[] {
    return [...this.#standing, ...[...this.#waiting.values()].flat()];
  }

  #waitingOf(lane: Lane<Item>): readonly Item[] {
    return this.#waiting.get(lane) ?? [];
  }

  #of(lane: Lane<Item>): readonly Item[] {
    return this.#all.filter((work) => work.lane === lane);
  }

  #offer(): void {
    this.#offered += 1;
    const lane = this.#lanes[this.#draw(6)] ?? null;
    // Without rows there is nothing to wait for but those before it.
    const fewest = lane !== null && !this.#isFree(lane) && this.#random() < 0.2 ? 0 : 1;
    const work = item(`w${this.#offered}`, {
      lane,
      rows: fewest && 1 + Math.floor(this.#random() ** 3 * 12),
      bytes: 1 + this.#draw(40),
      priority: this.#random() < 0.2 ? "low" : "normal",
      key: this.#random() < 0.2 ? "other" : "",
    });
    const isTaken = this.#all.length === 0 || this.#fits(work);
    assert.equal(this.#queue.offer(work).type, isTaken ? "queued" : "full");
    if (isTaken) this.#enter(work);
  }

  #fits({ lane, rows, bytes, priority }: Item): boolean {
    const share = priority === "low" ? 0.5 : 1;
    const counted = lane === null ? rows : 1;
    if (this.#rows + counted > limits.maxRows * share) return false;
    if (bytesOf(this.#all) + bytes > limits.maxBytes * share) return false;
    if (lane === null || this.#isFree(lane)) return true;
    return (
      this.#waitingOf(lane).length < limits.maxRows / 4 &&
      bytesOf(this.#of(lane)) + bytes <= limits.maxBytes / 4
    );
  }

  #isFree(lane: Lane<Item>): boolean {
    return !this.#running.has(lane) && this.#of(lane).length === 0;
  }

  #enter(work: Item): void {
    const { lane } = work;
    if (lane === null || this.#isFree(lane)) this.#standing = [...this.#standing, work];
    else this.#waiting.set(lane, [...this.#waitingOf(lane), work]);
  }

  #take(maxRows: number): void {
    const before = new Map(this.#standing.map((work) => [work, work.nextRow]));
    const isReady = this.#queue.rowsReady(maxRows) > 0;
    const slices = this.#queue.take(maxRows);
    if (isReady) this.#batchRows = maxRows;
    assert.deepEqual([isReady, slices.length > 0], Array(2).fill(before.size > 0));
    for (const { work, fromRow, rows } of slices) {
      const most = work.lane === null ? Math.min(work.rows - fromRow, maxRows) : 1;
      assert.deepEqual([fromRow, rows, work.nextRow], [before.get(work), most, fromRow + rows]);
      this.#standing = this.#standing.filter((one) => one !== work);
    }
    const lanes = slices.flatMap(({ work }) => (work.lane === null ? [] : [work.lane]));
    assert.equal(new Set(lanes).size, lanes.length);
    for (const { work } of slices) {
      if (work.nextRow < work.rows) this.#standing = [...this.#standing, work];
      else if (work.lane !== null) this.#running.add(work.lane);
    }
  }

  #release(): void {
    const lane = [...this.#running][this.#draw(this.#running.size)];
    if (lane === undefined) return;
    const waiting = this.#waitingOf(lane);
    const nextAt = waiting.findIndex(({ rows }) => rows > 0);
    const passed = nextAt < 0 ? waiting : waiting.slice(0, nextAt);
    const [next, ...others] = waiting.slice(passed.length);
    this.#running.delete(lane);
    assert.deepEqual(this.#queue.release(lane), { next, passed });
    this.#waiting.set(lane, others);
    if (next !== undefined) this.#standing = [...this.#standing, next];
  }

  #remove(): void {
    const work = this.#all[this.#draw(this.#all.length)];
    if (work === undefined) return;
    assert.equal(this.#queue.remove(work), true);
    assert.equal(this.#queue.remove(work), false);
    this.#forget([work]);
    // As the host does: what is behind it will never run.
    if (work.lane !== null) this.#removeLane(work.lane);
  }

  /** As the host does with what nobody waits for: those before it are run. */
  #removeTail(): void {
    const laned = this.#all.filter(({ lane }) => lane !== null);
    const work = laned[this.#draw(laned.length)];
    if (work === undefined || work.lane === null) return;
    const mine = this.#of(work.lane);
    const tail = mine.slice(mine.indexOf(work));
    assert.deepEqual(namesOf(this.#queue.removeTail(work, work.lane)), namesOf(tail));
    this.#forget(tail);
    if (tail.length === mine.length) this.#leave(work.lane);
  }

  #removeLane(lane: Lane<Item>): void {
    assert.deepEqual(namesOf(this.#queue.removeLane(lane)), namesOf(this.#of(lane)));
    this.#forget(this.#of(lane));
    this.#leave(lane);
  }

  /** Nobody releases what is taken of it, as nothing runs. */
  #leave(lane: Lane<Item>): void {
    if (!this.#running.has(lane)) this.#lanes[this.#lanes.indexOf(lane)] = new Lane<Item>();
  }

  #removeWhere(): void {
    const unlucky = this.#draw(5);
    const isGone = ({ name }: Item) => Number(name.slice(1)) % 5 === unlucky;
    const gone = this.#all.filter(isGone);
    const removed = this.#queue.removeWhere(isGone);
    assert.deepEqual(namesOf(removed).toSorted(), namesOf(gone).toSorted());
    this.#forget(gone);
    for (const lane of new Set(gone.map((work) => work.lane))) {
      if (lane !== null) this.#removeLane(lane);
    }
  }

  #forget(gone: readonly Item[]): void {
    this.#standing = this.#standing.filter((work) => !gone.includes(work));
    for (const [lane, works] of this.#waiting) {
      this.#waiting.set(
        lane,
        works.filter((work) => !gone.includes(work)),
      );
    }
  }
}

function bytesOf(items: readonly Item[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

describe("a queue of lanes, whatever is offered, taken, released and removed", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    it(`agrees with lists, seed ${seed}`, () => {
      const comparison = new Comparison(seededRandom(seed));
      for (let at = 0; at < 1_000; at += 1) comparison.step();
    });
  }
});
