import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../models/random.ts";
import { PacedQueue } from "./paced-queue.ts";

/** A run of `rows` takes 1.2 ms, and 0.9 ms a row. */
const runMs = (rows: number) => 1.2 + 0.9 * rows;
/** What is measured begins when all has come to rest. */
const restMs = 20_000;
const whileMs = 20_000;

interface Outcome {
  readonly p99Ms: number;
  readonly rowsPerSecond: number;
}

type Load = (queue: PacedQueue) => void;
type Options = Omit<ConstructorParameters<typeof PacedQueue>[0], "runMs">;

function played(options: Options, load: Load, ms = restMs + whileMs): PacedQueue {
  const queue = new PacedQueue({ ...options, runMs });
  load(queue);
  queue.clock.advance(ms);
  return queue;
}

/** The p99 is that of requests of one row. */
function outcomeOf({ answered }: PacedQueue): Outcome {
  const measured = answered.filter(({ answeredAt }) => answeredAt >= restMs);
  const single = measured.filter(({ rows }) => rows === 1).map(({ latencyMs }) => latencyMs);
  const sorted = single.toSorted((a, b) => a - b);
  const rows = measured.reduce((sum, one) => sum + one.rows, 0);
  return {
    p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0,
    rowsPerSecond: (rows / whileMs) * 1_000,
  };
}

function play(options: Options, load: Load): Outcome {
  return outcomeOf(played(options, load));
}

const objective = { p99Ms: 20, maxQueueDelayMs: 20 };
const none = { p99Ms: null };
const byChance =
  (rowsPerSecond: number): Load =>
  (queue) =>
    queue.come(seededRandom(1), rowsPerSecond / 1_000);
/** Two that send 64 rows again and again, among others that send one now and then. */
const mixed: Load = (queue) => {
  queue.loop(2, 64);
  queue.come(seededRandom(2), 0.05);
};

describe("A host with an objective of 20 ms", () => {
  for (const rowsPerSecond of [50, 200, 400, 550, 700]) {
    it(`keeps it at ${rowsPerSecond} rows a second, and answers all of them`, () => {
      const { p99Ms, rowsPerSecond: answered } = play(objective, byChance(rowsPerSecond));
      assert.ok(p99Ms <= 20, `p99 is ${p99Ms} ms`);
      assert.ok(answered > 0.95 * rowsPerSecond, `${answered} rows a second`);
    });
  }

  it("brings more through than batches of one row, which do not keep up", () => {
    const load = byChance(550);
    const single = play({ ...none, maxBatchSize: 1 }, load);
    const chosen = play(objective, load);
    assert.ok(single.p99Ms > 1_000, `p99 is ${single.p99Ms} ms with batches of one row`);
    assert.ok(chosen.rowsPerSecond > 1.1 * single.rowsPerSecond);
  });

  it("answers small requests among large ones in that, and not in six times as much", () => {
    const largest = play(none, mixed);
    const chosen = play(objective, mixed);
    assert.ok(largest.p99Ms > 100, `p99 is ${largest.p99Ms} ms with the largest batches`);
    assert.ok(chosen.p99Ms <= 20, `p99 is ${chosen.p99Ms} ms`);
    const single = play({ ...none, maxBatchSize: 1 }, mixed);
    assert.ok(chosen.rowsPerSecond > 1.5 * single.rowsPerSecond);
  });

  it("answers sooner than one that waits until its batches are full", () => {
    const full = play({ ...none, maxQueueDelayMs: 1_000 }, byChance(400));
    assert.ok(full.p99Ms > 100, `p99 is ${full.p99Ms} ms`);
    assert.ok(play(objective, byChance(400)).p99Ms < 20);
  });

  it("comes to rest", () => {
    for (const load of [byChance(550), mixed]) {
      const queue = played(objective, load, 20_000);
      const chosen = new Set<number>();
      for (let seconds = 0; seconds < 20; seconds += 1) {
        queue.clock.advance(1_000);
        chosen.add(queue.pace.rows);
      }
      const [least, most] = [Math.min(...chosen), Math.max(...chosen)];
      assert.ok(most - least <= 3, `from ${least} to ${most} rows`);
    }
  });
});

describe("A host whose objective cannot be kept", () => {
  const loads: readonly (readonly [string, Load])[] = [
    ["more comes than it can run", byChance(1_400)],
    ["many ask again as soon as they are answered", (queue) => queue.loop(64)],
    ["many do with large requests", (queue) => queue.loop(16, 64)],
  ];
  for (const [name, load] of loads) {
    it(`brings as much through as without one, where ${name}`, () => {
      const without = play(none, load);
      const queue = played(objective, load);
      const rate = outcomeOf(queue).rowsPerSecond;
      assert.ok(rate > 0.98 * without.rowsPerSecond, `${rate} of ${without.rowsPerSecond}`);
      assert.match(queue.pace.view?.reason ?? "", /^throughput first: /);
    });
  }

  it("is back within it when less comes", () => {
    const queue = played(objective, (one) => one.come(seededRandom(3), 1.4, 3_000), 3_000);
    assert.match(queue.pace.view?.reason ?? "", /^throughput first: /);
    queue.come(seededRandom(4), 0.3);
    queue.clock.advance(10_000);
    const { maxRows, observedP99Ms, reason } = queue.pace.view ?? assert.fail();
    assert.match(reason, /^batches of at most \d+ rows are to keep p99 at 20 ms: 1.2 ms \+ 0.9 ms/);
    assert.ok(maxRows < 64 && (observedP99Ms ?? 99) <= 20, `${maxRows} rows, ${observedP99Ms} ms`);
  });

  it("is back within it after a while of slow runs, though the engine is always busy", () => {
    let slowness = 1;
    const queue = new PacedQueue({ ...objective, runMs: (rows) => slowness * runMs(rows) });
    queue.loop(8);
    queue.come(seededRandom(2), 0.05);
    queue.clock.advance(10_000);
    slowness = 10;
    queue.clock.advance(2_000);
    slowness = 1;
    queue.clock.advance(6_000);
    assert.match(queue.pace.view?.reason ?? "", /^throughput first: /);
    queue.clock.advance(4_000);
    assert.match(queue.pace.view?.reason ?? "", /^batches of at most 9 rows are to keep /);
  });

  it("tells of no load when nothing comes any more", () => {
    const queue = played(objective, (one) => one.come(seededRandom(3), 1.4, 3_000), 3_000);
    queue.clock.advance(10_000);
    queue.pace.renew();
    const { reason } = queue.pace.view ?? assert.fail();
    assert.match(reason, /^objective missed: .*; batches of at most \d+ rows are to keep /);
  });

  it("runs no smaller batches for a row that alone takes longer", () => {
    const queue = played({ ...objective, p99Ms: 2 }, byChance(300));
    assert.deepEqual([queue.pace.rows, queue.pace.delayMs], [64, 0]);
    assert.match(queue.pace.view?.reason ?? "", /^throughput first: 1 row alone takes 2.1 ms/);
  });
});

/** As a host does that rests: it looks at its choice every half a minute. */
function rest(queue: PacedQueue, ms: number): PacedQueue["pace"]["view"] {
  for (let restedMs = 0; restedMs < ms; restedMs += 30_000) {
    queue.clock.advance(Math.min(30_000, ms - restedMs));
    queue.pace.renew();
  }
  return queue.pace.view;
}

describe("A host that nobody asks any more", () => {
  const asked = (options: Options, perMs: number) =>
    played(options, (queue) => queue.come(seededRandom(3), perMs, 20_000), 20_000);

  it("tells for less than a minute what was measured", () => {
    const queue = asked(objective, 0.4);
    const before = queue.pace.view?.observedP99Ms ?? assert.fail();
    assert.equal(rest(queue, 59_000)?.observedP99Ms, before);
    assert.equal(rest(queue, 2_000)?.observedP99Ms, null);
  });

  it("tells again what is measured when requests come again", () => {
    const queue = asked(objective, 0.4);
    rest(queue, 90_000);
    queue.come(seededRandom(4), 0.4);
    queue.clock.advance(2_000);
    const { observedP99Ms, reason } = queue.pace.view ?? assert.fail();
    assert.ok(observedP99Ms !== null && observedP99Ms > 0);
    assert.match(reason, /^batches of at most \d+ rows are to keep /);
  });

  it("gives nothing up for throughput where one row takes too long, until somebody asks again", () => {
    const queue = asked({ ...objective, p99Ms: 2 }, 0.3);
    assert.equal(queue.pace.view?.throughputFirst, true);
    const { throughputFirst, maxRows, reason } = rest(queue, 90_000) ?? assert.fail();
    assert.deepEqual([throughputFirst, maxRows], [false, 64]);
    assert.match(reason, /nobody has asked for a minute; 1 row alone took 2.1 ms, more than 2 ms$/);
    queue.come(seededRandom(4), 0.3);
    queue.clock.advance(1_000);
    assert.match(queue.pace.view?.reason ?? "", /^throughput first: 1 row alone takes 2.1 ms/);
  });

  it("forgets what answers have taught it", () => {
    // Every so often a run takes five times as long.
    let runs = 0;
    const queue = new PacedQueue({
      ...objective,
      runMs: (rows) => {
        runs += 1;
        return (runs % 20 === 0 ? 5 : 1) * runMs(rows);
      },
    });
    queue.come(seededRandom(3), 0.4, 60_000);
    queue.clock.advance(60_000);
    const { reason } = queue.pace.view ?? assert.fail();
    assert.match(reason, /^objective missed: p99 was \d+ ms, /);
    assert.doesNotMatch(rest(queue, 90_000)?.reason ?? "", /missed|aimed at/);
  });

  it("has not forgotten while somebody waits", () => {
    const queue = asked(objective, 0.4);
    const before = queue.pace.view?.observedP99Ms ?? assert.fail();
    for (let asks = 0; asks < 4; asks += 1) {
      queue.ask(1);
      assert.equal(rest(queue, 30_000)?.observedP99Ms, before);
    }
  });
});

describe("A host that answers large requests now and then", () => {
  const costs: readonly (readonly [string, number, number, number, number])[] = [
    ["mostly its fixed part", 9, 0.1, 20, 100],
    ["fixed for the most part of each piece that would be in time", 9, 1, 20, 50],
    ["fixed, and slow", 30, 1, 60, 20],
    ["fixed for half of a piece that is in time", 5, 0.5, 21, 100],
    ["fixed for half of what one row costs, and rows come together", 1, 0.9, 5, 316],
  ];
  for (const [name, fixedMs, rowMs, p99Ms, perSecond] of costs) {
    it(`makes no more requests late than without an objective, where the cost of a run is ${name}`, () => {
      const lateOf = (stated: number | null) => {
        const queue = new PacedQueue({
          p99Ms: stated,
          runMs: (rows) => fixedMs + rowMs * rows,
        });
        queue.come(seededRandom(6), perSecond / 1_000);
        queue.come(seededRandom(7), 0.001, undefined, 64);
        queue.clock.advance(restMs + whileMs);
        const late = queue.answered.filter(({ latencyMs }) => latencyMs > p99Ms);
        return late.length / queue.answered.length;
      };
      const [without, chosen] = [lateOf(null), lateOf(p99Ms)];
      assert.ok(chosen <= without, `${chosen} of them, and ${without} without an objective`);
    });
  }
});

describe("A host", () => {
  it("batches as configured without an objective", () => {
    const { pace } = played({ ...none, maxBatchSize: 8, maxQueueDelayMs: 5 }, byChance(300));
    assert.deepEqual([pace.rows, pace.delayMs, pace.view], [8, 5, null]);
  });

  it("batches as without an objective before it knows what a run takes", () => {
    const { pace } = played({ ...objective, maxBatchSize: 32 }, (queue) => queue.ask(1), 100);
    assert.deepEqual(pace.view, {
      p99Ms: 20,
      maxRows: 32,
      delayMs: 0,
      throughputFirst: false,
      fixedMs: null,
      rowMs: null,
      observedP99Ms: null,
      reason: "batches as without an objective: what a run takes by its rows is not known yet",
    });
  });

  it("waits for those who come while a costly run would only begin, and for no longer than it may", () => {
    const costly = (maxQueueDelayMs: number) => {
      const queue = new PacedQueue({
        p99Ms: 60,
        maxQueueDelayMs,
        runMs: (rows) => 9 + 0.1 * rows,
      });
      queue.come(seededRandom(5), 0.6);
      queue.clock.advance(restMs);
      return queue.pace.delayMs;
    };
    assert.deepEqual([60, 2, 0].map(costly), [4, 2, 0]);
  });
});
