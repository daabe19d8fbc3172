/** What the server has said, as far as it matters to whom the connection belongs. */
export type Heard =
  /** From now on requests may be sent. */
  | { readonly type: "ready" }
  | { readonly type: "answer"; readonly lane: number; readonly status: number }
  /** To be written at once. */
  | { readonly type: "reply"; readonly bytes: Buffer }
  /** Nothing more can be asked on this connection. */
  | { readonly type: "end" };

/**
 * How one connection talks with a server; of sockets and of time it knows nothing. Requests in flight are told apart by
 * their lanes, which are counted from 0.
 */
export interface Dialogue {
  /** Written as soon as the connection stands; undefined where requests may be sent at once. */
  readonly greeting: Buffer | undefined;
  request(lane: number): Buffer;
  /** In order. The chunk's memory may be reused afterwards. */
  hear(chunk: Buffer): readonly Heard[];
}
