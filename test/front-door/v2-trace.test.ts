import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { traceChangeOf, traceSettingJson } from "../../src/front-door/v2-trace.ts";
import { TroupeError } from "../../src/protocol/errors.ts";

describe("The settings of traces", () => {
  it("are texts", () => {
    assert.deepEqual(
      traceSettingJson({ level: "OFF", rate: 5, count: null, logFrequency: 2, file: "f" }),
      {
        trace_file: "f",
        trace_level: ["OFF"],
        trace_rate: "5",
        trace_count: "-1",
        log_frequency: "2",
      },
    );
  });

  const taken: readonly (readonly [object, object])[] = [
    [{}, {}],
    [{ trace_level: ["TIMESTAMPS"] }, { level: "TIMESTAMPS" }],
    [{ trace_level: "OFF" }, { level: "OFF" }],
    [
      { trace_rate: "7", trace_count: 3 },
      { rate: 7, count: 3 },
    ],
    [{ trace_count: "-1" }, { count: null }],
    [
      { log_frequency: "0", trace_file: "" },
      { logFrequency: 0, file: "" },
    ],
    [
      { trace_rate: null, trace_file: null },
      { rate: false, file: false },
    ],
  ];
  for (const [fields, change] of taken) {
    it(`may be ${JSON.stringify(fields)}`, () => {
      assert.deepEqual(traceChangeOf(fields as Record<string, unknown>), change);
    });
  }

  const refused: readonly (readonly [object, string])[] = [
    [{ trace_level: ["TENSORS"] }, "not-implemented"],
    [{ trace_level: [] }, "invalid-request"],
    [{ trace_level: ["OFF", "TIMESTAMPS"] }, "invalid-request"],
    [{ trace_rate: "0" }, "invalid-request"],
    [{ trace_rate: 1.5 }, "invalid-request"],
    [{ trace_rate: "99999999999" }, "invalid-request"],
    [{ trace_count: "-2" }, "invalid-request"],
    [{ log_frequency: true }, "invalid-request"],
    [{ trace_file: 1 }, "invalid-request"],
    [{ mode: "triton" }, "invalid-request"],
  ];
  for (const [fields, code] of refused) {
    it(`are ${code} as ${JSON.stringify(fields)}`, () => {
      assert.throws(
        () => traceChangeOf(fields as Record<string, unknown>),
        (thrown) => thrown instanceof TroupeError && thrown.code === code,
      );
    });
  }
});
