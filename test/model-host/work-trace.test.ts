import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  beginTrace,
  tellTrace,
  traceRunBegun,
  traceRunEnded,
  type WorkTrace,
} from "../../model-host/work-trace.ts";
import { FakeDoor, fakeWork } from "./fake-work.ts";
import { requestFrame } from "./request-frame.ts";

function traced(): WorkTrace {
  const trace = beginTrace(requestFrame({}, { traced: true }), 1);
  assert.ok(trace !== null);
  return trace;
}

describe("The trace of a request", () => {
  it("is none where the front door does not want one", () => {
    assert.equal(beginTrace(requestFrame({}, { traced: false }), 1), null);
    const door = new FakeDoor();
    tellTrace(fakeWork({ door }));
    assert.deepEqual(door.traces, []);
  });

  it("of several runs goes from the beginning of the first to the end of the last", () => {
    const work = fakeWork({ trace: traced(), rows: 3 });
    const neighbour = fakeWork({ rows: 2 });
    const runs = [
      [{ work, fromRow: 0, rows: 2 }],
      [
        { work, fromRow: 2, rows: 1 },
        { work: neighbour, fromRow: 0, rows: 2 },
      ],
    ] as const;
    for (const [at, slices] of runs.entries()) {
      traceRunBegun(slices, 10 * at + 2);
      traceRunEnded(slices, 10 * at + 3);
    }
    const { runBegunAt, runEndedAt, batchRows } = work.trace ?? traced();
    assert.deepEqual([runBegunAt, runEndedAt, batchRows, neighbour.trace], [2, 13, 3, null]);
  });

  it("says nothing of what it did not come to, and when it was answered", () => {
    const door = new FakeDoor();
    tellTrace(fakeWork({ id: 7, door, trace: traced() }));
    const [told] = door.traces;
    assert.ok(Number(told?.points.answeredAt) > 0);
    assert.deepEqual(
      { ...told, points: { ...told?.points, answeredAt: 0 } },
      {
        id: 7,
        points: {
          queuedAt: 1,
          batchBegunAt: null,
          runBegunAt: null,
          runEndedAt: null,
          answeredAt: 0,
          batchRows: 0,
        },
      },
    );
  });
});
