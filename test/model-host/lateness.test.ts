import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { futileOf, takeFutile, type Waiting } from "../../model-host/lateness.ts";
import type { Sequence } from "../../model-host/sequence.ts";
import type { Work } from "../../model-host/work.ts";
import { WorkQueue } from "../../model-host/work-queue.ts";
import { fakeWork } from "./fake-work.ts";
import { queueSettings } from "./host-spec.ts";

function due(deadlineAt: number, fields: Partial<Waiting> = {}): Waiting {
  return { deadlineAt, sequence: null, stream: false, ...fields };
}

const late = [due(70), due(99)];
const inTime = [due(100), due(500)];
const ofSequence = due(70, { sequence: {} as Sequence });
const ofStream = due(70, { stream: true });

describe("futileOf", () => {
  const rows: readonly (readonly [string, readonly Waiting[], number, readonly Waiting[]])[] = [
    ["those that would be answered too late", [...late, ...inTime], 100, late],
    ["none that will be in time", inTime, 100, []],
    ["none where all are late, for the estimate may be wrong", late, 100, []],
    ["no frame of a sequence", [ofSequence, ...inTime], 100, []],
    ["no stream", [ofStream, ...inTime], 100, []],
    ["nothing of nothing", [], 100, []],
  ];
  for (const [name, waiting, endsAt, expected] of rows) {
    it(`leaves out ${name}`, () => assert.deepEqual(futileOf(waiting, endsAt), expected));
  }
});

describe("takeFutile", () => {
  function setUp() {
    const queue = new WorkQueue<Work>(queueSettings({}));
    const works = [70, 500].map((deadlineAt) => fakeWork({ deadlineAt }));
    for (const work of works) queue.offer(work);
    return { queue, works };
  }

  it("takes them out where more waits than a run takes", () => {
    const { queue, works } = setUp();
    assert.deepEqual(takeFutile(queue, { endsAt: 100, maxRows: 1 }), works.slice(0, 1));
    assert.equal(queue.size, 1);
  });

  it("takes nothing where the run has room for all", () => {
    const { queue } = setUp();
    assert.deepEqual(takeFutile(queue, { endsAt: 100, maxRows: 2 }), []);
    assert.equal(queue.size, 2);
  });
});
