import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../models/random.ts";
import type { DoorEvent, HostEvent } from "../../src/protocol/control.ts";
import { parseDoorEvent, parseHostEvent } from "../../src/protocol/event-parsing.ts";
import { type Batching, datatypes, type ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { MetricSnapshot } from "../../src/protocol/views.ts";

const figures = { rssBytes: 1_000, cpuSeconds: 0.5, eventLoopDelayMs: 0.1 };
const load = {
  queueRows: 3,
  inFlight: 2,
  breaker: "half-open",
  sequences: 6,
  objective: null,
} as const;

const snapshot: MetricSnapshot = {
  name: "troupe_batch_rows",
  help: "Rows in a batch",
  type: "histogram",
  aggregator: "sum",
  values: [
    { metricName: "troupe_batch_rows_bucket", labels: { le: 1, model_id: "iris" }, value: 2 },
    { metricName: "troupe_batch_rows_bucket", labels: { le: "+Inf", model_id: "iris" }, value: 2 },
    { labels: {}, value: -1.5 },
  ],
};

const objective = {
  p99Ms: 20,
  maxRows: 9,
  delayMs: 2,
  throughputFirst: true,
  fixedMs: 1.2,
  rowMs: 0.9,
  observedP99Ms: 17.5,
  reason: "as it should",
};
const unknown = { fixedMs: null, rowMs: null, observedP99Ms: null };

function metadata(batching: Batching): ModelMetadata {
  return {
    inputs: datatypes.map((datatype, at) => ({
      name: `input ${at}`,
      datatype,
      shape: [-1, 3, at],
      batchAxis: at % 2 === 0 ? 0 : null,
    })),
    outputs: [{ name: "y", datatype: "FP32", shape: [], batchAxis: null }],
    batching,
    notServable: [{ name: "map", reason: "it is a map" }],
    state: [],
    stream: null,
    externalFiles: ["weights.bin"],
  };
}

const pair = { input: 1, output: 0, found: true };
const stream = { input: 2, window: 576, hop: 512, pad: "zeros" } as const;

/** Of a model that remembers. */
function remembering(fields: Partial<ModelMetadata>): ModelMetadata {
  return { ...metadata({ type: "batched", maxBatchSize: 8 }), state: [pair], stream, ...fields };
}

const hostEvents: readonly HostEvent[] = [
  { type: "booted" },
  { type: "loaded" },
  { type: "tried", result: trialResult({}) },
  { type: "ready", metadata: metadata({ type: "batched", maxBatchSize: 8 }) },
  { type: "ready", metadata: metadata({ type: "one-by-one", reason: "fixed" }) },
  { type: "ready", metadata: metadata({ type: "unbatched", reason: "mixed" }) },
  { type: "ready", metadata: remembering({}) },
  { type: "ready", metadata: remembering({ state: [pair, { ...pair, input: 13, found: false }] }) },
  { type: "ready", metadata: remembering({ stream: { ...stream, input: 0, pad: "none" } }) },
  { type: "ready", metadata: remembering({ stream: null }) },
  { type: "step", step: "warmup" },
  { type: "step", step: "golden" },
  { type: "refused", reason: "no ONNX" },
  { type: "logged", level: "warn", message: "breaker" },
  { type: "answered" },
  { type: "slow", reason: "its runs are long" },
  { type: "engine", thread: "main", reason: "it is quick" },
  { type: "beat", isResting: false, figures, load },
  { type: "beat", isResting: false, figures, load: { ...load, objective } },
  {
    type: "beat",
    isResting: false,
    figures,
    load: { ...load, objective: { ...objective, ...unknown } },
  },
  { type: "metrics", reportId: 4, metrics: [snapshot] },
  { type: "suspect", fingerprint: "abc" },
  { type: "cleared", fingerprint: "abc" },
  { type: "overrun", fingerprint: null, reason: "long" },
  { type: "overrun", fingerprint: "abc", reason: "long" },
  { type: "drained" },
];

const doorEvents: readonly DoorEvent[] = [
  { type: "booted" },
  { type: "listening", port: 8_080 },
  { type: "listen-failed", reason: "EADDRINUSE" },
  { type: "beat", isResting: true, figures },
  { type: "metrics", reportId: 0, metrics: [snapshot] },
  { type: "query", queryId: 1, question: { type: "tree" } },
  { type: "upload-progress", uploadId: "u", bytes: 7 },
  { type: "upload-dropped", uploadId: "u", code: "cancelled", reason: "the client left" },
  { type: "silent", hostId: "iris/1#0.1" },
  { type: "violation", hostId: "iris/1#0.1", reason: "garbage" },
  { type: "drained" },
];

/** As it is after the channel, which writes JSON. */
function sent(event: unknown): unknown {
  return JSON.parse(JSON.stringify(event));
}

function label(event: { readonly type: string }): string {
  return JSON.stringify(event).slice(0, 70);
}

const parsers = [
  { name: "parseHostEvent", parse: parseHostEvent, events: hostEvents },
  { name: "parseDoorEvent", parse: parseDoorEvent, events: doorEvents },
] as const;

for (const { name, parse, events } of parsers) {
  describe(name, () => {
    for (const event of events) {
      it(`reads ${label(event)}`, () => assert.deepEqual(parse(sent(event)), event));

      it(`keeps nothing else of ${label(event)}`, () =>
        assert.deepEqual(parse({ ...event, extra: 1, toString: 2 }), event));

      it(`misses each field of ${label(event)}`, () => {
        for (const field of Object.keys(event)) {
          assert.equal(parse({ ...event, [field]: undefined }), undefined, field);
        }
      });
    }

    const junk: readonly unknown[] = [
      undefined,
      null,
      0,
      "booted",
      [],
      [{ type: "booted" }],
      {},
      { type: 1 },
      { type: "toString" },
      { type: "__proto__" },
      { type: ["booted"] },
      { type: "booted".repeat(1_000) },
    ];
    for (const message of junk) {
      it(`refuses ${JSON.stringify(message)?.slice(0, 40)}`, () =>
        assert.equal(parse(message), undefined));
    }

    it("refuses, and never throws, whatever stands in whichever place", () => {
      const random = seededRandom(7);
      for (let round = 0; round < 5_000; round += 1) {
        const event = sent(events[round % events.length]);
        spoil(event, random);
        const parsed = parse(event);
        if (parsed !== undefined) assert.deepEqual(parse(sent(parsed)), parsed);
      }
    });
  });
}

const hostile: readonly unknown[] = [
  null,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 60,
  true,
  "",
  "x".repeat(5_000),
  [],
  [[[]]],
  {},
  { length: 3 },
  { __proto__: null },
  JSON.parse('{"__proto__": {"type": "booted"}}'),
  10n,
  Symbol("x"),
  () => 1,
];

/** Puts something hostile in one place of the message. */
function spoil(message: unknown, random: () => number): void {
  const places: { readonly owner: Record<string, unknown>; readonly key: string }[] = [];
  collect(message, places);
  const place = places[Math.floor(between(random, 0, places.length))];
  if (place === undefined) return;
  place.owner[place.key] = hostile[Math.floor(between(random, 0, hostile.length))];
}

function collect(
  value: unknown,
  places: { readonly owner: Record<string, unknown>; readonly key: string }[],
): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    places.push({ owner: value as Record<string, unknown>, key });
    collect((value as Record<string, unknown>)[key], places);
  }
}

function trialResult(change: Readonly<Record<string, unknown>>) {
  const model = metadata({ type: "batched", maxBatchSize: 8 });
  return { stamp: "65024-100-326-1795", metadata: model, onThread: true, ...change };
}

function ready(change: Readonly<Record<string, unknown>>): unknown {
  const [input, ...others] = metadata({ type: "batched", maxBatchSize: 8 }).inputs;
  return {
    type: "ready",
    metadata: {
      ...metadata({ type: "batched", maxBatchSize: 8 }),
      inputs: [{ ...input, ...change }, ...others],
    },
  };
}

function memory(change: Readonly<Record<string, unknown>>): unknown {
  return { type: "ready", metadata: { ...remembering({}), ...change } };
}

function state(change: Readonly<Record<string, unknown>>): unknown {
  return memory({ state: [pair, { ...pair, ...change }] });
}

function streaming(change: Readonly<Record<string, unknown>>): unknown {
  return memory({ stream: { ...stream, ...change } });
}

function beat(change: Readonly<Record<string, unknown>>): unknown {
  return {
    type: "beat",
    isResting: false,
    figures: { ...figures, ...change },
    load: { ...load, ...change },
  };
}

function metrics(change: Readonly<Record<string, unknown>>): unknown {
  return { type: "metrics", reportId: 1, metrics: [{ ...snapshot, ...change }] };
}

function values(value: unknown): unknown {
  return metrics({ values: [value] });
}

describe("a hostile host", () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ["memory that is not a number", beat({ rssBytes: "1" })],
    ["memory below zero", beat({ rssBytes: -1 })],
    ["half a byte", beat({ rssBytes: 0.5 })],
    ["CPU time that is NaN", beat({ cpuSeconds: Number.NaN })],
    ["a delay without end", beat({ eventLoopDelayMs: Number.POSITIVE_INFINITY })],
    ["rows below zero", beat({ queueRows: -1 })],
    ["a breaker in no known state", beat({ breaker: "broken" })],
    ["a breaker in a list", beat({ breaker: ["open"] })],
    ["sequences below zero", beat({ sequences: -1 })],
    ["no objective and no null", beat({ objective: undefined })],
    ["half a row", beat({ objective: { ...objective, maxRows: 0.5 } })],
    ["a p99 that is NaN", beat({ objective: { ...objective, observedP99Ms: Number.NaN } })],
    ["a flag that is none", beat({ objective: { ...objective, throughputFirst: 1 } })],
    ["a reason that is none", beat({ objective: { ...objective, reason: 7 } })],
    ["a reason without end", beat({ objective: { ...objective, reason: "x".repeat(5_000) } })],
    ["half a sequence", beat({ sequences: 0.5 })],
    ["sequences that are a list", beat({ sequences: [6] })],
    ["sequences of which it says nothing", beat({ sequences: undefined })],
    ["external files that are no list", memory({ externalFiles: "weights.bin" })],
    ["an external file that is no name", memory({ externalFiles: [1] })],
    ["an external file of too long a name", memory({ externalFiles: ["x".repeat(256)] })],
    ["external files of which it says nothing", memory({ externalFiles: undefined })],
    ["a datatype that is none", ready({ datatype: "FP8" })],
    ["a shape that is no list", ready({ shape: { 0: 1, length: 1 } })],
    ["a shape of texts", ready({ shape: ["1"] })],
    ["a shape with NaN", ready({ shape: [Number.NaN] })],
    ["a shape of too many sizes", ready({ shape: new Array(5_001).fill(1) })],
    ["half an axis", ready({ batchAxis: 0.5 })],
    ["an axis before the first", ready({ batchAxis: -1 })],
    ["a name that is no text", ready({ name: { toString: () => "x" } })],
    ["a name too long", ready({ name: "x".repeat(4_097) })],
    [
      "too many inputs",
      {
        type: "ready",
        metadata: {
          ...metadata({ type: "batched", maxBatchSize: 8 }),
          inputs: new Array(5_001).fill(null),
        },
      },
    ],
    [
      "batching of no known kind",
      {
        type: "ready",
        metadata: { ...metadata({ type: "unbatched", reason: "" }), batching: { type: "all" } },
      },
    ],
    ["a trial without a stamp", { type: "tried", result: trialResult({ stamp: null }) }],
    ["a stamp too long", { type: "tried", result: trialResult({ stamp: "1".repeat(500_001) }) }],
    ["a trial of no model", { type: "tried", result: trialResult({ metadata: null }) }],
    ["a trial on some thread", { type: "tried", result: trialResult({ onThread: "yes" }) }],
    ["no trial", { type: "tried", result: null }],
    ["a state of which it says nothing", memory({ state: undefined })],
    ["no state", memory({ state: null })],
    ["a state that is no list", memory({ state: { 0: pair, length: 1 } })],
    ["a state of numbers", memory({ state: [1] })],
    ["too many states", memory({ state: new Array(5_001).fill(pair) })],
    ["a state in an input behind the last", state({ input: 14 })],
    ["a state in an input before the first", state({ input: -1 })],
    ["a state in half an input", state({ input: 0.5 })],
    ["a state in an input by name", state({ input: "input 1" })],
    ["a state in no input", state({ input: null })],
    ["a state out of an output behind the last", state({ output: 1 })],
    ["a state out of an output before the first", state({ output: -1 })],
    ["a state out of an output in a list", state({ output: [0] })],
    ["a state that was found somehow", state({ found: 1 })],
    ["a state found or not, it does not say", state({ found: undefined })],
    ["a stream of which it says nothing", memory({ stream: undefined })],
    ["a stream that is a text", memory({ stream: "x" })],
    ["a stream that is a list", memory({ stream: [stream] })],
    ["a stream into an input behind the last", streaming({ input: 14 })],
    ["a stream into an input before the first", streaming({ input: -1 })],
    ["a stream into an input by name", streaming({ input: "input 2" })],
    ["a window below zero", streaming({ window: -1 })],
    ["a window without end", streaming({ window: Number.POSITIVE_INFINITY })],
    ["a window that is a text", streaming({ window: "576" })],
    ["half a hop", streaming({ hop: 0.5 })],
    ["a hop of which it says nothing", streaming({ hop: undefined })],
    ["padding of no known kind", streaming({ pad: "ones" })],
    ["padding in a list", streaming({ pad: ["zeros"] })],
    ["a metric whose name breaks the lines", metrics({ name: "a\nb 1" })],
    ["a metric without a name", metrics({ name: "" })],
    ["a metric of no known type", metrics({ type: "summary" })],
    ["a metric summed in no known way", metrics({ aggregator: "omit" })],
    ["a value that is NaN", values({ value: Number.NaN, labels: {} })],
    ["a value that is a text", values({ value: "1", labels: {} })],
    ["a label whose name is none", values({ value: 1, labels: { 'a="b"} 1\nc{': "x" } })],
    ["a label that is an object", values({ value: 1, labels: { a: {} } })],
    ["labels that are a list", values({ value: 1, labels: [] })],
    ["a value's name that is none", values({ value: 1, labels: {}, metricName: "a b" })],
    ["metrics that are no list", { type: "metrics", reportId: 1, metrics: { length: 1 } }],
    [
      "a report that it was not asked for by number",
      { type: "metrics", reportId: "1", metrics: [] },
    ],
    ["a step that is none", { type: "step", step: "trial" }],
    ["a fingerprint that is a number", { type: "suspect", fingerprint: 1 }],
    ["an overrun without a fingerprint", { type: "overrun", reason: "long" }],
  ];
  for (const [name, message] of rows) {
    it(`is not believed ${name}`, () => assert.equal(parseHostEvent(message), undefined));
  }

  it("changes no prototype by a label", () => {
    const labels = JSON.parse('{"__proto__": "x"}');
    const event = parseHostEvent(values({ value: 1, labels }));
    assert.ok(event?.type === "metrics");
    const [value] = event.metrics[0]?.values ?? [];
    assert.deepEqual(Object.getOwnPropertyNames(value?.labels), ["__proto__"]);
    assert.equal("x" in {}, false);
  });
});

describe("a front door", () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ["a port below zero", { type: "listening", port: -1 }],
    [
      "a question about something else",
      { type: "query", queryId: 1, question: { type: "secrets" } },
    ],
    ["an upload of half a byte", { type: "upload-progress", uploadId: "u", bytes: 0.5 }],
    ["an upload without a name", { type: "upload-dropped", uploadId: null }],
    ["a violation by nobody", { type: "violation", hostId: null, reason: "" }],
  ];
  for (const [name, message] of rows) {
    it(`is not believed ${name}`, () => assert.equal(parseDoorEvent(message), undefined));
  }

  it("may serve a thousand models, of which each has its stages", () => {
    const series = Array.from({ length: 40_000 }, (_, at) => ({
      labels: { model_id: `model-${at}` },
      value: at,
    }));
    const event = { type: "metrics", reportId: 1, metrics: [{ ...snapshot, values: series }] };
    assert.deepEqual(parseDoorEvent(event), event);
  });
});
