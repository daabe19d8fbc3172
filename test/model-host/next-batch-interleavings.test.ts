/* Requests of all sizes, cancels, lost front doors and a breaker that opens, while the engine is given batches ahead. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { NamedTensor } from "../../model-host/engine.ts";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Door, Work } from "../../model-host/work.ts";
import { between, type Random, seededRandom } from "../../models/random.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeEngine, mapped, numbersOf } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";
import { batchedMetadata, hostSpec, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

const metadata = batchedMetadata(2);
const breaker = { errorThresholdPercent: 15, minRequests: 3, windowMs: 1_000, resetMs: 40 };
/** No run that holds it succeeds. */
const unlucky = -1;

interface Asked {
  readonly id: number;
  readonly rows: readonly (readonly number[])[];
  readonly work: Work;
  readonly given: (readonly number[])[];
}

/** As a connection: its numbers are used again, and it knows only those that have no answer yet. */
class StrictDoor extends FakeDoor {
  readonly open = new Map<number, Asked>();
  runningIds: readonly number[] = [];
  isGone = false;
  readonly ends: string[] = [];

  get freeId(): number {
    let id = 0;
    while (this.open.has(id)) id += 1;
    return id;
  }

  override running(ids: readonly number[]): void {
    assert.equal(this.isGone, false, "nobody is there to hear what runs");
    for (const id of ids) assert.ok(this.open.has(id), `${id} waits for its answer`);
    this.runningIds = ids;
  }

  override chunk(id: number, body: Parameters<Door["chunk"]>[1]): void {
    this.#note(id, body.json);
  }

  override done({ id, body, rows }: Parameters<Door["done"]>[0]): void {
    const asked = this.open.get(id);
    if (asked?.work.stream !== true) this.#note(id, body.json);
    assert.equal(rows, asked?.rows.length);
    const doubled = asked?.rows.map((row) => row.map((cell) => 2 * cell));
    assert.deepEqual(asked?.given, doubled, "each row is answered once, in order");
    this.#end(id, "done");
  }

  override failed({ id, failure }: Parameters<Door["failed"]>[0]): void {
    // What is refused as it comes was never open.
    if (this.open.has(id)) this.#end(id, failure.code);
  }

  #note(id: number, json: Uint8Array): void {
    const asked = this.open.get(id);
    assert.ok(asked !== undefined, `${id} waits for its answer`);
    asked.given.push(...JSON.parse(Buffer.from(json).toString()).predictions);
  }

  #end(id: number, how: string): void {
    assert.ok(this.open.delete(id), `${id} has no answer yet`);
    this.ends.push(how);
  }
}

/** Runs nothing that its front door has not been told of before. */
class StrictEngine extends FakeEngine {
  doors: readonly StrictDoor[] = [];
  under = 0;
  most = 0;

  override async run(inputs: readonly NamedTensor[], fetches: readonly string[]) {
    const keys = new Set(numbersOf(inputs[0] as NamedTensor));
    for (const door of this.doors) {
      for (const [id, { rows }] of door.open) {
        const isIn = rows.some(([key]) => keys.has(key ?? 0));
        assert.ok(!isIn || door.runningIds.includes(id), `${id} was said to run`);
      }
    }
    this.under += 1;
    this.most = Math.max(this.most, this.under);
    try {
      return await super.run(inputs, fetches);
    } finally {
      this.under -= 1;
    }
  }
}

class Trial {
  readonly #random: Random;
  readonly #clock = new FakeClock();
  readonly engine = new StrictEngine(([input]) => {
    const tensor = input as NamedTensor;
    if (numbersOf(tensor).includes(unlucky)) throw new Error("unlucky");
    return { y: mapped(tensor, (cell) => 2 * cell) };
  });
  readonly host: Host;
  readonly doors: StrictDoor[] = [];
  #asked = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.engine.takesNext = true;
    this.engine.isGated = true;
    this.host = new Host({
      spec: hostSpec({ breaker }),
      metadata,
      engine: this.engine,
      clock: this.#clock,
      metrics: createHostMetrics("m", "1"),
      log: quietLog,
      tell: async () => undefined,
      onPressure: () => undefined,
      onWork: () => undefined,
    });
    for (let door = 0; door < 2; door += 1) this.#openDoor();
  }

  #openDoor(): void {
    const door = new StrictDoor();
    this.doors.push(door);
    this.engine.doors = this.#present;
    this.host.greet(door);
  }

  get #present(): readonly StrictDoor[] {
    return this.doors.filter(({ isGone }) => !isGone);
  }

  #draw(below: number): number {
    return Math.floor(between(this.#random, 0, below));
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.4) this.#ask();
    else if (dice < 0.46) this.#cancel();
    else if (dice < 0.5) this.#grant();
    else if (dice < 0.505) this.#loseDoor();
    else if (dice < 0.55) this.#wait(this.#draw(60));
    else {
      this.#wait(1);
      this.engine.letOneEnd();
    }
    this.host.pump();
    for (let turns = 0; turns < 3; turns += 1) await turn();
    assert.equal(this.engine.under > 0, this.host.pressure.runningRows > 0, "what runs is known");
  }

  #wait(ms: number): void {
    this.#clock.advance(ms);
    mock.timers.tick(ms);
  }

  #ask(): void {
    const door = this.#present[this.#draw(2)] as StrictDoor;
    const isLucky = this.#random() < 0.85;
    const rows = Array.from({ length: 1 + this.#draw(9) }, (_, row) => {
      this.#asked += 1;
      return [this.#asked, isLucky ? row : unlucky];
    });
    const frame: Partial<RequestFrame> = {
      id: door.freeId,
      stream: this.#random() < 0.1,
      alone: this.#random() < 0.05,
      priority: this.#random() < 0.3 ? "low" : "normal",
      deadlineAt: this.#clock.now() + 20 + this.#draw(2_000),
    };
    const work = this.host.accept(requestFrame({ features: rows }, frame), door);
    const { id } = frame as RequestFrame;
    if (work !== undefined) door.open.set(id, { id, rows, work, given: [] });
  }

  #anyOpen(): Asked | undefined {
    const all = this.#present.flatMap(({ open }) => [...open.values()]);
    return all[this.#draw(Math.max(1, all.length))];
  }

  #cancel(): void {
    const asked = this.#anyOpen();
    if (asked !== undefined) this.host.cancel(asked.work, "client-left");
  }

  #grant(): void {
    const streams = this.#present.flatMap(({ open }) =>
      [...open.values()].filter(({ work }) => work.stream),
    );
    for (const { work } of streams) this.host.credit(work, 1);
  }

  #loseDoor(): void {
    const door = this.#present[this.#draw(2)] as StrictDoor;
    door.isGone = true;
    this.host.forget(door);
    this.#openDoor();
  }

  /** How often it was told that all is done. */
  async end(): Promise<number> {
    let drained = 0;
    this.host.drain(() => {
      drained += 1;
    });
    for (let turns = 0; turns < 2_000 && this.host.hasWork; turns += 1) {
      this.#grant();
      this.engine.letOneEnd();
      this.host.pump();
      await turn();
    }
    this.host.close();
    return drained;
  }
}

describe("a host that gives its engine batches ahead", () => {
  const ends = new Map<string, number>();
  for (let seed = 1; seed <= 12; seed += 1) {
    it(`answers each request once and right, and names what runs before, seed ${seed}`, async () => {
      const trial = new Trial(seed);
      for (let steps = 0; steps < 600; steps += 1) await trial.step();
      const drained = await trial.end();
      const present = trial.doors.filter(({ isGone }) => !isGone);
      assert.ok(drained > 0);
      assert.deepEqual(
        present.map(({ open }) => open.size),
        [0, 0],
      );
      assert.equal(trial.engine.most, 2);
      for (const how of trial.doors.flatMap((door) => door.ends)) {
        ends.set(how, (ends.get(how) ?? 0) + 1);
      }
    });
  }

  it("meets everything that may become of a request", () => {
    const met = ["cancelled", "deadline-exceeded", "done", "internal", "model-unavailable"];
    assert.deepEqual([...ends.keys()].toSorted(), met);
    assert.ok([...ends.values()].every((count) => count > 10));
  });
});
