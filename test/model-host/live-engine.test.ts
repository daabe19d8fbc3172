import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { NamedTensor } from "../../model-host/engine.ts";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import { LiveEngine } from "../../model-host/live-engine.ts";
import { seededRandom } from "../../models/random.ts";
import type { HostSpec } from "../../src/protocol/control.ts";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import { FakeClock } from "../fake-clock.ts";
import { type Compute, fp32, mapped, numbersOf } from "./fake-engine.ts";
import { FakeOwnedEngine } from "./fake-owned-engine.ts";
import { FakeDoor } from "./fake-work.ts";
import { hostSpec, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";
import { modelMetadata, spec } from "./sequence-host.ts";

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

const x: TensorSpec = spec("x", [-1, 1]);
const doubling: ModelMetadata = {
  ...modelMetadata(x, x),
  inputs: [x],
  outputs: [{ ...x, name: "y" }],
  state: [],
};

const double: Compute = ([input]) => {
  if (numbersOf(input as NamedTensor).includes(13)) throw new Error("unlucky");
  return { y: mapped(input as NamedTensor, (cell) => 2 * cell) };
};

/** Both the answer and the state are what came and was remembered, together. */
const sum: Compute = ([input, state]) => {
  const [cells, remembered] = [input, state].map((tensor) => numbersOf(tensor as NamedTensor));
  const sums = (cells ?? []).map((cell, at) => cell + (remembered?.[at] ?? 0));
  return { y: fp32([sums.length, 1], sums), hn: fp32([sums.length, 1], sums) };
};

function setUp(metadata = doubling, compute = double, fields: Partial<HostSpec> = {}) {
  const inline = new FakeOwnedEngine(compute, { isInline: true });
  const thread = new FakeOwnedEngine(compute);
  const live = new LiveEngine(inline);
  const door = new FakeDoor();
  const clock = new FakeClock();
  const host = new Host({
    spec: hostSpec(fields),
    metadata,
    engine: live,
    clock,
    metrics: createHostMetrics("m", "1"),
    log: quietLog,
    tell: () => Promise.resolve(),
    onPressure: () => undefined,
    onWork: () => undefined,
  });
  const ask = (id: number, fields: Parameters<typeof requestFrame>[1] = {}) => {
    host.accept(requestFrame({ features: [[id]] }, { id, deadlineAt: 1e9, ...fields }), door);
    host.pump();
  };
  const answers = () =>
    door.said.flatMap((one): [id: number, answer: unknown][] => {
      if (one.type === "done") return [[one.id, one.body["predictions"]]];
      return one.type === "failed" ? [[one.id, one.failure.code]] : [];
    });
  return { inline, thread, live, host, door, clock, ask, answers };
}

async function settle(turns = 6): Promise<void> {
  for (let left = turns; left > 0; left -= 1) await turn();
}

const rowsRun = ({ runs }: FakeOwnedEngine) =>
  runs.map(({ inputs: [input] }) => numbersOf(input as NamedTensor));

describe("LiveEngine", () => {
  it("gives an idle engine's place away at once", async () => {
    const { live, inline, thread, ask, answers } = setUp();
    ask(1);
    await settle();
    assert.equal(await live.replaceWith(thread), inline);
    assert.deepEqual([live.serves(thread), live.takesMemory, live.takesNext], [true, true, true]);
    ask(2);
    await settle();
    assert.deepEqual([rowsRun(inline), rowsRun(thread)], [[[1]], [[2]]]);
    assert.deepEqual(answers(), [
      [1, [[2]]],
      [2, [[4]]],
    ]);
  });

  it("lets what runs end where it began, and runs what waits elsewhere", async () => {
    const { live, inline, thread, ask, answers } = setUp();
    inline.isGated = true;
    ask(1);
    ask(2);
    ask(3);
    let before: unknown;
    void live.replaceWith(thread).then((engine) => {
      before = engine;
    });
    await settle();
    assert.deepEqual([before, live.serves(inline)], [undefined, true]);
    inline.letOneEnd();
    await settle();
    assert.equal(before, inline);
    assert.deepEqual([rowsRun(inline), rowsRun(thread)], [[[1]], [[2, 3]]]);
    assert.deepEqual(
      answers().map(([id]) => id),
      [1, 2, 3],
    );
  });

  it("is given no further batch ahead while another waits for its place", async () => {
    const { live, inline, thread, ask, answers, clock } = setUp();
    await live.replaceWith(thread);
    thread.isGated = true;
    for (let run = 0; run < 10; run += 1) {
      ask(0);
      clock.advance(1);
      thread.letOneEnd();
      await settle();
    }
    ask(1);
    ask(2);
    const replaced = live.replaceWith(inline);
    for (const id of [3, 4]) ask(id);
    thread.letOneEnd();
    await settle();
    for (const id of [5, 6]) ask(id);
    await settle();
    assert.deepEqual(rowsRun(thread).slice(10), [[1], [2]]);
    thread.letOneEnd();
    assert.equal(await replaced, thread);
    await settle();
    assert.deepEqual(rowsRun(inline), [[3, 4, 5, 6]]);
    assert.equal(answers().length, 16);
  });

  it("runs the rows of a batch that failed on whatever has taken over", async () => {
    const { live, inline, thread, ask, answers } = setUp();
    inline.isGated = true;
    for (const id of [1, 13, 2]) ask(id);
    inline.letOneEnd();
    await settle();
    void live.replaceWith(thread);
    inline.letOneEnd();
    await settle();
    assert.deepEqual(rowsRun(inline), [[1], [13, 2]]);
    assert.deepEqual(rowsRun(thread), [[13], [2]]);
    assert.deepEqual(answers(), [
      [1, [[2]]],
      [13, "internal"],
      [2, [[4]]],
    ]);
  });

  it("stays what it is where the other is forgotten", async () => {
    const { live, inline, thread, ask } = setUp();
    inline.isGated = true;
    ask(1);
    void live.replaceWith(thread);
    live.forgetSuccessor();
    inline.letOneEnd();
    await settle();
    assert.equal(live.serves(inline), true);
  });

  it("lets a host that drains end in the middle of it", async () => {
    const { live, inline, thread, ask, answers, host } = setUp();
    inline.isGated = true;
    ask(1);
    ask(2);
    let drained = 0;
    host.drain(() => {
      drained += 1;
    });
    void live.replaceWith(thread);
    assert.equal(drained, 0);
    inline.letOneEnd();
    await settle();
    assert.ok(drained > 0);
    assert.equal(answers().length, 2);
  });
});

/** Frames of four sequences, moves and ends of runs in any order. */
class Trial {
  readonly parts = setUp(modelMetadata(spec("x", [-1, 1]), spec("h", [-1, 1])), sum);
  readonly engines = [this.parts.inline, this.parts.thread];
  /** What each frame must be answered, by its number. */
  readonly expected = new Map<number, number>();
  moves = 0;
  readonly #sums = new Map<string, number>();
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    for (const engine of this.engines) engine.isGated = true;
  }

  async step(id: number): Promise<void> {
    const dice = this.#random();
    if (dice < 0.5) this.#send(id);
    else if (dice < 0.6) this.#moveOn();
    else this.#letRunsEnd();
    this.parts.host.pump();
    await settle(2);
  }

  #draw(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #send(id: number): void {
    const key = `s${this.#draw(4)}`;
    const value = 1 + this.#draw(9);
    const start = !this.#sums.has(key);
    const whole = (this.#sums.get(key) ?? 0) + value;
    this.#sums.set(key, whole);
    this.expected.set(id, whole);
    const sequence = { key, start, end: false, shared: false };
    const frame = requestFrame({ features: [[value]] }, { id, deadlineAt: 1e9, sequence });
    this.parts.host.accept(frame, this.parts.door);
  }

  #moveOn(): void {
    const { live, inline, thread } = this.parts;
    void live.replaceWith(live.serves(inline) ? thread : inline).then(() => {
      this.moves += 1;
    });
  }

  #letRunsEnd(): void {
    for (const engine of this.engines) engine.letOneEnd();
  }

  async end(): Promise<void> {
    for (const engine of this.engines) engine.isGated = false;
    this.#letRunsEnd();
    const { host } = this.parts;
    for (let turns = 0; turns < 300 && host.load.inFlight > 0; turns += 1) await turn();
  }
}

describe("a host whose engine moves", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    it(`keeps what sequences remember, and answers each frame once, seed ${seed}`, async () => {
      const trial = new Trial(seed);
      for (let id = 1; id <= 300; id += 1) await trial.step(id);
      await trial.end();
      const { answers, inline, thread } = trial.parts;
      const byId = answers().toSorted((a, b) => Number(a[0]) - Number(b[0]));
      const expected = [...trial.expected].map(([id, value]) => [id, [[value]]]);
      assert.deepEqual(byId, expected);
      assert.ok(trial.moves > 5 && rowsRun(inline).length > 5 && rowsRun(thread).length > 5);
    });
  }
});
