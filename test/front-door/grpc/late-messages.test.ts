import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata, type ServerInterceptingCall, type StatusObject } from "@grpc/grpc-js";
import { lateMessages } from "../../../src/front-door/grpc/late-messages.ts";
import { FakeClock } from "../../fake-clock.ts";

type Listener = Parameters<ServerInterceptingCall["start"]>[0];

function setUp(requestStream: boolean) {
  const clock = new FakeClock();
  const statuses: Partial<StatusObject>[] = [];
  const messages: unknown[] = [];
  let listener: Listener | undefined;
  const inner = {
    start: (given: Listener) => {
      listener = given;
    },
    sendStatus: (status: Partial<StatusObject>) => statuses.push(status),
  };
  const method = { path: "/s/m", requestStream, responseStream: false };
  const call = lateMessages(clock)(method as never, inner as never);
  call.start({
    onReceiveMetadata: () => undefined,
    onReceiveMessage: (message: unknown) => messages.push(message),
    onReceiveHalfClose: () => undefined,
    onCancel: () => undefined,
  } as Listener);
  assert.ok(listener !== undefined);
  listener.onReceiveMetadata(new Metadata());
  return { clock, statuses, messages, listener };
}

describe("lateMessages", () => {
  it("ends a call whose message does not come", () => {
    const { clock, statuses } = setUp(false);
    clock.advance(29_999);
    assert.deepEqual(statuses, []);
    clock.advance(1);
    assert.deepEqual(
      statuses.map(({ code }) => code),
      [4],
    );
  });

  it("leaves a call alone whose message has come, or whose caller has left", () => {
    const come = setUp(false);
    come.listener.onReceiveMessage("m");
    const left = setUp(false);
    left.listener.onCancel();
    for (const { clock } of [come, left]) clock.advance(60_000);
    assert.deepEqual([come.messages, come.statuses, left.statuses], [["m"], [], []]);
  });

  it("leaves streams alone", () => {
    const { clock, statuses } = setUp(true);
    clock.advance(60_000);
    assert.deepEqual(statuses, []);
  });
});
