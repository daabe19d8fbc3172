/* What children say, made typed: a host may have been taken over by its model, so nothing of it is believed unread. */
import { type DoorEvent, type HostEvent, hostSteps, type TrialResult } from "./control.ts";
import { errorCodes } from "./errors.ts";
import {
  attempt,
  count,
  type Fields,
  fieldsOf,
  finite,
  flag,
  indexIn,
  list,
  nullOr,
  oneOf,
  text,
  Unreadable,
} from "./field-parsing.ts";
import {
  type Batching,
  datatypes,
  type ModelMetadata,
  type NotServable,
  type StateSpec,
  type StreamSpec,
  type TensorSpec,
} from "./model-metadata.ts";
import { streamPads } from "./model-settings.ts";
import { breakerStates } from "./pressure.ts";
import { question } from "./question-parsing.ts";
import { tracesOf } from "./traces.ts";
import {
  engineThreads,
  type HostLoad,
  type MetricSnapshot,
  type MetricValue,
  type ObjectiveView,
  type ProcessFigures,
} from "./views.ts";

/** Values of one metric: each model brings a front door the buckets of its stages. */
const maxValues = 200_000;
/** In UTF-16 units: no file system of ours has longer ones. */
const maxFileName = 255;

/** Each file that a model keeps weights in adds some 60 characters. */
const maxStampLength = 500_000;

const lineLevels = ["info", "warn", "error"] as const;

/** Undefined where it is no event of a host. */
export function parseHostEvent(message: unknown): HostEvent | undefined {
  return attempt(() => hostEvent(fieldsOf(message)));
}

/** Undefined where it is no event of a front door. */
export function parseDoorEvent(message: unknown): DoorEvent | undefined {
  return attempt(() => doorEvent(fieldsOf(message)));
}

function hostEvent(fields: Fields): HostEvent {
  const type = text(fields["type"]);
  switch (type) {
    case "booted":
    case "loaded":
    case "answered":
    case "drained":
      return { type };
    case "engine":
      return {
        type,
        thread: oneOf(engineThreads, fields["thread"]),
        reason: text(fields["reason"]),
      };
    case "slow":
      return { type, reason: text(fields["reason"]) };
    case "step":
      return { type, step: oneOf(hostSteps, fields["step"]) };
    case "tried":
      return { type, result: trialResult(fieldsOf(fields["result"])) };
    case "ready":
      return { type, metadata: modelMetadata(fieldsOf(fields["metadata"])) };
    case "logged":
      return { type, level: oneOf(lineLevels, fields["level"]), message: text(fields["message"]) };
    case "refused":
      return { type, reason: text(fields["reason"]) };
    case "beat":
      return { ...beat(type, fields), load: hostLoad(fields["load"]) };
    case "metrics":
      return { type, reportId: count(fields["reportId"]), metrics: metrics(fields["metrics"]) };
    case "suspect":
    case "cleared":
      return { type, fingerprint: text(fields["fingerprint"]) };
    case "overrun": {
      const fingerprint = fields["fingerprint"] === null ? null : text(fields["fingerprint"]);
      return { type, fingerprint, reason: text(fields["reason"]) };
    }
    default:
      throw new Unreadable();
  }
}

function doorEvent(fields: Fields): DoorEvent {
  const type = text(fields["type"]);
  switch (type) {
    case "booted":
    case "drained":
      return { type };
    case "listening":
      return { type, port: count(fields["port"]) };
    case "listen-failed":
      return { type, reason: text(fields["reason"]) };
    case "beat":
      return beat(type, fields);
    case "metrics":
      return { type, reportId: count(fields["reportId"]), metrics: metrics(fields["metrics"]) };
    case "query":
      return { type, queryId: count(fields["queryId"]), question: question(fields["question"]) };
    case "upload-progress":
      return { type, uploadId: text(fields["uploadId"]), bytes: count(fields["bytes"]) };
    case "upload-dropped":
      return {
        type,
        uploadId: text(fields["uploadId"]),
        code: oneOf(errorCodes, fields["code"]),
        reason: text(fields["reason"]),
      };
    case "traces":
      return { type, traces: tracesOf(fields["traces"]) };
    case "silent":
      return { type, hostId: text(fields["hostId"]) };
    case "violation":
      return { type, hostId: text(fields["hostId"]), reason: text(fields["reason"]) };
    default:
      throw new Unreadable();
  }
}

/** Throws `Unreadable`. */
export function modelMetadata(fields: Fields): ModelMetadata {
  const inputs = list(fields["inputs"]).map(tensorSpec);
  const outputs = list(fields["outputs"]).map(tensorSpec);
  return {
    inputs,
    outputs,
    batching: batching(fieldsOf(fields["batching"])),
    notServable: list(fields["notServable"]).map(notServable),
    state: list(fields["state"]).map((value) => stateSpec(value, inputs, outputs)),
    stream: fields["stream"] === null ? null : streamSpec(fieldsOf(fields["stream"]), inputs),
    externalFiles: list(fields["externalFiles"]).map((name) => text(name, maxFileName)),
  };
}

function trialResult(fields: Fields): TrialResult {
  return {
    stamp: text(fields["stamp"], maxStampLength),
    metadata: modelMetadata(fieldsOf(fields["metadata"])),
    onThread: flag(fields["onThread"]),
  };
}

function stateSpec(
  value: unknown,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
): StateSpec {
  const fields = fieldsOf(value);
  return {
    input: indexIn(inputs, fields["input"]),
    output: indexIn(outputs, fields["output"]),
    found: flag(fields["found"]),
  };
}

function streamSpec(fields: Fields, inputs: readonly TensorSpec[]): StreamSpec {
  return {
    input: indexIn(inputs, fields["input"]),
    window: count(fields["window"]),
    hop: count(fields["hop"]),
    pad: oneOf(streamPads, fields["pad"]),
  };
}

function tensorSpec(value: unknown): TensorSpec {
  const fields = fieldsOf(value);
  return {
    name: text(fields["name"]),
    datatype: oneOf(datatypes, fields["datatype"]),
    shape: list(fields["shape"]).map(finite),
    batchAxis: fields["batchAxis"] === null ? null : count(fields["batchAxis"]),
  };
}

function batching(fields: Fields): Batching {
  const type = oneOf(["batched", "one-by-one", "unbatched"], fields["type"]);
  if (type === "batched") return { type, maxBatchSize: count(fields["maxBatchSize"]) };
  return { type, reason: text(fields["reason"]) };
}

function notServable(value: unknown): NotServable {
  const fields = fieldsOf(value);
  return { name: text(fields["name"]), reason: text(fields["reason"]) };
}

function beat(type: "beat", fields: Fields): Extract<DoorEvent, { type: "beat" }> {
  return { type, isResting: flag(fields["isResting"]), figures: figures(fields["figures"]) };
}

function figures(value: unknown): ProcessFigures {
  const fields = fieldsOf(value);
  return {
    rssBytes: count(fields["rssBytes"]),
    cpuSeconds: finite(fields["cpuSeconds"]),
    eventLoopDelayMs: finite(fields["eventLoopDelayMs"]),
  };
}

function hostLoad(value: unknown): HostLoad {
  const fields = fieldsOf(value);
  return {
    queueRows: count(fields["queueRows"]),
    inFlight: count(fields["inFlight"]),
    breaker: oneOf(breakerStates, fields["breaker"]),
    sequences: count(fields["sequences"]),
    objective: nullOr(objectiveView, fields["objective"]),
  };
}

function objectiveView(value: unknown): ObjectiveView {
  const fields = fieldsOf(value);
  return {
    p99Ms: finite(fields["p99Ms"]),
    maxRows: count(fields["maxRows"]),
    delayMs: finite(fields["delayMs"]),
    throughputFirst: flag(fields["throughputFirst"]),
    fixedMs: nullOr(finite, fields["fixedMs"]),
    rowMs: nullOr(finite, fields["rowMs"]),
    observedP99Ms: nullOr(finite, fields["observedP99Ms"]),
    reason: text(fields["reason"]),
  };
}

function metrics(value: unknown): readonly MetricSnapshot[] {
  return list(value).map((item) => {
    const fields = fieldsOf(item);
    return {
      name: metricName(fields["name"]),
      help: text(fields["help"]),
      type: oneOf(["counter", "gauge", "histogram"], fields["type"]),
      aggregator: oneOf(["sum", "max"], fields["aggregator"]),
      values: list(fields["values"], maxValues).map(metricValue),
    };
  });
}

function metricValue(value: unknown): MetricValue {
  const fields = fieldsOf(value);
  const labels = Object.fromEntries(
    Object.entries(fieldsOf(fields["labels"])).map(([name, label]) => [
      metricName(name),
      typeof label === "number" ? finite(label) : text(label),
    ]),
  );
  const measured = { value: finite(fields["value"]), labels };
  if (fields["metricName"] === undefined) return measured;
  return { ...measured, metricName: metricName(fields["metricName"]) };
}

function metricName(value: unknown): string {
  const name = text(value);
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new Unreadable();
  return name;
}
