import type { Clock } from "../src/platform/clock.ts";
import type { CodecName, RequestFrame } from "../src/protocol/frames.ts";
import { initialChunkCredit } from "../src/protocol/frames.ts";
import type { Codec, DecodedRequest, ServedModel } from "../src/tensors/codec.ts";
import type { TypedArray } from "../src/tensors/datatypes.ts";
import { plainOutputs } from "../src/tensors/model-state.ts";
import { nexusCodec } from "../src/tensors/nexus-codec.ts";
import { platformCodec } from "../src/tensors/platform-codec.ts";
import { predictBinaryCodec, predictCodec } from "../src/tensors/predict-codec.ts";
import { sampleCodec } from "../src/tensors/sample-codec.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import { v2BinaryCodec, v2Codec, v2ContentsCodec } from "../src/tensors/v2-codec.ts";
import { v2RawCodec } from "../src/tensors/v2-raw-codec.ts";
import { cutWindows } from "../src/tensors/windows.ts";
import { invalidRequest } from "../src/tensors/wording.ts";
import { batchKey } from "./batch-key.ts";
import type { Sequence } from "./sequence.ts";
import type { Door, Work, WorkSignal } from "./work.ts";

const codecs: Readonly<Record<CodecName, Codec>> = {
  predict: predictCodec,
  v2: v2Codec,
  int16: sampleCodec("int16"),
  int32: sampleCodec("int32"),
  float32: sampleCodec("float32"),
  "predict-binary": predictBinaryCodec,
  "v2-binary": v2BinaryCodec,
  "v2-raw": v2RawCodec,
  "v2-contents": v2ContentsCodec,
  nexus: nexusCodec,
  platform: platformCodec,
};

export interface DecodeOptions {
  readonly model: ServedModel;
  readonly clock: Clock;
  /** What the request belongs to; null where it stands for itself. */
  readonly sequence: Sequence | null;
  readonly fingerprint: ((request: DecodedRequest) => string) | undefined;
}

/** Throws `invalid-request` where the body is not what the model takes. */
export function decodeWork(frame: RequestFrame, door: Door, options: DecodeOptions): Work {
  const { model, clock, sequence, fingerprint } = options;
  const beganAt = clock.now();
  const codec = codecs[frame.codec];
  const request = codec.decode(frame.body, model);
  const signal = signalOf(request, model, sequence);
  if (sequence !== null) checkFrame(request, model);
  const arrivedAt = clock.now();
  const stream = frame.stream || signal !== null;
  const bodyDeadlineAt = arrivedAt + (request.timeoutMs ?? Number.POSITIVE_INFINITY);
  const work: Work = {
    id: frame.id,
    door,
    requestId: frame.requestId,
    codec,
    request,
    stream,
    hurried: frame.hurried === true,
    sequence,
    signal,
    lane: sequence?.lane ?? null,
    fingerprint: fingerprint?.(request) ?? null,
    key: null,
    rows: signal?.count ?? request.rows,
    bytes: Math.max(frame.body.length, signal?.bytes ?? 0),
    priority: frame.priority === "normal" ? (request.priority ?? "normal") : frame.priority,
    deadlineAt: Math.min(frame.deadlineAt, bodyDeadlineAt),
    alone: frame.alone,
    arrivedAt,
    decodeUs: (arrivedAt - beganAt) * 1_000,
    ownMemory: ownMemoryOf(request, frame),
    parts: [],
    nextRow: 0,
    credit: stream ? initialChunkCredit : Number.POSITIVE_INFINITY,
    queueUs: 0,
    runUs: 0,
    encodeUs: 0,
    settled: false,
  };
  work.key = batchKey(work, model);
  return work;
}

/** Of the frame, where inputs are views of it. */
function ownMemoryOf({ inputs }: DecodedRequest, { ownMemory }: RequestFrame): ArrayBuffer | null {
  const isView = ({ data }: Tensor) => ArrayBuffer.isView(data) && data.buffer === ownMemory;
  return ownMemory !== undefined && inputs.some(isView) ? ownMemory : null;
}

/** The windows that the request makes whole; nothing of the sequence changes before the request is taken. */
function signalOf(
  request: DecodedRequest,
  { metadata }: ServedModel,
  sequence: Sequence | null,
): WorkSignal | null {
  if (!request.isSignal) return null;
  const { stream, inputs } = metadata;
  const spec = stream === null ? undefined : inputs[stream.input];
  if (stream === null || spec === undefined || sequence === null || sequence.signal === null) {
    throw invalidRequest(
      "Cannot read samples: they belong to a sequence, send them over a WebSocket",
    );
  }
  const samples = request.inputs[stream.input]?.data as TypedArray;
  const cut = cutWindows(sequence.signal, samples, stream, spec);
  const bytes = samples.byteLength + sequence.signal.carried.byteLength;
  return { ...cut, position: sequence.signal.position, hop: stream.hop, bytes };
}

/** A sequence is one row after the other, and what it remembers stays here. */
function checkFrame({ rows, bringsState, outputs }: DecodedRequest, model: ServedModel): void {
  if (rows !== 1) {
    throw invalidRequest(`Cannot read frame: expected one row in a sequence, got ${rows}`);
  }
  const answers = plainOutputs(model);
  const asked = outputs.find((output) => !answers.includes(output));
  if (!bringsState && asked === undefined) return;
  const { inputs, outputs: known, state } = model.metadata;
  const name = bringsState
    ? `input '${inputs[state[0]?.input ?? 0]?.name}'`
    : `output '${known[asked ?? 0]?.name}'`;
  throw invalidRequest(
    `Cannot read frame: the state of a sequence stays in the server, got ${name}`,
  );
}
