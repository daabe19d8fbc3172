/** When requests are sent. Closed: a connection sends as soon as its last answer is in. Open: at a fixed rate, whatever the server does. */
export type Arrivals =
  | { readonly type: "closed" }
  | { readonly type: "open"; readonly perSecond: number };

/**
 * How a request travels: as a POST over a connection that stays, or as a text frame of a WebSocket. An answer's status
 * is 200 where a frame's answer is `done`, and 500 for whatever else came.
 */
export type Transport = "http" | "websocket";

/** One load on one port of this machine: first `warmUpMs` that do not count, then `windowMs` that do. */
export interface Job {
  readonly port: number;
  readonly transport: Transport;
  /** Where requests go, the most popular first: by Zipf's law, the second half as often as the first. A socket has one. */
  readonly paths: readonly string[];
  /** Beside `host` and `content-length`; a WebSocket sends none. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly connections: number;
  /** Requests in flight on one connection: one over HTTP; over a WebSocket more where their frames bear ids. */
  readonly depth: number;
  readonly arrivals: Arrivals;
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/** What came of a window. Latencies are of 200s only, where nothing else is said, each counted from its intended send time. */
export interface Tally {
  /** Answers of any status whose request was due in the window. */
  readonly requests: number;
  readonly statusesNot200: Readonly<Record<string, number>>;
  /** Requests whose connection ended before the answer. */
  readonly broken: number;
  /** Requests that were due in the window and had no answer when the driver stopped waiting. */
  readonly unanswered: number;
  /** 200s that came in within the window, a second: what was carried, not what was asked. */
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of 200s and of 504s: of what was taken in, whether it was in time or not. */
  readonly acceptedP99Ms: number;
  /** Of answers of any other status; NaN where there were none. */
  readonly refusedP99Ms: number;
  /** How long after its intended time a request left, on average: the driver's own error in an open loop. */
  readonly meanSendDelayMs: number;
  /** The driver's own CPU time within the window. */
  readonly cpuSeconds: number;
}

/** In this order, once each; `failed` may take the place of any. */
export type DriverEvent =
  | { readonly type: "opened" }
  | { readonly type: "closed" }
  | { readonly type: "tallied"; readonly tally: Tally }
  | { readonly type: "failed"; readonly message: string };
