/* A client of the feed for tests, which remembers every frame that came. */
import type { Cluster } from "./cluster.ts";
import { type FrameSocket, openSocket } from "./frame-socket.ts";
import { waitFor } from "./wait.ts";

export interface FeedFrame {
  readonly type: "hello" | "gap" | "event";
  readonly run: string;
  readonly oldest: number;
  readonly newest: number;
  readonly from: number;
  readonly to: number | null;
  readonly next: number;
  readonly seq: number;
  readonly kind: string;
  readonly model: string | null;
  readonly version: string | null;
  readonly state: string;
  readonly reason: string | null;
  readonly pid?: number | null;
  readonly change?: string;
  readonly bytes?: number;
}

export type Wanted = Partial<Pick<FeedFrame, "kind" | "model" | "version" | "state" | "change">>;

export class EventFeed {
  readonly #socket: FrameSocket;

  constructor(socket: FrameSocket) {
    this.#socket = socket;
  }

  get frames(): readonly FeedFrame[] {
    return this.#socket.frames as readonly unknown[] as readonly FeedFrame[];
  }

  get events(): readonly FeedFrame[] {
    return this.frames.filter(({ type }) => type === "event");
  }

  /** The number of the last event that came; events after it are still to come. */
  get mark(): number {
    return this.events.at(-1)?.seq ?? this.frames[0]?.newest ?? 0;
  }

  /** Those that have come after the mark and have these values, in order. */
  of(wanted: Wanted, after = 0): readonly FeedFrame[] {
    const fields = Object.entries(wanted) as [keyof FeedFrame, unknown][];
    return this.events.filter(
      (event) => event.seq > after && fields.every(([key, value]) => event[key] === value),
    );
  }

  /** Waits for the first such event after the mark. */
  event(wanted: Wanted, after = 0): Promise<FeedFrame> {
    return waitFor(() => this.of(wanted, after)[0], `an event like ${JSON.stringify(wanted)}`);
  }

  /** Waits until the first frames have come. */
  async count(frames: number): Promise<void> {
    await this.#socket.count(frames);
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#socket.closed;
  }
}

export async function openFeed(cluster: Cluster, query = ""): Promise<EventFeed> {
  const feed = new EventFeed(await openSocket(cluster.url, `/events${query}`));
  await feed.count(1);
  return feed;
}
