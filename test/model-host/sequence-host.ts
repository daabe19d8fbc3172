import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { NamedTensor } from "../../model-host/engine.ts";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Work } from "../../model-host/work.ts";
import type { HostSpec } from "../../src/protocol/control.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import type { Batching, ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { SequenceClaim } from "../../src/protocol/sequences.ts";
import { FakeClock } from "../fake-clock.ts";
import { type Compute, FakeEngine, fp32, numbersOf } from "./fake-engine.ts";
import { FakeDoor, type Said } from "./fake-work.ts";
import { hostSpec, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

const batched: Batching = { type: "batched", maxBatchSize: 4 };

export function spec(
  name: string,
  shape: readonly number[],
  batchAxis: number | null = 0,
): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

/** Remembers `h`. */
export function modelMetadata(x: TensorSpec, h: TensorSpec, batching = batched): ModelMetadata {
  return {
    inputs: [x, h],
    outputs: [
      { ...x, name: "y" },
      { ...h, name: "hn" },
    ],
    batching,
    notServable: [],
    externalFiles: [],
    state: [{ input: 1, output: 1, found: true }],
    stream: null,
  };
}

const summing = modelMetadata(spec("x", [-1, 1]), spec("h", [-1, 1]));

/** Both the answer and what is remembered are the sum of what comes and what was remembered; 13 fails. */
const sum: Compute = ([x, h]) => {
  const [input, state] = [x, h] as [NamedTensor, NamedTensor];
  const cells = numbersOf(input);
  if (cells.includes(13)) throw new Error("unlucky");
  const remembered = numbersOf(state);
  const sums = cells.map((cell, at) => cell + (remembered[at] ?? 0));
  return { y: fp32(input.shape, sums), hn: fp32(state.shape, sums) };
};

export interface Setting {
  readonly spec?: Partial<HostSpec>;
  readonly metadata?: ModelMetadata;
  readonly compute?: Compute;
  /** Whether a run does not end before it is let. */
  readonly isGated?: boolean;
}

export function setUp({
  spec: fields,
  metadata = summing,
  compute = sum,
  isGated = false,
}: Setting = {}) {
  const clock = new FakeClock();
  const engine = new FakeEngine(compute);
  engine.isGated = isGated;
  const metrics = createHostMetrics("m", "1");
  const breaker = { errorThresholdPercent: 50, minRequests: 3, windowMs: 10_000, resetMs: 5_000 };
  /** How many sequences there were whenever front doors were to hear of the load at once. */
  const pressures: number[] = [];
  const host: Host = new Host({
    spec: hostSpec({ breaker, ...fields }),
    metadata,
    engine,
    clock,
    metrics,
    log: quietLog,
    tell: async () => undefined,
    onPressure: () => pressures.push(host.pressure.sequences),
    onWork: () => undefined,
  });
  const door = new FakeDoor();
  const done = door.done.bind(door);
  door.done = (answer) => {
    if (answer.id === 404) throw new RangeError("Invalid string length");
    done(answer);
  };
  return { clock, engine, metrics, pressures, host, door };
}

export type Parts = ReturnType<typeof setUp>;

export type Fields = Partial<Omit<RequestFrame, "sequence">> & { readonly door?: FakeDoor };

export function askBody(
  { host, door }: Parts,
  body: unknown,
  claim: SequenceClaim | null,
  fields: Fields,
) {
  const { door: other, ...rest } = fields;
  return host.accept(requestFrame(body, { sequence: claim, ...rest }), other ?? door);
}

export function claimOf(key: string, start: boolean): SequenceClaim {
  return { key: key.replace("/", ""), start, end: key.endsWith("/"), shared: key.startsWith("s") };
}

/** The first frame of a sequence, which brings the value, under it as its number; `a/` is its last too. */
export function begin(
  parts: Parts,
  key: string,
  value: number,
  fields: Fields = {},
): Work | undefined {
  return askBody(parts, { features: [[value]] }, claimOf(key, true), { id: value, ...fields });
}

export function goOn(
  parts: Parts,
  key: string,
  value: number,
  fields: Fields = {},
): Work | undefined {
  return askBody(parts, { features: [[value]] }, claimOf(key, false), { id: value, ...fields });
}

/** As `begin`, for each of the keys and its value. */
export function beginAll(parts: Parts, values: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(values)) begin(parts, key, value);
}

export function askAlone(parts: Parts, value: number, fields: Fields = {}): Work | undefined {
  return askBody(parts, { features: [[value]] }, null, { id: value, ...fields });
}

export function present(work: Work | undefined): Work {
  assert.ok(work !== undefined);
  return work;
}

export async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await turn();
}

export async function serve(parts: Parts): Promise<void> {
  parts.host.pump();
  await settle();
}

/** Lets the run that is under way end, and the next begin. */
export async function letOneEnd({ engine }: Parts): Promise<void> {
  engine.letOneEnd();
  await settle();
}

/** From now on a run ends by itself. */
export async function letAllEnd(parts: Parts): Promise<void> {
  parts.engine.isGated = false;
  await letOneEnd(parts);
}

function inShort(said: Said): string {
  switch (said.type) {
    case "running":
      return `running ${said.ids.join(" ")}`;
    case "chunk": {
      const { position, predictions } = said.body as Record<string, unknown>;
      return `${said.id} chunk at ${position} ${JSON.stringify(predictions)}`;
    }
    case "done":
      return `${said.id} done ${JSON.stringify(said.body["predictions"] ?? said.body["rows"])}`;
    case "failed":
      return `${said.id} failed ${said.failure.code}`;
    case "ended":
      return `${said.key} ended ${said.reason}`;
  }
}

/** All but what was about to run. */
export function said({ door }: { readonly door: FakeDoor }): readonly string[] {
  return door.said.filter(({ type }) => type !== "running").map(inShort);
}

/** The values in each run, in order. */
export function runs({ engine }: Parts): readonly (readonly number[])[] {
  return engine.runs.map(({ inputs: [x] }) => (x === undefined ? [] : numbersOf(x)));
}

/** What a host still has. */
export function left({ host }: Parts) {
  const { queueRows, inFlight, sequences } = host.load;
  return { queueRows, inFlight, sequences };
}
