import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AdmissionFacts,
  admit,
  predictWaitMs,
  type ReplicaLoad,
  type ShedReason,
} from "../../src/front-door/admission.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";

function replica(fields: Partial<ReplicaLoad> = {}): ReplicaLoad {
  return {
    outstandingRequests: 0,
    outstandingBytes: 0,
    reportedRows: 0,
    rowCostMs: 1,
    batchCostMs: 1,
    rowsPerRequest: 1,
    sequences: 0,
    breaker: "closed",
    breakerRetryMs: 0,
    ...fields,
  };
}

function facts(fields: Partial<AdmissionFacts> = {}): AdmissionFacts {
  return {
    draining: false,
    hasRoom: false,
    inFlight: 0,
    maxInFlight: 10,
    inFlightBytes: 0,
    maxInFlightBytes: 1_000,
    bytes: 100,
    priority: "normal",
    allowanceMs: 1_000,
    state: "ready",
    reason: null,
    backInMs: 0,
    maxOutstandingRequests: 8,
    maxOutstandingBytes: 1_000,
    isSeated: false,
    beginsSequence: false,
    maxSequences: 3,
    replicas: [replica()],
    ...fields,
  };
}

const low = { priority: "low" } as const;

/** A replica at which a request would wait `ms`. */
function busy(ms: number, fields: Partial<ReplicaLoad> = {}): ReplicaLoad {
  return replica({ reportedRows: ms, ...fields });
}

/** A breaker that stays open. */
function open(breakerRetryMs: number): ReplicaLoad {
  return replica({ breaker: "open", breakerRetryMs });
}

describe("admit takes a request", () => {
  const rows: readonly (readonly [string, Partial<AdmissionFacts>])[] = [
    ["where there is room", {}],
    ["that is the last in flight", { inFlight: 9 }],
    ["that fills the bytes", { inFlight: 1, inFlightBytes: 900 }],
    ["larger than all bytes together, where it is alone", { bytes: 5_000 }],
    ["of low priority below half", { ...low, inFlight: 4 }],
    ["whose host is just being connected to", { replicas: [] }],
    ["whose model will be back in time", { state: "recovering", backInMs: 999, replicas: [] }],
    ["whose answer comes in time", { replicas: [busy(600)] }],
    ["for which one replica is free", { replicas: [busy(5_000), busy(10)] }],
    ["for which one breaker is not open", { replicas: [open(500), replica()] }],
    ["as the probe of a breaker", { replicas: [replica({ breaker: "half-open" })] }],
    ["where the host is idle, however slow it was", { replicas: [replica({ rowCostMs: 50_000 })] }],
    ["where nothing was measured", { replicas: [busy(5_000, { rowCostMs: 0 })] }],
    [
      "where one host has room",
      { replicas: [replica({ outstandingRequests: 8 }), replica({ outstandingRequests: 7 })] },
    ],
    [
      "that begins a sequence where one host has room for it",
      { beginsSequence: true, replicas: [replica({ sequences: 3 }), replica({ sequences: 2 })] },
    ],
    [
      "that goes on with a sequence, however many its host keeps",
      { replicas: [replica({ sequences: 9 })] },
    ],
    [
      "that goes on with a sequence while its version drains",
      { isSeated: true, state: "draining" },
    ],
    [
      "that goes on with a sequence of a version rolled back",
      { isSeated: true, state: "unavailable" },
    ],
    [
      "that begins a sequence whose host is just being connected to",
      { beginsSequence: true, replicas: [] },
    ],
    [
      "larger than what a host may have, where it is alone there",
      { bytes: 900, maxOutstandingBytes: 10 },
    ],
  ];
  for (const [name, fields] of rows) {
    it(name, () => assert.deepEqual(admit(facts(fields)), { type: "admit" }));
  }
});

describe("admit sheds a request", () => {
  type Shed = readonly [ShedReason, ErrorCode, words: string, retryAfterMs: number];
  const rows: readonly (readonly [string, Partial<AdmissionFacts>, Shed])[] = [
    [
      "while the server drains",
      { draining: true },
      ["draining", "draining", "the server is draining", 1_000],
    ],
    [
      "past the number in flight",
      { inFlight: 10 },
      ["in-flight", "overloaded", "10 of 10 requests are in flight", 100],
    ],
    [
      "past the number in flight, for as long as half of the wait",
      { inFlight: 10, replicas: [busy(600), busy(400)] },
      ["in-flight", "overloaded", "10 of 10 requests are in flight", 200],
    ],
    [
      "past the bytes in flight",
      { inFlight: 1, inFlightBytes: 901 },
      ["bytes", "overloaded", "901 of 1000 bytes are in flight", 100],
    ],
    [
      "of low priority past half of the number",
      { ...low, inFlight: 5 },
      ["in-flight", "overloaded", "5 of 10 requests are in flight", 100],
    ],
    [
      "of low priority past half of the bytes",
      { ...low, inFlight: 1, inFlightBytes: 401 },
      ["bytes", "overloaded", "401 of 1000 bytes are in flight", 100],
    ],
    [
      "whose model is given up, until its next probe",
      { state: "unavailable", reason: "6 crashes" },
      ["unavailable", "model-unavailable", "6 crashes", 30_000],
    ],
    [
      "whose model is being loaded",
      { state: "loading", reason: "it is being loaded" },
      ["unavailable", "model-unavailable", "it is being loaded", 1_000],
    ],
    [
      "whose model will be back too late",
      { state: "recovering", reason: "it is restarted", backInMs: 1_000 },
      ["unavailable", "model-unavailable", "it is restarted", 1_000],
    ],
    [
      "whose version is drained",
      { state: "draining", reason: "version 2 takes over" },
      ["unavailable", "model-unavailable", "it is being drained", 1_000],
    ],
    [
      "whose version is not loaded",
      { state: "unloaded", reason: "it is not loaded" },
      ["unavailable", "model-unavailable", "it is not loaded", 30_000],
    ],
    [
      "of a sequence whose host is full while its version drains",
      { isSeated: true, state: "draining", replicas: [replica({ outstandingRequests: 8 })] },
      ["host-full", "overloaded", "all its hosts are full", 4],
    ],
    [
      "without a reason, in words of its own",
      { state: "unavailable" },
      ["unavailable", "model-unavailable", "the model is not ready", 30_000],
    ],
    [
      "while all breakers are open, until the first is not",
      { replicas: [open(700), open(300)] },
      ["breaker", "model-unavailable", "its circuit breaker is open", 300],
    ],
    [
      "whose answer would come too late, until it would not",
      { replicas: [busy(1_499)] },
      ["deadline", "overloaded", "its answer would take 2250 ms, past its deadline", 1_250],
    ],
    [
      "of low priority whose answer would take half of its time",
      { ...low, replicas: [busy(499)] },
      ["deadline", "overloaded", "its answer would take 750 ms, past its deadline", 250],
    ],
    [
      "that begins a sequence where all hosts keep as many as they may",
      { beginsSequence: true, replicas: [replica({ sequences: 3 }), replica({ sequences: 4 })] },
      ["sequences", "overloaded", "its hosts keep 3 sequences each, and can keep no more", 1_000],
    ],
    [
      "that begins a sequence where the only host with room has its breaker open",
      {
        beginsSequence: true,
        replicas: [replica({ sequences: 3 }), { ...open(700), sequences: 0 }],
      },
      ["sequences", "overloaded", "its hosts keep 3 sequences each, and can keep no more", 1_000],
    ],
    [
      "whose hosts all have as many as they may",
      { replicas: [replica({ outstandingRequests: 8, rowCostMs: 10 })] },
      ["host-full", "overloaded", "all its hosts are full", 40],
    ],
    [
      "whose hosts all have as many bytes as they may",
      { replicas: [replica({ outstandingRequests: 1, outstandingBytes: 901, rowCostMs: 0 })] },
      ["host-full", "overloaded", "all its hosts are full", 100],
    ],
    [
      "of low priority whose hosts have half of what they may",
      { ...low, replicas: [replica({ outstandingRequests: 4, rowCostMs: 0 })] },
      ["host-full", "overloaded", "all its hosts are full", 100],
    ],
  ];
  for (const [name, fields, [reason, code, words, retryAfterMs]] of rows) {
    it(name, () => {
      const message = `Cannot take request: ${words}`;
      const verdict = admit(facts(fields));
      assert.ok(verdict.type === "shed");
      const { retryAfterMs: asked, ...rest } = verdict.failure;
      assert.deepEqual([verdict.reason, rest], [reason, { code, message }]);
      assert.equal(Math.round(asked ?? 0), retryAfterMs);
    });
  }

  it("for the first reason that holds, in the order in which refusing costs least", () => {
    const everything: Partial<AdmissionFacts> = {
      draining: true,
      inFlight: 10,
      inFlightBytes: 1_000,
      state: "unavailable",
      beginsSequence: true,
      replicas: [open(100)],
    };
    const cures: readonly Partial<AdmissionFacts>[] = [
      {},
      { draining: false },
      { inFlight: 1 },
      { inFlightBytes: 0 },
      { state: "ready" },
      { replicas: [busy(1e6, { outstandingRequests: 99, sequences: 3 })] },
      { beginsSequence: false },
      { allowanceMs: 1e9 },
    ];
    let now = facts(everything);
    const reasons = cures.map((cure) => {
      now = { ...now, ...cure };
      const verdict = admit(now);
      return verdict.type === "shed" ? verdict.reason : verdict.type;
    });
    assert.deepEqual(reasons, [
      "draining",
      "in-flight",
      "bytes",
      "unavailable",
      "breaker",
      "sequences",
      "deadline",
      "host-full",
    ]);
  });
});

describe("predictWaitMs", () => {
  const rows: readonly (readonly [string, Partial<ReplicaLoad>, number])[] = [
    ["nothing for an idle host", {}, 0],
    ["what the host said last", { reportedRows: 7, rowCostMs: 2 }, 14],
    [
      "what this door has sent, where that is more",
      { outstandingRequests: 5, rowsPerRequest: 4, reportedRows: 7, rowCostMs: 2 },
      40,
    ],
    ["a batch of one row, where there are few", { reportedRows: 2, batchCostMs: 50 }, 50],
    ["full batches, where there are many", { reportedRows: 200, batchCostMs: 50 }, 200],
    ["a part of a batch, where one is about to end", { reportedRows: 0.5, batchCostMs: 50 }, 25],
  ];
  for (const [name, fields, waitMs] of rows) {
    it(`is ${name}`, () => assert.equal(predictWaitMs(replica(fields)), waitMs));
  }
});
