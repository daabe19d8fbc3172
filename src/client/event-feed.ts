/* The feed of what happens on the server, across broken connections: it asks on behind the last event that it has given. */
import { AnswerQueue } from "./answer-queue.ts";
import { parseObject } from "./client-error.ts";
import { pause } from "./patience.ts";
import type { Message, Socket } from "./platform.ts";
import { type Connect, connectAgain } from "./socket-line.ts";

export type FeedItem =
  | {
      readonly type: "event";
      readonly seq: number;
      readonly at: string;
      readonly kind: string;
      readonly model: string | null;
      readonly version: string | null;
      readonly state: string;
      readonly reason: string | null;
      readonly [field: string]: unknown;
    }
  /** Events that nobody keeps any more; `to` is null where nobody knows how many. */
  | {
      readonly type: "gap";
      readonly from: number;
      readonly to: number | null;
      readonly next: number;
    };

type Frame = FeedItem | { readonly type: "hello"; readonly run: string; readonly newest: number };

export interface FeedOptions {
  readonly signal?: AbortSignal | undefined;
  /** Begins behind this event, of the last 1000; without it only new ones come. */
  readonly since?: number | undefined;
  /** Is told when the feed is there, and again after each break. */
  readonly onOpen?: (() => void) | undefined;
}

interface Place {
  run: string | undefined;
  seq: number | undefined;
}

/** Ends when the signal aborts. Rejects with a TroupeClientError where the server refuses. */
export async function* readFeed(
  connectTo: (query: string) => Connect,
  { signal = new AbortController().signal, since, onOpen }: FeedOptions,
): AsyncGenerator<FeedItem, void, undefined> {
  const place: Place = { run: undefined, seq: since };
  while (!signal.aborted) {
    const isAgain = place.run !== undefined;
    for await (const frame of connection(connectTo(queryOf(place)), signal, isAgain)) {
      if (frame.type === "hello") {
        place.run = frame.run;
        place.seq ??= frame.newest;
        onOpen?.();
        continue;
      }
      place.seq = frame.type === "event" ? frame.seq : frame.next - 1;
      yield frame;
    }
    await pause(reopenMs, signal);
  }
}

/** Before a feed that was open and broke is opened again. */
const reopenMs = 250;

function queryOf({ run, seq }: Place): string {
  if (seq === undefined) return "";
  return run === undefined ? `?since=${seq}` : `?since=${seq}&run=${encodeURIComponent(run)}`;
}

async function* connection(
  connect: Connect,
  signal: AbortSignal,
  isAgain: boolean,
): AsyncGenerator<Frame, void, undefined> {
  const frames = new AnswerQueue<Frame>();
  const end = () => frames.end();
  signal.addEventListener("abort", end);
  let socket: Socket | undefined;
  try {
    const onMessage = (message: Message) => frames.push(parseObject(String(message)) as Frame);
    const listeners = { onMessage, onClose: end };
    socket = await connectAgain(connect, { listeners, signal, isAgain });
    for (;;) {
      const { done, value } = await frames.next();
      if (done === true) return;
      yield value;
    }
  } catch (thrown) {
    // Whoever has enough is told of no connection that did not come about.
    if (!signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener("abort", end);
    socket?.close();
  }
}
