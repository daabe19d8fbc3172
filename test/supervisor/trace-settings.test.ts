import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tracesNothing } from "../../src/protocol/traces.ts";
import { defaultTraceSettings, TraceSettingsBook } from "../../supervisor/trace-settings.ts";

function book(change: Parameters<TraceSettingsBook["change"]>[1]): TraceSettingsBook {
  const made = new TraceSettingsBook();
  made.change(null, change);
  return made;
}

describe("The settings of traces", () => {
  it("trace nothing at first", () => {
    const { plan } = new TraceSettingsBook();
    assert.equal(plan, tracesNothing);
  });

  it("of a model stand over those of all, field by field, until they are cleared", () => {
    const own = book({ level: "TIMESTAMPS", rate: 10 });
    own.change("m", { rate: 2 });
    assert.deepEqual(own.get("m"), { ...defaultTraceSettings, level: "TIMESTAMPS", rate: 2 });
    assert.deepEqual(own.plan, {
      all: { rate: 10, count: null },
      models: [["m", { rate: 2, count: null }]],
    });
    own.change("m", { rate: false });
    assert.deepEqual([own.get("m").rate, own.plan.models], [10, []]);
    own.change(null, { rate: false });
    assert.equal(own.get(null).rate, defaultTraceSettings.rate);
  });

  it("count down together for models that have no count of their own", () => {
    const counted = book({ level: "TIMESTAMPS", count: 2 });
    counted.change("m", { rate: 5 });
    counted.change("n", { count: 1 });
    const spent = ["a", "m", "b", "m", "n", "n"].map((model) => counted.spend(model));
    assert.deepEqual(spent, [true, true, false, false, true, false]);
    assert.deepEqual([counted.isOver("a"), counted.get(null).count], [true, 0]);
    assert.equal(counted.plan.all, null);
  });

  it("of a model are gone with it", () => {
    const own = book({ level: "TIMESTAMPS" });
    own.change("m", { level: "OFF" });
    assert.deepEqual([own.forget("m"), own.forget("m")], [true, false]);
    assert.deepEqual([own.get("m").level, own.plan.models], ["TIMESTAMPS", []]);
  });

  it("take no trace that comes when they are off", () => {
    assert.equal(book({ level: "OFF" }).spend("m"), false);
  });
});
