import { defaultModelConfig } from "../../src/config/model-config.ts";
import { createLog } from "../../src/platform/log.ts";
import type { HostSpec } from "../../src/protocol/control.ts";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { QueueSettings } from "../../src/protocol/model-settings.ts";

export const quietLog = createLog({ level: "silent", pretty: false, fd: 1, base: {} });

/** Those of a model that has no configuration, but for what is said. */
export function queueSettings(fields: Partial<QueueSettings>): QueueSettings {
  return { ...defaultModelConfig.queue, ...fields };
}

/** What a host is told of a model that has no configuration. */
export function hostSpec(fields: Partial<HostSpec> = {}): HostSpec {
  const { batching, objective, queue, timeouts, breaker, session, state, stream, defaults } =
    defaultModelConfig;
  return {
    hostId: "m/1#0.1",
    model: "m",
    version: "1",
    file: "/m.onnx",
    beside: [],
    socketPath: "/m.sock",
    labels: [],
    batching,
    objective,
    queue,
    runMs: timeouts.runMs,
    breaker,
    session,
    state,
    stream,
    defaults,
    warmup: null,
    golden: [],
    sequenceIdleMs: timeouts.sequenceIdleMs,
    drainSequencesMs: 10_000,
    maxFrameBytes: 1_000_000,
    log: { level: "silent", pretty: false },
    poison: [],
    skipTrial: null,
    slow: null,
    known: null,
    ...fields,
  };
}

/** Of a model that gives one output for its one input, of batches of up to four rows. */
export function batchedMetadata(columns: number): ModelMetadata {
  const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, columns], batchAxis: 0 };
  return {
    inputs: [x],
    outputs: [{ ...x, name: "y" }],
    batching: { type: "batched", maxBatchSize: 4 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  };
}
