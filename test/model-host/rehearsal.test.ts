import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import { rehearse } from "../../model-host/rehearsal.ts";
import { snapshotOf } from "../../src/platform/metrics.ts";
import type { HostEvent, HostSpec } from "../../src/protocol/control.ts";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeEngine, fp32, mapped, numbersOf, value } from "./fake-engine.ts";
import { hostSpec, quietLog } from "./host-spec.ts";

const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, 1], batchAxis: 0 };

function metadataOf(
  outputs: readonly string[],
  fields: Partial<ModelMetadata> = {},
): ModelMetadata {
  return {
    inputs: [x],
    outputs: outputs.map((name) => ({ ...x, name })),
    batching: { type: "batched", maxBatchSize: 4 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
    ...fields,
  };
}

interface Setting {
  readonly spec?: Partial<HostSpec>;
  readonly metadata?: ModelMetadata;
  readonly runMs?: number;
  readonly isWarm?: boolean;
}

/** A model that doubles, and triples where it is asked; 13 fails. */
function setUp(setting: Setting = {}) {
  const { spec = {}, metadata = metadataOf(["y"]), runMs = 1, isWarm = false } = setting;
  const engine = new FakeEngine(([cells, state]) => {
    if (cells === undefined || numbersOf(cells).includes(13)) throw new Error("unlucky");
    const y = mapped(cells, (cell) => 2 * cell);
    return { y, z: mapped(cells, (cell) => 3 * cell), hn: state ?? fp32([1, 1]) };
  });
  const run = engine.run.bind(engine);
  engine.run = async (inputs, fetches) => ({ ...(await run(inputs, fetches)), runMs });
  const told: HostEvent[] = [];
  const metrics = createHostMetrics("m", "1");
  const parts = {
    spec: hostSpec(spec),
    metadata,
    engine,
    clock: new FakeClock(),
    metrics,
    log: quietLog,
    tell: async (event: HostEvent) => void told.push(event),
    onPressure: () => assert.fail("no front door is there to hear"),
    onWork: () => undefined,
  };
  const model = {
    externalFiles: [],
    stamp: "",
    inputs: metadata.inputs.map(({ name }) => value(name, ["batch", 1])),
    outputs: metadata.outputs.map(({ name }) => value(name, ["batch", 1])),
  };
  return { engine, told, metrics, rehearse: () => rehearse(parts, { model, isWarm }) };
}

type Parts = ReturnType<typeof setUp>;

function runs({ engine }: Parts): readonly (readonly number[])[] {
  return engine.runs.map(({ inputs: [cells] }) => (cells === undefined ? [] : numbersOf(cells)));
}

function body(...values: readonly number[]): string {
  return JSON.stringify({ features: values.map((cell) => [cell]) });
}

function golden(request: string, outputs: unknown, tolerance = 0.001) {
  return { request, outputs: JSON.stringify(outputs), tolerance };
}

const warmup = { type: "step", step: "warmup" };
const proof = { type: "step", step: "golden" };

async function refusal(setting: Setting): Promise<unknown> {
  const parts = setUp(setting);
  const thrown = await parts.rehearse().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown === undefined) return undefined;
  const { code, message } = thrown as { code: string; message: string };
  return [code, message];
}

describe("a rehearsal's warm-up", () => {
  it("runs each body in turn, and says so before", async () => {
    const parts = setUp({ spec: { warmup: [body(1), body(2, 3)] } });
    await parts.rehearse();
    assert.deepEqual([runs(parts), parts.told], [[[1], [2, 3]], [warmup]]);
  });

  it("waits for no company", async () => {
    const batching = { maxBatchSize: 4, maxQueueDelayMs: 10_000 };
    const parts = setUp({ spec: { warmup: [body(1)], batching } });
    await parts.rehearse();
    assert.deepEqual(runs(parts), [[1]]);
  });

  it("does not batch for an objective", async () => {
    const objective = { p99Ms: 1 };
    const parts = setUp({ spec: { warmup: [body(1), body(2, 3, 4)], objective } });
    await parts.rehearse();
    assert.deepEqual(runs(parts), [[1], [2, 3, 4]]);
  });

  it("runs no made-up rows where the choice of the engine has run them", async () => {
    const parts = setUp({ isWarm: true });
    await parts.rehearse();
    assert.deepEqual(runs(parts), []);
  });

  it("runs nothing where there is an empty list", async () => {
    const parts = setUp({ spec: { warmup: [] } });
    await parts.rehearse();
    assert.deepEqual(runs(parts), []);
  });

  it("is not counted among what the host serves", async () => {
    const parts = setUp();
    const before = await snapshotOf(parts.metrics.registry);
    const other = setUp({ spec: { warmup: [body(1)] } });
    await other.rehearse();
    assert.deepEqual(await snapshotOf(other.metrics.registry), before);
  });

  it("makes rows up, more and more, where there is no list", async () => {
    const parts = setUp();
    await parts.rehearse();
    assert.deepEqual(
      runs(parts).map((cells) => cells.length),
      [1, 2, 4],
    );
  });

  it("makes no more rows up once they take long", async () => {
    const parts = setUp({ runMs: 50 });
    await parts.rehearse();
    assert.equal(runs(parts).length, 1);
  });

  it("makes no rows up where they have killed a host", async () => {
    const parts = setUp({ spec: { skipTrial: "it crashed" } });
    await parts.rehearse();
    assert.deepEqual([runs(parts), parts.told], [[], [warmup]]);
  });

  it("makes rows up for a model that refuses them", async () => {
    const parts = setUp();
    parts.engine.run = () => Promise.reject(new Error("not these"));
    await parts.rehearse();
    assert.deepEqual(parts.told, [warmup]);
  });

  const failures: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["cannot be read", [body(1), "{}"], /^warmup\[1\]: .*features/],
    ["is no JSON", ["{"], /^warmup\[0\]: Cannot parse body/],
    ["fails", [body(13)], /^warmup\[0\]: internal error$/],
  ];
  for (const [what, bodies, words] of failures) {
    it(`refuses the model where a request ${what}`, async () => {
      const parts = setUp({ spec: { warmup: bodies } });
      await assert.rejects(parts.rehearse(), { code: "invalid-model", message: words });
    });
  }
});

describe("a rehearsal's golden samples", () => {
  const quiet = { warmup: [] };

  it("are run after the warm-up", async () => {
    const samples = [golden(body(2), { y: [[4]] }), golden(body(3, 4), { y: [[6], [8]] })];
    const parts = setUp({ spec: { warmup: [body(1)], golden: samples } });
    await parts.rehearse();
    assert.deepEqual(
      [runs(parts), parts.told],
      [
        [[1], [2], [3, 4]],
        [warmup, proof],
      ],
    );
  });

  it("may be larger than a batch", async () => {
    const samples = [golden(body(1, 2, 3, 4, 5), { y: [[2], [4], [6], [8], [10]] })];
    assert.equal(await refusal({ spec: { ...quiet, golden: samples } }), undefined);
  });

  it("name the first number that is wrong", async () => {
    const samples = [golden(body(2), { y: [[4]] }), golden(body(3, 4), { y: [[6], [8.1]] })];
    assert.deepEqual(await refusal({ spec: { ...quiet, golden: samples } }), [
      "invalid-model",
      "golden[1]: output 'y' at [1][0] must be 8.1 within 0.001, got 8",
    ]);
  });

  it("know a model's outputs by name", async () => {
    const metadata = metadataOf(["y", "z"]);
    const samples = [golden(body(2), { z: [[6]], y: [[4]] }), golden(body(2), { z: [[7]] })];
    assert.deepEqual(await refusal({ metadata, spec: { ...quiet, golden: samples } }), [
      "invalid-model",
      "golden[1]: output 'z' at [0][0] must be 7 within 0.001, got 6",
    ]);
  });

  it("leave out what the model remembers", async () => {
    const metadata = metadataOf(["y", "hn"], {
      inputs: [x, { ...x, name: "h" }],
      state: [{ input: 1, output: 1, found: true }],
    });
    const request = JSON.stringify({ inputs: { x: [[2]] } });
    const samples = [golden(request, { y: [[4]] }), golden(request, { hn: [[0]] })];
    assert.deepEqual(await refusal({ metadata, spec: { ...quiet, golden: samples } }), [
      "invalid-model",
      "golden[1]: output 'hn' is not in the answer, which has 'y'",
    ]);
  });

  it("refuse the model where a request fails, or what is expected cannot be read", async () => {
    const unreadable = { request: body(1), outputs: "[", tolerance: 0 };
    const refusals = await Promise.all(
      [golden(body(13), { y: [[26]] }), unreadable].map((sample) =>
        refusal({ spec: { ...quiet, golden: [sample] } }),
      ),
    );
    assert.deepEqual(refusals, [
      ["invalid-model", "golden[0]: internal error"],
      ["invalid-model", "golden[0]: its outputs must be a JSON object of output names"],
    ]);
  });
});
