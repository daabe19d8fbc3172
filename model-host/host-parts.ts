import type { Clock } from "../src/platform/clock.ts";
import type { HostLog } from "../src/platform/late-log.ts";
import type { HostEvent, HostSpec } from "../src/protocol/control.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Engine } from "./engine.ts";
import type { HostMetrics } from "./host-metrics.ts";

export interface HostParts {
  readonly spec: HostSpec;
  readonly metadata: ModelMetadata;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly metrics: HostMetrics;
  readonly log: HostLog;
  /** Resolves when the supervisor's side of the channel has it. */
  readonly tell: (event: HostEvent) => Promise<void>;
  /** Pressure changed in a way that front doors should hear at once. */
  readonly onPressure: () => void;
  /** A request has come, of which nothing is done yet. */
  readonly onWork: () => void;
}
