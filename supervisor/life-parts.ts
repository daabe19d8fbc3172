/* What a model's life is given, and whom it tells. */
import type { HostStep } from "../src/protocol/control.ts";
import type { MetricSnapshot } from "../src/protocol/views.ts";
import type { LastExit } from "./exit-cause.ts";
import type { GroupParts, HostGroup } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import type { ModelLife } from "./model-life.ts";
import type { Rollout } from "./rollout.ts";

export interface LifeListener {
  /** What front doors should know has changed. */
  onView(life: ModelLife): void;
  onHost(host: HostSlot): void;
  onStep(life: ModelLife, version: string, step: HostStep): void;
  onBeat(group: HostGroup, host: HostSlot, life: ModelLife): void;
  onWatch(group: HostGroup, host: HostSlot, life: ModelLife): void;
  onMetrics(host: HostSlot, reportId: number, metrics: readonly MetricSnapshot[]): void;
  onDown(host: HostSlot, hostId: string, exit: LastExit): void;
  onRollout(life: ModelLife, versions: readonly string[], rollout: Rollout): void;
}

export type LifeParts = Omit<GroupParts, "listener"> & { readonly listener: LifeListener };

/** Why traffic has not moved. */
export interface FailedMove {
  readonly reason: string;
  /** The version of which a host has failed, where one has. */
  readonly culprit: string | null;
}

export interface MoveOptions {
  /** Versions that get new processes though nothing of their configuration has changed. */
  readonly renew?: ReadonlySet<string>;
  /** Done when the new hosts are ready, before traffic moves; a rejection rolls back. */
  readonly commit?: () => Promise<void>;
  /** The new hosts have failed before traffic moved: comes before the move rejects, which it also does for others. */
  readonly onFailed?: (failure: FailedMove) => void;
  /** What was moved to has lasted, or something else is wanted by now. */
  readonly onDone?: () => void;
  /** Traffic had moved, and has come back; `versions` are those that are not served any more. */
  readonly onRolledBack?: (reason: string, versions: readonly string[]) => void;
}
