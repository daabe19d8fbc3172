import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { Metadata, type ServerInterceptingCall, type StatusObject } from "@grpc/grpc-js";
import { incomingMessages } from "../../../src/front-door/grpc/incoming-messages.ts";
import { MessageRoom } from "../../../src/front-door/message-room.ts";
import { FakeClock } from "../../fake-clock.ts";

type Listener = Parameters<ServerInterceptingCall["start"]>[0];
type Status = Partial<StatusObject>;

interface Inner {
  readonly stream: PassThrough;
  decompressMessage(message: Buffer, encoding: string): Promise<Buffer> | Buffer;
}

const headBytes = 5;

class Call {
  readonly stream = new PassThrough();
  readonly statuses: Status[] = [];
  readonly messages: { readonly onTaken?: () => void }[] = [];
  readonly inner: Inner & object;
  listener: Listener | undefined;

  constructor(setUp: SetUp, requestStream: boolean) {
    this.inner = {
      stream: this.stream,
      decoder: { readState: 0, readPartialMessage: [] },
      decompressMessage: (message: Buffer) => message.subarray(headBytes),
      start: (given: Listener) => {
        this.listener = given;
      },
      sendStatus: (status: Status) => {
        this.statuses.push(status);
        this.listener?.onCancel();
      },
    } as Inner;
    const method = { path: "/s/m", requestStream, responseStream: requestStream };
    const { clock, room } = setUp;
    const onFull = () => {
      setUp.refused += 1;
    };
    const interceptor = incomingMessages({ clock, room, maxBytes: 5_000, onFull });
    interceptor(method as never, this.inner as never).start({
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (message: { readonly onTaken?: () => void }) => this.messages.push(message),
      onReceiveHalfClose: () => undefined,
      onCancel: () => undefined,
    } as Listener);
    this.listener?.onReceiveMetadata(new Metadata());
    this.stream.resume();
  }

  get codes(): readonly unknown[] {
    return this.statuses.map(({ code }) => code);
  }

  /** Resolves when it has come. */
  async send(bytes: number): Promise<void> {
    const come = once(this.stream, "data");
    this.stream.write(Buffer.alloc(bytes));
    await come;
  }

  /** A message that came as `packed` and is whole. */
  unpack(packed: Buffer, encoding = "identity"): Promise<Buffer> | Buffer {
    const message = Buffer.concat([Buffer.alloc(headBytes), packed]);
    return this.inner.decompressMessage(message, encoding);
  }
}

class SetUp {
  readonly clock = new FakeClock();
  readonly room = new MessageRoom(1_000);
  refused = 0;

  call(): Call {
    return new Call(this, false);
  }

  stream(): Call {
    return new Call(this, true);
  }
}

describe("The time of messages", () => {
  it("ends a call whose message does not come", () => {
    const setUp = new SetUp();
    const call = setUp.call();
    setUp.clock.advance(29_999);
    assert.deepEqual(call.codes, []);
    setUp.clock.advance(1);
    assert.deepEqual(call.codes, [4]);
  });

  it("ends a call whose message has come, and whose end has not", async () => {
    const setUp = new SetUp();
    const call = setUp.call();
    await call.send(9);
    await call.unpack(Buffer.alloc(4));
    call.listener?.onReceiveMessage({});
    setUp.clock.advance(30_000);
    assert.deepEqual([call.codes, setUp.room.bytes], [[4], 0]);
  });

  it("leaves a call alone that is there, or whose caller has left", () => {
    const setUp = new SetUp();
    const [come, left] = [setUp.call(), setUp.call()];
    come.listener?.onReceiveHalfClose();
    left.listener?.onCancel();
    assert.equal(setUp.clock.armed, 0);
  });

  it("lets a stream wait between two messages, and not within one", async () => {
    const setUp = new SetUp();
    const stream = setUp.stream();
    setUp.clock.advance(60_000);
    await stream.send(9);
    await stream.unpack(Buffer.alloc(4));
    assert.equal(setUp.clock.armed, 0);
    await stream.send(3);
    setUp.clock.advance(30_000);
    assert.deepEqual([stream.codes, setUp.room.bytes], [[4], 0]);
  });

  it("does not count while it is the server that reads nothing", async () => {
    const setUp = new SetUp();
    const stream = setUp.stream();
    await stream.send(3);
    stream.stream.pause();
    setUp.clock.advance(60_000);
    assert.deepEqual(stream.codes, []);
    stream.stream.resume();
    setUp.clock.advance(30_000);
    assert.deepEqual(stream.codes, [4]);
  });
});

describe("The room of messages", () => {
  it("refuses the call whose message outgrows it, and not the others", async () => {
    const setUp = new SetUp();
    const [one, two] = [setUp.call(), setUp.call()];
    await one.send(600);
    await two.send(400);
    assert.deepEqual([one.codes, two.codes], [[], []]);
    await two.send(1);
    assert.deepEqual([one.codes, two.codes], [[], [14]]);
    assert.deepEqual([setUp.room.bytes, setUp.refused], [600, 1]);
    assert.deepEqual(two.statuses[0]?.metadata?.get("retry-after-ms"), ["100"]);
  });

  it("lets one that is alone have any size", async () => {
    const setUp = new SetUp();
    const call = setUp.call();
    await call.send(3_000);
    assert.deepEqual([call.codes, setUp.room.bytes], [[], 3_000]);
  });

  it("is given back when the call has its message", async () => {
    const setUp = new SetUp();
    const call = setUp.call();
    await call.send(105);
    await call.unpack(Buffer.alloc(100));
    call.listener?.onReceiveMessage({});
    assert.equal(setUp.room.bytes, 105);
    call.listener?.onReceiveHalfClose();
    assert.equal(setUp.room.bytes, 0);
  });

  it("is given back message by message on a stream, as it takes them", async () => {
    const setUp = new SetUp();
    const stream = setUp.stream();
    await stream.send(105 + 15 + 7);
    await stream.unpack(Buffer.alloc(100));
    await stream.unpack(Buffer.alloc(10));
    for (const message of [{}, {}]) stream.listener?.onReceiveMessage(message);
    const held = [setUp.room.bytes];
    for (const { onTaken } of stream.messages) {
      onTaken?.();
      held.push(setUp.room.bytes);
    }
    assert.deepEqual(held, [127, 22, 7]);
    stream.listener?.onCancel();
    for (const { onTaken } of stream.messages) onTaken?.();
    assert.equal(setUp.room.bytes, 0);
  });

  it("has what a message becomes when it is unpacked", async () => {
    const setUp = new SetUp();
    const call = setUp.call();
    const packed = gzipSync(Buffer.alloc(4_000));
    await call.send(headBytes + packed.length);
    assert.equal((await call.unpack(packed, "gzip")).length, 4_000);
    assert.equal(setUp.room.bytes, 4_000);
  });

  it("refuses what has no room when it is unpacked", async () => {
    const setUp = new SetUp();
    const [one, two] = [setUp.call(), setUp.call()];
    await one.send(10);
    const packed = gzipSync(Buffer.alloc(4_000));
    await two.send(headBytes + packed.length);
    const refusal = { name: "overloaded", code: 14 };
    await assert.rejects(async () => two.unpack(packed, "gzip"), refusal);
    two.listener?.onCancel();
    assert.deepEqual([setUp.room.bytes, setUp.refused], [10, 1]);
  });

  for (const [what, packed, code] of [
    ["larger than a message may be", gzipSync(Buffer.alloc(5_001)), 8],
    ["not packed as it says", Buffer.from("no gzip"), 3],
    ["cut off", gzipSync(Buffer.alloc(100)).subarray(0, 12), 3],
  ] as const) {
    it(`refuses a message that is ${what} as its client's mistake`, async () => {
      const call = new SetUp().call();
      await assert.rejects(async () => call.unpack(packed, "gzip"), { code });
    });
  }
});
