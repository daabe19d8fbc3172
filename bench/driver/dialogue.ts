/** What the server has said, as far as it matters to whom the connection belongs. */
export type Heard =
  /** From now on requests may be sent. */
  | { readonly type: "ready" }
  | { readonly type: "answer"; readonly status: number }
  /** To be written at once. */
  | { readonly type: "reply"; readonly bytes: Buffer }
  /** Nothing more can be asked on this connection. */
  | { readonly type: "end" };

/** How one connection talks with a server, with one request in flight; of sockets and of time it knows nothing. */
export interface Dialogue {
  /** Written as soon as the connection stands; undefined where requests may be sent at once. */
  readonly greeting: Buffer | undefined;
  readonly request: Buffer;
  /** In order. The chunk's memory may be reused afterwards. */
  hear(chunk: Buffer): readonly Heard[];
}
