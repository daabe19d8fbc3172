import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { echoModel } from "../../models/odd-models.ts";
import { grpcCode } from "../../src/front-door/statuses.ts";
import { startReady } from "./cluster.ts";
import { freePort, GrpcClient, rawRow } from "./grpc-client.ts";
import { waitFor } from "./wait.ts";

const port = await freePort();
const flags = ["--grpc-port", String(port), "--front-doors", "1"];
const cluster = await startReady(
  { after },
  {
    models: { echo: { onnx: echoModel() } },
    flags: [...flags, "--max-body-bytes", "1000000", "--max-in-flight-bytes", "1000000"],
  },
);
const session = connect(`http://127.0.0.1:${port}`);
after(() => session.destroy());

const service = "/inference.GRPCInferenceService";

function open(method: string, from: ClientHttp2Session = session): ClientHttp2Stream {
  const stream = from.request({
    ":method": "POST",
    ":path": `${service}/${method}`,
    "content-type": "application/grpc",
    "grpc-encoding": "gzip",
    te: "trailers",
  });
  return stream.on("error", () => undefined);
}

/** With the flag that says that it is packed. */
function packedMessage(packed: Buffer): Buffer {
  const head = Buffer.of(1, 0, 0, 0, 0);
  head.writeUInt32BE(packed.length, 1);
  return Buffer.concat([head, packed]);
}

async function statusFor(message: Buffer): Promise<number> {
  const stream = open("ModelInfer");
  stream.end(message);
  const [headers] = await once(stream, "response");
  stream.close();
  return Number((headers as Record<string, string>)["grpc-status"]);
}

/** Few bytes that become many, and no request. */
const bomb = packedMessage(gzipSync(Buffer.alloc(900_000)));

describe("Messages on their way", () => {
  it("have room together, however small they are packed", async () => {
    assert.equal(await statusFor(bomb), grpcCode.INVALID_ARGUMENT, "it has room where it is alone");
    const shed = { model_id: "", reason: "bytes" };
    for (const method of ["ModelInfer", "ModelStreamInfer"]) {
      const counted = await cluster.metric("troupe_shed_total", shed);
      const slow = open(method);
      // A message of 900 000 bytes, of which a third does not come.
      slow.write(packedMessage(Buffer.alloc(900_000)).subarray(0, 600_000));
      await waitFor(async () => (await statusFor(bomb)) === grpcCode.UNAVAILABLE, "a refusal");
      assert.ok((await cluster.metric("troupe_shed_total", shed)) > counted);
      slow.close();
      await waitFor(async () => (await statusFor(bomb)) === grpcCode.INVALID_ARGUMENT, "room");
    }
  });

  it("may be packed, and are refused where they are packed otherwise than they say", async () => {
    const packing = new GrpcClient(port, { "grpc.default_compression_algorithm": 2 });
    after(() => packing.close());
    assert.equal((await packing.infer(rawRow("echo", [1, 2, 3, 4]))).code, grpcCode.OK);
    const status = await statusFor(packedMessage(Buffer.from("no gzip")));
    assert.equal(status, grpcCode.INVALID_ARGUMENT);
  });

  it("leave nothing behind", () => {
    session.destroy();
    return cluster.endsCleanly();
  });
});
