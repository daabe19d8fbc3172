import type { Clock, Millis } from "../src/platform/clock.ts";
import type { HostLoad } from "../src/protocol/views.ts";

/** One slot, whose processes come and go. */
export interface WatchedHost {
  /** Of the process that it has now. */
  readonly hostId: string;
  readonly load: Pick<HostLoad, "objective"> | undefined;
}

export type ObjectiveTurn = "throughput-first" | "resumed";

/** A host whose load is at the edge goes to and fro: what lasts is told, and no more often than this. */
const quietMs = 60_000;

interface Told {
  readonly hostId: string;
  readonly throughputFirst: boolean;
  readonly at: Millis;
}

/** Notices when hosts give their objectives up for throughput, and when no longer. */
export class ObjectiveWatch {
  readonly #clock: Pick<Clock, "now">;
  readonly #told = new WeakMap<WatchedHost, Told>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Undefined where there is nothing new to tell; of a new process only that it gives up. */
  look(host: WatchedHost): ObjectiveTurn | undefined {
    const { hostId, load } = host;
    if (!load?.objective) return undefined;
    const { throughputFirst } = load.objective;
    const now = this.#clock.now();
    const last = this.#told.get(host);
    const told = last?.hostId === hostId ? last : undefined;
    const isNews = throughputFirst !== (told?.throughputFirst ?? false);
    if (!isNews || (told !== undefined && now - told.at < quietMs)) return undefined;
    this.#told.set(host, { hostId, throughputFirst, at: now });
    return throughputFirst ? "throughput-first" : "resumed";
  }
}
