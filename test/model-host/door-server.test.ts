import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { DoorServer } from "../../model-host/door-server.ts";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import { seededRandom } from "../../models/random.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { FrameReader, FrameWriter } from "../../src/protocol/frame-stream.ts";
import {
  type HostFrame,
  protocolVersion,
  type RequestFrame,
  writeCancel,
  writeCredit,
  writeEnd,
  writeHello,
  writeRequest,
} from "../../src/protocol/frames.ts";
import { parseHostFrame } from "../../src/protocol/host-frames.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import { asWritten } from "../protocol/as-written.ts";
import { FakeEngine } from "./fake-engine.ts";
import { hostSpec, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

const folder = mkdtempSync(join(tmpdir(), "door-server-"));
const hostId = "m/1#0.1";
const maxFrameBytes = 100_000;

/** That of the machine; what is still to come keeps no process alive. */
const clock: Clock = {
  ...systemClock,
  after: (delayMs, act) => {
    const timer = setTimeout(act, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

let servers = 0;
let closeAll: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closeAll) await close();
  closeAll = [];
});

after(() => rmSync(folder, { recursive: true }));

/** A host on a socket, whose model echoes row by row. */
async function serve() {
  const x: TensorSpec = { name: "x", datatype: "FP32", shape: [1, 1], batchAxis: 0 };
  const engine = new FakeEngine(([input]) => ({ y: input as NonNullable<typeof input> }));
  servers += 1;
  const socketPath = join(folder, `${servers}.sock`);
  const host = new Host({
    spec: hostSpec({ hostId, socketPath, maxFrameBytes }),
    metadata: {
      inputs: [x],
      outputs: [{ ...x, name: "y" }],
      batching: { type: "one-by-one", reason: "" },
      notServable: [],
      externalFiles: [],
      state: [],
      stream: null,
    },
    engine,
    clock,
    metrics: createHostMetrics("m", "1"),
    log: quietLog,
    tell: async () => undefined,
    onPressure: () => undefined,
    onWork: () => undefined,
  });
  const server = new DoorServer(host, { hostId, maxFrameBytes });
  await server.listen(socketPath);
  const doors: TestDoor[] = [];
  const connect = (greets = true) => {
    const door = new TestDoor(createConnection(socketPath));
    if (greets) door.say((writer) => writeHello(writer, hostId));
    doors.push(door);
    return door;
  };
  closeAll.push(async () => {
    for (const { socket } of doors) socket.destroy();
    await server.close();
    host.close();
  });
  return { server, host, engine, connect, socketPath };
}

/** Keeps the frames that come, and waits for those that do not yet. */
class TestDoor {
  readonly socket: Socket;
  readonly frames: HostFrame[] = [];
  readonly writer = new FrameWriter();
  readonly closed: Promise<void>;
  #onFrame: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new FrameReader(1e6);
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
    socket.on("data", (chunk) => {
      reader.push(chunk, (bytes) => {
        const frame = parseHostFrame(Buffer.from(bytes));
        assert.ok(frame !== undefined, "is a frame of a host");
        this.frames.push(frame);
        return true;
      });
      this.#onFrame();
    });
  }

  say(write: (writer: FrameWriter) => void): void {
    write(this.writer);
    this.socket.write(Buffer.concat(this.writer.take()));
  }

  /** Resolves when as many frames of these types have come. */
  async has(count: number, ...types: readonly HostFrame["type"][]): Promise<HostFrame[]> {
    for (;;) {
      const found = this.frames.filter(({ type }) => types.includes(type));
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => {
        this.#onFrame = resolve;
      });
    }
  }
}

function request(id: number, values: readonly number[], fields: Partial<RequestFrame> = {}) {
  return (writer: FrameWriter) =>
    writeRequest(
      writer,
      asWritten(
        requestFrame(
          { features: values.map((value) => [value]) },
          { id, deadlineAt: systemClock.now() + 60_000, requestId: `r-${id}`, ...fields },
        ),
      ),
    );
}

function idsOf(frames: readonly HostFrame[]): readonly number[] {
  return frames.map((frame) => ("id" in frame ? frame.id : -1)).toSorted((a, b) => a - b);
}

/** A request of any kind, of which some are cancelled. */
function askSomehow(door: TestDoor, id: number): void {
  const malformed = request(id, [], { body: Buffer.from("{}") });
  const expired = request(id, [id], { deadlineAt: 0 });
  const plain = request(id, [id, id]);
  door.say([plain, malformed, expired, plain, plain][id % 5] ?? plain);
  if (id % 5 === 3) door.say((writer) => writeCancel(writer, id, "client-left"));
  if (id % 5 === 4) door.say((writer) => writeCancel(writer, id - 1, "expired"));
}

function predictions(frame: HostFrame | undefined): unknown {
  assert.ok(frame?.type === "done" || frame?.type === "chunk");
  return JSON.parse(Buffer.from(frame.body).toString())["predictions"];
}

describe("a door server", () => {
  it("greets with its version and host, and says its load", async () => {
    const { connect } = await serve();
    const door = connect();
    await door.has(1, "pressure");
    const [hello, pressure] = door.frames;
    assert.deepEqual(hello, { type: "hello", version: protocolVersion, hostId });
    assert.equal(pressure?.type, "pressure");
  });

  it("answers, after it has said that it runs", async () => {
    const { connect } = await serve();
    const door = connect();
    door.say(request(5, [1, 2]));
    const [done] = await door.has(1, "done");
    assert.deepEqual([done && "id" in done && done.id, predictions(done)], [5, [[1], [2]]]);
    const types = door.frames.map(({ type }) => type);
    assert.deepEqual(types, ["hello", "pressure", "running", "running", "done"]);
  });

  it("gives each of many requests exactly one answer, whatever becomes of it", async () => {
    const { connect } = await serve();
    const doors = [connect(), connect()];
    const ids = Array.from({ length: 200 }, (_, id) => id);
    for (const door of doors) for (const id of ids) askSomehow(door, id);
    for (const door of doors) {
      await door.has(ids.length, "done", "failed");
      door.say(request(ids.length, [1]));
      const answers = await door.has(ids.length + 1, "done", "failed");
      assert.deepEqual(idsOf(answers), [...ids, ids.length]);
    }
  });

  it("queues all that came together before it runs the first", async () => {
    const { connect, engine } = await serve();
    const door = connect();
    door.say((writer) => {
      request(1, [1], { priority: "low" })(writer);
      request(2, [2])(writer);
    });
    await door.has(2, "done");
    const order = engine.runs.map(({ inputs }) => inputs[0]?.data[0]);
    assert.deepEqual(order, [2, 1]);
  });

  it("sends chunks as far as there is credit", async () => {
    const { connect } = await serve();
    const door = connect();
    door.say(request(1, [1, 2, 3], { stream: true }));
    await door.has(2, "chunk");
    door.say(request(2, [9]));
    await door.has(1, "done");
    const before = door.frames.filter(({ type }) => type === "chunk").map(predictions);
    door.say((writer) => writeCredit(writer, 1, 1));
    const chunks = await door.has(3, "chunk");
    await door.has(2, "done");
    assert.deepEqual(
      [before, chunks.map(predictions)],
      [
        [[[1]], [[2]]],
        [[[1]], [[2]], [[3]]],
      ],
    );
  });

  it("does not mind cancels and credits for what it does not have", async () => {
    const { connect } = await serve();
    const door = connect();
    door.say((writer) => writeCancel(writer, 77, "client-left"));
    door.say((writer) => writeCredit(writer, 78, 9));
    door.say(request(1, [1]));
    await door.has(1, "done");
  });

  it("keeps sequences until they are ended, and tells of those that it drops", async () => {
    const { connect, host } = await serve();
    const door = connect();
    const claim = (key: string, start: boolean) => ({ key, start, end: false, shared: false });
    door.say(request(1, [1], { sequence: claim("a", true) }));
    door.say(request(2, [2], { sequence: claim("b", true) }));
    await door.has(2, "done");
    const before = host.load.sequences;
    door.say((writer) => writeEnd(writer, "a"));
    door.say((writer) => writeEnd(writer, "unknown"));
    door.say(request(3, [3], { sequence: claim("a", false) }));
    const [failed] = await door.has(1, "failed");
    assert.deepEqual([before, host.load.sequences], [2, 1]);
    assert.equal(failed?.type === "failed" && failed.failure.code, "sequence-lost");
    door.say(request(4, [4], { sequence: claim("b", false), deadlineAt: 0 }));
    const [ended] = await door.has(1, "ended");
    assert.deepEqual(ended, { type: "ended", key: "b", reason: "expired" });
  });

  it("forgets the sequences of a door that leaves", async () => {
    const { connect, host } = await serve();
    const [gone, good] = [connect(), connect()];
    for (const [door, key] of [
      [gone, "a"],
      [good, "b"],
    ] as const) {
      const sequence = { key, start: true, end: false, shared: false };
      door.say(request(1, [1], { sequence }));
      await door.has(1, "done");
    }
    gone.socket.destroy();
    await gone.closed;
    while (host.load.sequences > 1) await new Promise(setImmediate);
    good.say(request(2, [2], { sequence: { key: "b", start: false, end: true, shared: false } }));
    await good.has(2, "done");
    assert.equal(host.load.sequences, 0);
  });

  it("tells all doors of a change at once", async () => {
    const { connect, server } = await serve();
    const doors = [connect(), connect()];
    for (const door of doors) await door.has(1, "pressure");
    server.tellPressure();
    for (const door of doors) await door.has(2, "pressure");
  });
});

describe("a door server ends a connection", () => {
  const hello = (version: number) => {
    const bytes = Buffer.from("00000000015452504500006d", "hex");
    bytes.writeUInt32LE(bytes.length - 4, 0);
    bytes.writeUInt16LE(version, 9);
    return bytes;
  };
  const rows: readonly (readonly [string, Buffer])[] = [
    ["of another version", hello(protocolVersion + 1)],
    ["of no known version", hello(0)],
    ["that is not of ours", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["with a frame of no bytes", Buffer.alloc(4)],
    ["with a frame past the limit", Buffer.from([0xff, 0xff, 0xff, 0x7f])],
    ["with an unknown frame", Buffer.from([1, 0, 0, 0, 99])],
    ["with a frame of a host", Buffer.from([5, 0, 0, 0, 16, 1, 0, 0, 0])],
    [
      "with a request whose number is too large",
      Buffer.from("1200000002ffffffff00000100000000000000000000", "hex"),
    ],
  ];
  for (const [name, bytes] of rows) {
    it(`${name}, and serves the others`, async () => {
      const { connect } = await serve();
      const [bad, good] = [connect(false), connect()];
      await bad.has(1, "hello");
      bad.socket.write(bytes);
      await bad.closed;
      good.say(request(1, [1]));
      await good.has(1, "done");
    });
  }

  it("that asks before it has greeted", async () => {
    const { connect } = await serve();
    const door = connect(false);
    door.say(request(1, [1]));
    await door.closed;
    assert.deepEqual(await door.has(0, "running", "done"), []);
  });

  it("with nothing but random bytes, and survives", async () => {
    const { connect } = await serve();
    const random = seededRandom(9);
    for (let round = 0; round < 50; round += 1) {
      const door = connect(false);
      await door.has(1, "hello");
      door.socket.end(Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256))));
      await door.closed;
    }
    const good = connect();
    good.say(request(1, [1]));
    await good.has(1, "done");
  });
});

describe("a door server that closes", () => {
  it("has sent the last answers, and leaves no socket", async () => {
    const { connect, engine, host, server, socketPath } = await serve();
    engine.isGated = true;
    const door = connect();
    door.say(request(1, [1]));
    await door.has(1, "running");
    closeAll = [];
    const drained = new Promise<void>((resolve) => {
      host.drain(() => resolve(server.close()));
    });
    engine.letOneEnd();
    await drained;
    await door.closed;
    host.close();
    assert.deepEqual(predictions(door.frames.at(-1)), [[1]]);
    assert.equal(existsSync(socketPath), false);
  });
});

describe("a door server whose door leaves", () => {
  it("gives up what that asked for", async () => {
    const { connect, engine, host } = await serve();
    engine.isGated = true;
    const [gone, good] = [connect(), connect()];
    gone.say(request(1, [1]));
    await gone.has(1, "running");
    gone.say(request(2, [2]));
    good.say(request(3, [3]));
    while (host.pressure.queuedRows < 2) await new Promise(setImmediate);
    gone.socket.destroy();
    await gone.closed;
    while (host.pressure.queuedRows > 1) await new Promise(setImmediate);
    engine.isGated = false;
    engine.letOneEnd();
    await good.has(1, "done");
    assert.deepEqual(
      engine.runs.map(({ inputs }) => inputs[0]?.data[0]),
      [1, 3],
    );
  });
});
