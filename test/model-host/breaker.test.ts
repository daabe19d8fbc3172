import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { Breaker } from "../../model-host/breaker.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { BreakerSettings } from "../../src/protocol/model-settings.ts";

const settings: BreakerSettings = {
  errorThresholdPercent: 50,
  minRequests: 4,
  windowMs: 10_000,
  resetMs: 5_000,
};

const runMs = 1_000;
const apis = ["setTimeout", "setInterval", "Date"] as const;

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: [...apis] }));
afterEach(() => mock.timers.reset());

function setUp(fields: Partial<BreakerSettings> = {}) {
  const changes: string[] = [];
  const breaker: Breaker = new Breaker({
    settings: { ...settings, ...fields },
    runMs,
    now: () => Date.now(),
    onChange: () => changes.push(breaker.state),
  });
  return { breaker, changes };
}

async function succeed(breaker: Breaker): Promise<void> {
  await breaker.guard(() => Promise.resolve());
}

async function fail(breaker: Breaker): Promise<void> {
  await breaker.guard(() => Promise.reject(new Error("a batch failed")));
}

async function opened(fields: Partial<BreakerSettings> = {}) {
  const parts = setUp(fields);
  for (let batch = 0; batch < settings.minRequests; batch += 1) await fail(parts.breaker);
  return parts;
}

/** Runs that end when they are told to. */
function pending() {
  let end: () => void = () => undefined;
  const run = () =>
    new Promise<void>((resolve) => {
      end = resolve;
    });
  return { run, end: () => end() };
}

const open = new TroupeError("model-unavailable", "Cannot run model: its circuit breaker is open");

describe("a breaker", () => {
  it("is closed at first, and lets through", async () => {
    const { breaker, changes } = setUp();
    await succeed(breaker);
    assert.deepEqual([breaker.state, breaker.retryMs, changes], ["closed", 0, []]);
  });

  it("does not mind a batch that fails, beyond counting it", async () => {
    const { breaker } = setUp();
    await assert.doesNotReject(fail(breaker));
    assert.equal(breaker.state, "closed");
  });

  it("opens when enough batches have come, and the share that failed is reached", async () => {
    const { breaker, changes } = setUp();
    const states: string[] = [];
    for (const step of [fail, succeed, succeed, fail]) {
      await step(breaker);
      states.push(breaker.state);
    }
    assert.deepEqual(states, ["closed", "closed", "closed", "open"]);
    assert.deepEqual(changes, ["open"]);
  });

  it("stays closed below that share", async () => {
    const { breaker } = setUp();
    for (const step of [succeed, succeed, succeed, fail, succeed, fail]) await step(breaker);
    assert.equal(breaker.state, "closed");
  });

  it("opens at a threshold of all only when all fail", async () => {
    const { breaker } = setUp({ errorThresholdPercent: 100 });
    for (const step of [succeed, fail, fail, fail]) await step(breaker);
    const mixed = breaker.state;
    const all = await opened({ errorThresholdPercent: 100 });
    assert.deepEqual([mixed, all.breaker.state], ["closed", "open"]);
  });

  it("forgets what lies further back than its window", async () => {
    const { breaker } = setUp();
    for (let batch = 0; batch < 3; batch += 1) await fail(breaker);
    mock.timers.tick(settings.windowMs + 1_000);
    await fail(breaker);
    assert.equal(breaker.state, "closed");
  });
});

describe("a breaker that is open", () => {
  it("lets nothing through, and says for how long", async () => {
    const { breaker } = await opened();
    mock.timers.tick(1_000);
    let ran = false;
    const refused = breaker.guard(async () => {
      ran = true;
    });
    await assert.rejects(refused, ({ code, message, retryAfterMs }: TroupeError) => {
      assert.deepEqual([code, message, retryAfterMs], [open.code, open.message, 4_000]);
      return true;
    });
    assert.deepEqual([ran, breaker.retryMs], [false, 4_000]);
  });

  it("is half open after its time", async () => {
    const { breaker, changes } = await opened();
    mock.timers.tick(settings.resetMs - 1);
    const before = breaker.state;
    mock.timers.tick(1);
    assert.deepEqual([before, breaker.state, breaker.retryMs], ["open", "half-open", 0]);
    assert.deepEqual(changes, ["open", "half-open"]);
  });
});

describe("a breaker that is half open", () => {
  async function halfOpened() {
    const parts = await opened();
    mock.timers.tick(settings.resetMs);
    return parts;
  }

  it("closes when its probe succeeds", async () => {
    const { breaker, changes } = await halfOpened();
    await succeed(breaker);
    assert.deepEqual([breaker.state, changes], ["closed", ["open", "half-open", "closed"]]);
  });

  it("opens again when its probe fails, for as long as before", async () => {
    const { breaker, changes } = await halfOpened();
    await fail(breaker);
    assert.deepEqual([breaker.state, breaker.retryMs], ["open", settings.resetMs]);
    assert.deepEqual(changes, ["open", "half-open", "open"]);
  });

  it("admits one probe at a time", async () => {
    const { breaker } = await halfOpened();
    const { run, end } = pending();
    const probe = breaker.guard(run);
    await assert.rejects(succeed(breaker), { code: "model-unavailable", message: open.message });
    end();
    await probe;
    await succeed(breaker);
    assert.equal(breaker.state, "closed");
  });

  it("does not wait for a probe that hangs for good", async () => {
    const { breaker } = await halfOpened();
    const probe = breaker.guard(() => new Promise(() => undefined));
    mock.timers.tick(runMs + 1_999);
    const before = breaker.state;
    mock.timers.tick(1);
    await probe;
    assert.deepEqual([before, breaker.state], ["half-open", "open"]);
  });
});

describe("a breaker that has nothing to do", () => {
  it("wakes its process for nothing", (t) => {
    mock.timers.reset();
    const timers = [
      t.mock.method(globalThis, "setInterval"),
      t.mock.method(globalThis, "setTimeout"),
    ];
    setUp();
    assert.deepEqual(
      timers.map((timer) => timer.mock.callCount()),
      [0, 0],
    );
    // Before the test's own end: what is restored after the false timers have come is these.
    for (const timer of timers) timer.mock.restore();
    mock.timers.enable({ apis: [...apis] });
  });
});

describe("a breaker that is closed for good", () => {
  it("leaves no timer that would keep a process", async () => {
    mock.timers.reset();
    const { breaker } = setUp();
    await fail(breaker);
    breaker.close();
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((name) => name === "Timeout"),
      [],
    );
    mock.timers.enable({ apis: [...apis] });
  });
});
