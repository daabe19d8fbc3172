import type { HostSpec } from "../src/protocol/control.ts";
import type { HostSlotOptions } from "./host-slot.ts";

/** What one process is told of its model: of its configuration, what concerns a host. */
export function hostSpecOf(
  options: HostSlotOptions,
  incarnation: Pick<HostSpec, "hostId" | "socketPath" | "skipTrial" | "slow" | "known">,
): HostSpec {
  const { model, version, file, beside, config, poison } = options;
  const { maxFrameBytes, drainSequencesMs, log } = options;
  return {
    ...incarnation,
    model,
    version,
    file,
    beside,
    labels: config.labels,
    batching: config.batching,
    objective: config.objective,
    queue: config.queue,
    runMs: config.timeouts.runMs,
    breaker: config.breaker,
    session: config.session,
    state: config.state,
    stream: config.stream,
    defaults: config.defaults,
    warmup: config.warmup,
    golden: config.golden,
    sequenceIdleMs: config.timeouts.sequenceIdleMs,
    drainSequencesMs,
    maxFrameBytes,
    log,
    poison: poison.fingerprints,
    ...(config.triton && { triton: config.triton }),
    ...(config.schwift && { schwift: config.schwift }),
  };
}
