import type { ModelFolder } from "../src/config/model-folder.ts";
import type { Clock } from "../src/platform/clock.ts";
import type { Log } from "../src/platform/log.ts";
import type { DoorCommand, DoorSettings, HostCommand } from "../src/protocol/control.ts";
import type { ModelView } from "../src/protocol/views.ts";
import type { ForkChild, SendHandle } from "./child-process.ts";
import type { Journal } from "./journal.ts";
import type { ModelStore } from "./model-store.ts";
import type { ReadRss } from "./resident-memory.ts";

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly readRss: ReadRss;
  readonly hangMs: number;
  /** As many children start at a time. */
  readonly cores: number;
  readonly frontDoors: number;
  readonly doorSettings: DoorSettings;
  readonly handle: SendHandle;
  /** Undefined where gRPC is off. */
  readonly grpcHandle: SendHandle;
  readonly socketFolder: string;
  readonly models: readonly ModelFolder[];
  readonly modelsFolder: string;
  readonly journal: Journal;
  readonly store: ModelStore;
  /** How often the folder is looked at; null for never. */
  readonly watchMs: number | null;
  /** What hosts get to finish in, when they are not wanted any more. */
  readonly hostDrainMs: number;
  /** An absolute path; empty where traces go to no files. */
  readonly traceFolder: string;
  readonly forkDoor: ForkChild<DoorCommand>;
  readonly forkHost: ForkChild<HostCommand>;
  readonly listener: SupervisorListener;
}

export interface SupervisorListener {
  onListening(port: number): void;
  /** Every model is ready, or cannot be. */
  onStarted(models: readonly ModelView[]): void;
  onListenFailed(reason: string): void;
}
