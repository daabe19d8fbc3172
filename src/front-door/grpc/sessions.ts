/* The HTTP/2 connections that grpc-js keeps to itself, and has no options for: it is looked into for them, here only. */
import { constants, type Http2Server, type Http2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";

interface Internals {
  readonly http2Servers: ReadonlyMap<Http2Server, { readonly sessions: ReadonlySet<Http2Session> }>;
}

/** What a client may send ahead, of one call and of all on its connection: 64 KiB, the default, cost a round trip each. */
const callWindowBytes = 2 ** 20;
const connectionWindowBytes = 4 * 2 ** 20;

/** Of connections that are still to come. */
export function widenWindows(server: Server): void {
  const { http2Servers } = server as unknown as Internals;
  for (const http2Server of http2Servers.keys()) {
    http2Server.on("session", (session) => {
      session.settings({ initialWindowSize: callWindowBytes });
      session.setLocalWindowSize(connectionWindowBytes);
    });
  }
}

const lastStreamOfAll = 2 ** 31 - 1;

/**
 * The first of two GOAWAYs, as RFC 9113 (section 6.8) has them: whoever reads it begins nothing more, but what is on its
 * way is still taken. grpc-js sends only the second, which refuses that.
 */
export function announceEnd(server: Server): void {
  const { http2Servers } = server as unknown as Internals;
  for (const { sessions } of http2Servers.values()) {
    for (const session of sessions) {
      if (!session.closed) session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamOfAll);
    }
  }
}
