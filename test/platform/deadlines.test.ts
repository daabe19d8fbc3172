import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../models/random.ts";
import { Deadlines, type Expiring } from "../../src/platform/deadlines.ts";
import { FakeClock } from "../fake-clock.ts";

function item(deadlineAt: number): Expiring {
  return { deadlineAt, before: undefined, after: undefined };
}

function setUp(now = 0) {
  const clock = new FakeClock(now);
  const expired: Expiring[] = [];
  const deadlines = new Deadlines<Expiring>(clock, (one) => expired.push(one));
  return { clock, deadlines, expired };
}

describe("Deadlines", () => {
  it("expires an item at its deadline or up to 5 ms later, never before", () => {
    for (let deadlineAt = 100; deadlineAt < 110; deadlineAt += 0.3) {
      const { clock, deadlines, expired } = setUp();
      const one = item(deadlineAt);
      deadlines.add(one);
      clock.advance(deadlineAt - 1e-6);
      assert.deepEqual(expired, []);
      clock.advance(5);
      assert.deepEqual(expired, [one]);
    }
  });

  it("expires what was late when it came at once", () => {
    const { clock, deadlines, expired } = setUp(1_000);
    deadlines.add(item(10));
    clock.advance(0);
    assert.deepEqual(expired, [item(10)]);
  });

  it("expires each item once", () => {
    const { clock, deadlines, expired } = setUp();
    deadlines.add(item(10));
    clock.advance(1_000);
    clock.advance(1_000);
    assert.deepEqual(expired, [item(10)]);
  });

  it("forgets what is removed, and leaves its neighbours", () => {
    const { clock, deadlines, expired } = setUp();
    const items = [item(10), item(10), item(20)];
    for (const one of items) deadlines.add(one);
    deadlines.remove(items[1] as Expiring);
    clock.advance(100);
    assert.deepEqual(expired, [items[0], items[2]]);
  });

  it("does not mind being asked to remove what it has not", () => {
    const { clock, deadlines, expired } = setUp();
    deadlines.remove(item(10));
    clock.advance(100);
    assert.deepEqual(expired, []);
  });

  it("takes a nearer deadline after a farther one", () => {
    const { clock, deadlines, expired } = setUp();
    deadlines.add(item(1_000));
    deadlines.add(item(50));
    clock.advance(55);
    assert.deepEqual(expired, [item(50)]);
  });

  it("keeps one timer for any number of items", () => {
    const { clock, deadlines } = setUp();
    for (let at = 1_000; at > 0; at -= 1) deadlines.add(item(at));
    assert.equal(clock.armed, 1);
  });

  it("arms nothing when nothing is left", () => {
    const { clock, deadlines } = setUp();
    deadlines.add(item(10));
    clock.advance(100);
    assert.equal(clock.armed, 0);
  });

  it("keeps nothing for points of time of which nothing is left", () => {
    const { deadlines } = setUp();
    for (let at = 5; at < 1_000_000; at += 5) {
      const one = item(at);
      deadlines.add(one);
      deadlines.remove(one);
    }
    assert.equal(deadlines.slots, 0);
  });

  it("expires what stands at very many points of time, the earliest first", () => {
    const { clock, deadlines, expired } = setUp();
    const items = Array.from({ length: 200_000 }, (_, at) => item(1_000_000 - 5 * at));
    for (const one of items) deadlines.add(one);
    clock.now = () => 2_000_000;
    clock.advance(5);
    assert.deepEqual([expired.length, expired[0], deadlines.slots], [200_000, items.at(-1), 0]);
  });

  it("takes new items while it expires others", () => {
    const clock = new FakeClock();
    const expired: number[] = [];
    const deadlines: Deadlines<Expiring> = new Deadlines(clock, ({ deadlineAt }: Expiring) => {
      expired.push(deadlineAt);
      if (deadlineAt < 30) deadlines.add(item(deadlineAt + 10));
    });
    deadlines.add(item(10));
    deadlines.add(item(500));
    clock.advance(100);
    assert.deepEqual(expired, [10, 20, 30]);
  });

  it("expires all that are due after a pause of the process", () => {
    const { clock, deadlines, expired } = setUp();
    const late = new FakeClock(10_000);
    const items = [item(10), item(700), item(9_999)];
    for (const one of items) deadlines.add(one);
    clock.now = () => late.now();
    clock.advance(15);
    assert.deepEqual(expired, items);
  });

  it("agrees with a timer for each, whatever is added and removed when", () => {
    const random = seededRandom(2);
    const { clock, deadlines, expired } = setUp();
    const alive = new Set<Expiring>();
    for (let step = 0; step < 2_000; step += 1) {
      const one = item(clock.now() + between(random, -20, 300));
      deadlines.add(one);
      alive.add(one);
      const [first] = alive;
      if (step % 3 === 0 && first !== undefined) {
        deadlines.remove(first);
        alive.delete(first);
      }
      clock.advance(between(random, 0, 12));
      for (const gone of expired.splice(0)) assert.ok(alive.delete(gone), "is alive, and once");
      const overdue = [...alive].filter(({ deadlineAt }) => deadlineAt + 5 < clock.now());
      assert.deepEqual(overdue, []);
    }
  });
});
