import type { Door, Work, WorkSlice } from "../../model-host/work.ts";
import type { Failure } from "../../src/protocol/errors.ts";
import type { HostStages } from "../../src/protocol/frames.ts";
import type { AnswerBody } from "../../src/protocol/host-frames.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { EndReason } from "../../src/protocol/sequences.ts";
import type { Codec, ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

export type Said =
  | { readonly type: "running"; readonly ids: readonly number[] }
  | { readonly type: "chunk"; readonly id: number; readonly body: unknown }
  | {
      readonly type: "done";
      readonly id: number;
      readonly rows: number;
      readonly body: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "failed"; readonly id: number; readonly failure: Failure }
  | { readonly type: "ended"; readonly key: string; readonly reason: EndReason };

/** Keeps what it is told to send, bodies parsed. */
export class FakeDoor implements Door {
  readonly said: Said[] = [];
  readonly stages: HostStages[] = [];
  /** How much had been said at each flush. */
  readonly flushes: number[] = [];

  running(ids: readonly number[]): void {
    this.said.push({ type: "running", ids });
  }

  chunk(id: number, body: AnswerBody): void {
    this.said.push({ type: "chunk", id, body: parsed(body.json) });
  }

  done({ id, rows, body, stages }: Parameters<Door["done"]>[0]): void {
    this.stages.push(stages);
    this.said.push({ type: "done", id, rows, body: parsed(body.json) });
  }

  failed({ id, failure }: Parameters<Door["failed"]>[0]): void {
    this.said.push({ type: "failed", id, failure });
  }

  ended(key: string, reason: EndReason): void {
    this.said.push({ type: "ended", key, reason });
  }

  flush(): void {
    this.flushes.push(this.said.length);
  }
}

function parsed(body: Uint8Array): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(body).toString());
}

export interface WorkFields extends Partial<Omit<Work, "request">> {
  readonly inputs?: readonly Tensor[];
  readonly outputs?: readonly number[];
  readonly codec?: Codec;
}

export function fakeWork(fields: WorkFields = {}): Work {
  const { inputs = [], outputs = [0], rows = 1, ...rest } = fields;
  return {
    id: 1,
    door: new FakeDoor(),
    requestId: "r",
    codec: predictCodec,
    request: { inputs, rows, outputs, id: undefined, bringsState: false, isSignal: false },
    stream: false,
    hurried: false,
    sequence: null,
    signal: null,
    lane: null,
    fingerprint: null,
    key: "",
    rows,
    bytes: 0,
    priority: "normal",
    deadlineAt: 1_000,
    alone: false,
    arrivedAt: 0,
    decodeUs: 0,
    ownMemory: null,
    parts: [],
    nextRow: 0,
    credit: Number.POSITIVE_INFINITY,
    queueUs: 0,
    runUs: 0,
    encodeUs: 0,
    settled: false,
    ...rest,
  };
}

export function whole(work: Work): WorkSlice {
  return { work, fromRow: 0, rows: work.rows };
}

/** A model of that metadata, every input of which must come unless it has a stand-in. */
export function servedModel(
  metadata: ModelMetadata,
  standIns: readonly (Tensor | null)[] = metadata.inputs.map(() => null),
): ServedModel {
  return { name: "m", version: "1", labels: [], metadata, standIns };
}
