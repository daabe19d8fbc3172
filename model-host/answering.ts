import { TroupeError } from "../src/protocol/errors.ts";
import type { AnswerBody } from "../src/protocol/host-frames.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { concatenate } from "../src/tensors/stacking.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { HostMetrics } from "./host-metrics.ts";
import type { Work, WorkSlice } from "./work.ts";
import { tellTrace } from "./work-trace.ts";

/**
 * Answers with the outputs of a slice that has run: a stream at once, a request of several slices when the last is
 * there. True when the request has its whole answer.
 */
export function answerWork(
  slice: WorkSlice,
  outputs: readonly Tensor[],
  model: ServedModel,
  metadata: ModelMetadata,
  metrics: HostMetrics,
): boolean {
  const { work } = slice;
  checkSize(outputs);
  const isLast = slice.fromRow + slice.rows >= work.rows;
  if (work.stream) {
    const beganAt = performance.now();
    sendChunk(slice, outputs, model);
    work.encodeUs += (performance.now() - beganAt) * 1_000;
    if (isLast) finish(work, endOf(work, work.rows, model), metrics, 0);
    return isLast;
  }
  work.parts.push(outputs);
  if (!isLast) return false;
  const beganAt = performance.now();
  const whole = join(work, metadata);
  const { request, requestId } = work;
  const body = work.codec.encode({ request, requestId, outputs: whole }, model);
  finish(work, body, metrics, (performance.now() - beganAt) * 1_000);
  return true;
}

/** Writing 16 million numbers as JSON takes seconds, in which the host would be taken for hung. */
const maxElements = 2 ** 24;

/** Sixteen bytes of request can ask for gigabytes of answer. */
function checkSize(outputs: readonly Tensor[]): void {
  const elements = outputs.reduce((sum, { data }) => sum + data.length, 0);
  if (elements <= maxElements) return;
  const words = `Cannot answer: the outputs hold ${elements} elements, at most ${maxElements} can be sent`;
  throw new TroupeError("payload-too-large", words);
}

function sendChunk(
  { work, fromRow }: WorkSlice,
  outputs: readonly Tensor[],
  model: ServedModel,
): void {
  const { request, requestId, signal } = work;
  const place =
    signal === null ? { firstRow: fromRow } : { position: signal.position + fromRow * signal.hop };
  const body = work.codec.encode({ request, requestId, outputs, ...place }, model);
  work.door.chunk(work.id, body);
}

/** What closes a streaming answer of so many rows. */
export function endOf(work: Work, rows: number, model: ServedModel): AnswerBody {
  return { json: work.codec.encodeEnd(work.requestId, rows, model), tensors: [] };
}

export function finish(work: Work, body: AnswerBody, metrics: HostMetrics, encodeUs: number): void {
  work.encodeUs += encodeUs;
  const { decodeUs, queueUs, runUs } = work;
  const stages = { decodeUs, queueUs, runUs, encodeUs: work.encodeUs };
  metrics.run.observe(runUs / 1e6);
  metrics.encode.observe(stages.encodeUs / 1e6);
  metrics.statistics.noteAnswered(stages);
  tellTrace(work);
  work.door.done({ id: work.id, stages, rows: work.rows, body });
}

function join(work: Work, metadata: ModelMetadata): readonly Tensor[] {
  const [only, ...others] = work.parts;
  if (only !== undefined && others.length === 0) return only;
  return work.request.outputs.map((at, position) => {
    const axis = metadata.outputs[at]?.batchAxis ?? 0;
    const parts = work.parts.map((part) => part[position] as Tensor);
    checkJoinable(parts, axis, work.rows);
    return concatenate(parts, axis);
  });
}

/** Sizes that depend on the data may differ from slice to slice, and then no answer is right but that of one run. */
function checkJoinable(parts: readonly Tensor[], axis: number, rows: number): void {
  const [first, ...others] = parts;
  const sameElsewhere = others.every(({ shape }) =>
    shape.every((size, at) => at === axis || size === first?.shape[at]),
  );
  const joined = parts.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
  if (sameElsewhere && joined === rows) return;
  const words = `Cannot answer: the outputs of ${parts.length} slices have other shapes, send fewer rows`;
  throw new TroupeError("inference-failed", words);
}
