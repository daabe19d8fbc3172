import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Circumstances,
  type Instance,
  type InstanceEvent,
  newInstance,
  type Phase,
  probeAfterMs,
  type Transition,
  transition,
} from "../../supervisor/instance.ts";

const now = 1_000;
const since = 500;

const circumstances: Circumstances = {
  now,
  policy: { intensity: 2, periodMs: 60_000, minBackoffMs: 100, maxBackoffMs: 10_000 },
  random: () => 1,
};

const phases: Readonly<Record<Phase["name"], Phase>> = {
  queued: { name: "queued", since },
  starting: { name: "starting", since },
  ready: { name: "ready", since },
  "backing-off": { name: "backing-off", since, restartAt: 900 },
  "given-up": { name: "given-up", since, reason: "crashes" },
  draining: { name: "draining", since },
  stopped: { name: "stopped", since },
};

const events: Readonly<Record<InstanceEvent["type"], InstanceEvent>> = {
  forked: { type: "forked" },
  ready: { type: "ready" },
  refused: { type: "refused", reason: "no ONNX" },
  outgrown: { type: "outgrown", reason: "too large" },
  exited: { type: "exited", cause: "SIGSEGV", byPoison: false },
  answered: { type: "answered" },
  woken: { type: "woken" },
  drain: { type: "drain" },
};

function instance(name: Phase["name"], fields: Partial<Instance> = {}): Instance {
  return { ...newInstance(since), phase: phases[name], ...fields };
}

function after(from: Instance, event: InstanceEvent): Transition {
  return transition(from, event, circumstances);
}

/** What becomes of an instance without a past. */
interface Row {
  readonly from: Phase["name"];
  readonly event: InstanceEvent["type"];
  readonly to: Transition;
}

function to(phase: Phase, fields: Partial<Instance> & Partial<Transition> = {}): Transition {
  const { effects = [], ...rest } = fields;
  return { instance: { ...newInstance(since), ...rest, phase }, effects };
}

const start = { type: "start" } as const;
const drain = { type: "drain" } as const;
const queued = { name: "queued", since: now } as const;
const stopped = { name: "stopped", since: now } as const;
const restarted = to(queued, { crashes: [now], effects: [start] });

const rows: readonly Row[] = [
  { from: "queued", event: "forked", to: to({ name: "starting", since: now }) },
  { from: "starting", event: "ready", to: to({ name: "ready", since: now }) },
  {
    from: "starting",
    event: "refused",
    to: to({ name: "given-up", since: now, reason: "no ONNX" }),
  },
  {
    from: "starting",
    event: "outgrown",
    to: to({ name: "given-up", since: now, reason: "too large" }),
  },
  {
    from: "ready",
    event: "outgrown",
    to: to({ name: "given-up", since: now, reason: "too large" }),
  },
  { from: "starting", event: "exited", to: restarted },
  { from: "ready", event: "exited", to: restarted },
  { from: "ready", event: "answered", to: to(phases.ready) },
  { from: "backing-off", event: "woken", to: to(queued, { effects: [start] }) },
  { from: "given-up", event: "woken", to: to(queued, { isProbe: true, effects: [start] }) },
  { from: "queued", event: "drain", to: to(stopped) },
  { from: "backing-off", event: "drain", to: to(stopped) },
  { from: "given-up", event: "drain", to: to(stopped) },
  {
    from: "starting",
    event: "drain",
    to: to({ name: "draining", since: now }, { effects: [drain] }),
  },
  { from: "ready", event: "drain", to: to({ name: "draining", since: now }, { effects: [drain] }) },
  { from: "draining", event: "exited", to: to(stopped) },
];

describe("transition", () => {
  for (const row of rows) {
    it(`goes from ${row.from} upon ${row.event} to ${row.to.instance.phase.name}`, () =>
      assert.deepEqual(after(instance(row.from), events[row.event]), row.to));
  }

  const changed = new Set(rows.map(({ from, event }) => `${from} ${event}`));
  const past: Partial<Instance> = { crashes: [1], poisonCrashes: [2], isProbe: true };
  for (const from of Object.values(phases)) {
    for (const event of Object.values(events)) {
      if (changed.has(`${from.name} ${event.type}`)) continue;
      it(`leaves an instance that is ${from.name} as it is upon ${event.type}`, () => {
        const before = instance(from.name, past);
        assert.deepEqual(after(before, event), { instance: before, effects: [] });
      });
    }
  }
});

function exited(byPoison: boolean): InstanceEvent {
  return { type: "exited", cause: "SIGSEGV", byPoison };
}

function crash(from: Instance, byPoison = false): Transition {
  return after(from, exited(byPoison));
}

const wakeUp = { type: "wake", afterMs: probeAfterMs } as const;

for (const name of ["starting", "ready"] as const) {
  describe(`an instance that crashes while it is ${name}`, () => {
    it("waits before it starts for the second time", () =>
      assert.deepEqual(crash(instance(name, { crashes: [999] })), {
        instance: {
          ...instance(name, { crashes: [999, now] }),
          phase: { name: "backing-off", since: now, restartAt: now + 100 },
        },
        effects: [{ type: "wake", afterMs: 100 }],
      }));

    it("is given up when it crashes too often, and probed later", () => {
      const reason = "3 crashes in a row, the last: SIGSEGV";
      assert.deepEqual(crash(instance(name, { crashes: [998, 999] })), {
        instance: {
          ...instance(name, { crashes: [998, 999] }),
          phase: { name: "given-up", since: now, reason },
        },
        effects: [wakeUp],
      });
    });

    it("has other crashes counted apart from those by poison", () => {
      const poisoned = crash(instance(name, { crashes: [998, 999] }), true);
      assert.deepEqual(poisoned, {
        instance: {
          ...instance(name, { crashes: [998, 999], poisonCrashes: [now] }),
          phase: queued,
        },
        effects: [start],
      });
      const other = crash(instance(name, { poisonCrashes: [997, 998, 999] }));
      assert.deepEqual(other, {
        instance: {
          ...instance(name, { crashes: [now], poisonCrashes: [997, 998, 999] }),
          phase: queued,
        },
        effects: [start],
      });
    });

    it("is given up when poison comes without end", () => {
      const poisonCrashes = new Array(10).fill(999);
      const { instance: last, effects } = crash(instance(name, { poisonCrashes }), true);
      assert.deepEqual([last.phase.name, effects], ["given-up", [wakeUp]]);
    });

    it("is given up at once where that was its probe", () =>
      assert.deepEqual(crash(instance(name, { isProbe: true })), {
        instance: {
          ...instance(name),
          phase: { name: "given-up", since: now, reason: "its probe start ended: SIGSEGV" },
        },
        effects: [wakeUp],
      }));
  });
}

describe("an instance that has answered", () => {
  it("has its crashes forgotten, and is no probe any more", () => {
    const before = instance("ready", { crashes: [1], poisonCrashes: [2], isProbe: true });
    assert.deepEqual(after(before, events.answered), { instance: instance("ready"), effects: [] });
  });
});

describe("a new instance", () => {
  it("waits for its turn, without a past", () =>
    assert.deepEqual(newInstance(7), {
      phase: { name: "queued", since: 7 },
      crashes: [],
      poisonCrashes: [],
      isProbe: false,
    }));
});
