/* A WebSocket of the feed: it gets what it has missed as fast as it reads, and then what happens. */
import type { WebSocket } from "ws";
import type { Clock } from "../platform/clock.ts";
import type { DoorSettings } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";
import type { FeedEvent } from "../protocol/questions.ts";
import { type DoorFeed, judgeReplay, type ReplayAsk } from "./door-feed.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import { SocketPulse } from "./socket-pulse.ts";
import { closeCode } from "./statuses.ts";

export interface FeedParts {
  readonly clock: Clock;
  readonly settings: DoorSettings;
  readonly metrics: Pick<DoorMetrics, "framesOut">;
  readonly feed: DoorFeed;
}

export const feedEndpoint = "/events";

export function isFeedPath(url: string): boolean {
  return url.split("?")[0] === feedEndpoint;
}

/** Undefined where only new events are asked for. Throws `invalid-request`. */
export function parseReplayAsk(url: string): ReplayAsk | undefined {
  const query = new URLSearchParams(url.split("?")[1] ?? "");
  const since = query.get("since");
  if (since === null) return undefined;
  if (!/^\d{1,15}$/.test(since)) {
    const words = `since must be the number of an event, from 0, got '${since}'`;
    throw new TroupeError("invalid-request", words);
  }
  return { since: Number(since), run: query.get("run") ?? undefined };
}

function eventFrame(event: FeedEvent): unknown {
  const { seq, at, type: kind, model, version, state, reason, details } = event;
  return { ...details, type: "event", seq, at, kind, model, version, state, reason };
}

export class FeedSocket {
  readonly #parts: FeedParts;
  readonly #socket: WebSocket;
  /** The last event that was sent, or that was seen before. */
  #seen: number;
  /** What was missed is still on its way, so that a full buffer is no sign of a slow reader. */
  #isReplaying = true;

  constructor(parts: FeedParts, socket: WebSocket, ask: ReplayAsk | undefined) {
    const { feed, settings, clock } = parts;
    this.#parts = parts;
    this.#socket = socket;
    const { oldest, newest } = feed;
    const { run } = settings;
    const { after, gap } = judgeReplay(ask, { run, oldest, newest });
    this.#seen = after;
    const isResting = () => true;
    const isPaused = () => false;
    const { wsPingMs } = settings;
    const pulse = new SocketPulse(socket, clock, { wsPingMs, wsIdleMs: 0, isResting, isPaused });
    const forget = feed.listen(() => this.#onNews());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      pulse.stop();
      forget();
    });
    this.#send({ type: "hello", run, oldest, newest });
    if (gap !== null) this.#send({ type: "gap", ...gap });
    this.#pump();
  }

  drain(): void {
    this.#socket.close(closeCode.draining, "the server is draining");
  }

  get #isClogged(): boolean {
    return this.#socket.bufferedAmount > this.#parts.settings.wsMaxBufferedBytes;
  }

  #onNews(): void {
    // What it has to get next is not kept any more.
    if (this.#seen + 1 < this.#parts.feed.oldest) this.#giveUp();
    else this.#pump();
  }

  /** Sends what is due. What was missed waits for the reader; what happens now does not. */
  #pump(): void {
    const { feed } = this.#parts;
    for (let event = feed.next(this.#seen); event !== undefined; event = feed.next(this.#seen)) {
      if (this.#isClogged) {
        if (!this.#isReplaying) this.#giveUp();
        return;
      }
      this.#seen = event.seq;
      this.#send(eventFrame(event));
    }
    this.#isReplaying = false;
  }

  #giveUp(): void {
    this.#socket.close(closeCode.tooSlow, "too slow; replay with since");
  }

  #send(frame: unknown): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#parts.metrics.framesOut.add();
    this.#socket.send(JSON.stringify(frame), (error) => {
      if (!error && this.#isReplaying) this.#pump();
    });
  }
}
