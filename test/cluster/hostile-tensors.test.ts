import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { encodeModel } from "../../models/onnx-writer.ts";
import { grpcCode } from "../../src/front-door/statuses.ts";
import { binaryFrame } from "./binary-form.ts";
import { startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { freePort, GrpcClient } from "./grpc-client.ts";

const types = ["FP32", "BOOL", "INT8", "UINT8", "INT64", "UINT64", "STRING"] as const;

/** `x` [batch,2] → `y` [batch,2], the same. */
function echoOf(elementType: (typeof types)[number]): Uint8Array {
  const shape = ["batch", 2];
  return encodeModel({
    name: "echo",
    inputs: [{ name: "x", elementType, shape }],
    outputs: [{ name: "y", elementType, shape }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
}

const grpcPort = await freePort();
const cluster = await startReady(
  { after },
  {
    models: Object.fromEntries(types.map((type) => [type, { onnx: echoOf(type) }])),
    flags: ["--grpc-port", `${grpcPort}`],
  },
);
const grpc = new GrpcClient(grpcPort);
after(() => grpc.close());

/** What is wrong with the one tensor of a request, as each protocol can say it. */
interface Row {
  readonly what: string;
  readonly model?: (typeof types)[number];
  /** The name of the tensor, which every refusal must say. */
  readonly named?: string;
  /** `inputs` of V2's JSON and of a text frame. As text, since JSON.stringify cannot say much of this. */
  readonly json?: string;
  /** The same of a binary body and a binary frame, with what lies behind them. */
  readonly binary?: readonly [inputs: string, tensors: Buffer];
  /** What a ModelInferRequest has beside the model's name. */
  readonly grpc?: object;
}

const two: Buffer = Buffer.from(Float32Array.of(1, 2).buffer);
const none: Buffer = Buffer.alloc(0);
const x = '"name":"x","datatype":"FP32"';

/** An element that its datatype does not hold: in JSON, and typed. */
function element(model: (typeof types)[number], json: string, contents?: object): Row {
  const input = { name: "x", datatype: model, shape: [1, 2], contents };
  return {
    what: `${json} for ${model}`,
    model,
    json: `[{"name":"x","datatype":"${model}","shape":[1,2],"data":${json}}]`,
    ...(contents && { grpc: { inputs: [input] } }),
  };
}

/** Bytes as good as any, of a shape that is not. */
function shaped(what: string, dims: string, bytes = two): Row {
  const data = bytes.length === 0 ? "[]" : "[1,2]";
  const size = `"parameters":{"binary_data_size":${bytes.length}}`;
  const shape = dims.split(",");
  return {
    what,
    json: `[{${x},"shape":[${dims}],"data":${data}}]`,
    binary: [`[{${x},"shape":[${dims}],${size}}]`, bytes],
    grpc: { inputs: [{ name: "x", datatype: "FP32", shape }], raw_input_contents: [bytes] },
  };
}

/** A good shape, and bytes or elements that are not as many. */
function counted(what: string, data: string, bytes: Buffer): Row {
  const size = `"parameters":{"binary_data_size":${bytes.length}}`;
  return {
    ...shaped(what, "1,2", bytes),
    json: `[{${x},"shape":[1,2],"data":${data}}]`,
    binary: [`[{${x},"shape":[1,2],${size}}]`, bytes],
  };
}

function sized(size: string): Row {
  const inputs = `[{${x},"shape":[1,2],"parameters":{"binary_data_size":${size}}}]`;
  return { what: `a size of ${size}`, binary: [inputs, two] };
}

const good = `{${x},"shape":[1,2],"data":[1,2]}`;
const goodBinary = `{${x},"shape":[1,2],"parameters":{"binary_data_size":8}}`;
const goodGrpc = { name: "x", datatype: "FP32", shape: [1, 2] };
const typedGood = { ...goodGrpc, contents: { fp32_contents: [1, 2] } };
const protoName = "__proto__";

const rows: readonly Row[] = [
  element("INT8", "[1,128]", { int_contents: [1, 128] }),
  element("INT8", "[-129,1]", { int_contents: [-129, 1] }),
  element("UINT8", "[-1,1]", { uint_contents: [2 ** 32 - 1, 1] }),
  element("UINT8", "[1,256]", { uint_contents: [1, 256] }),
  element("UINT8", "[0.5,1]"),
  element("INT64", "[1,9007199254740993]"),
  element("INT64", '["9223372036854775808",1]', { uint64_contents: ["9223372036854775808", 1] }),
  element("UINT64", '["18446744073709551616",1]'),
  element("UINT64", "[1,-1]", { int64_contents: [1, -1] }),
  element("BOOL", "[true,2]", { int_contents: [1, 2] }),
  element("FP32", "[1e39,1]"),
  element("FP32", "[NaN,1]"),
  element("FP32", "[1,-Infinity]"),
  element("FP32", "[1,1e999]"),
  element("FP32", "[null,1]"),
  element("STRING", '["\\ud800",""]', { bytes_contents: [Buffer.of(0xff), none] }),
  element("STRING", '["a\\u0000",""]', { bytes_contents: [Buffer.of(0), none] }),
  element("FP32", "{}", { fp64_contents: [1, 2] }),
  {
    what: "a BOOL of 2 in binary",
    model: "BOOL",
    binary: [`[${goodBinary.replace("FP32", "BOOL").replace("8", "2")}]`, Buffer.of(1, 2)],
    grpc: { inputs: [{ ...goodGrpc, datatype: "BOOL" }], raw_input_contents: [Buffer.of(1, 2)] },
  },
  counted("too few elements", "[1]", two.subarray(4)),
  counted("no elements", "[]", none),
  counted("too many elements", "[1,2,3]", Buffer.concat([two, two])),
  counted("a part of an element", "[[1],2]", two.subarray(1)),
  { what: "typed elements too many", grpc: { inputs: [{ ...typedGood, shape: [1, 1] }] } },
  {
    what: "nesting over 100",
    json: `[{${x},"shape":[1,2],"data":${"[".repeat(120)}1${"]".repeat(120)}}]`,
    binary: [`[{${x},"parameters":${'{"a":'.repeat(120)}1${"}".repeat(120)}}]`, two],
  },
  {
    what: "the same name twice",
    json: `[${good},${good}]`,
    binary: [`[${goodBinary},${goodBinary}]`, Buffer.concat([two, two])],
    grpc: { inputs: [goodGrpc, goodGrpc], raw_input_contents: [two, two] },
  },
  {
    what: "a tensor named __proto__",
    named: protoName,
    json: `[${good},${good.replace('"x"', `"${protoName}"`)}]`,
    binary: [
      `[${goodBinary},${goodBinary.replace('"x"', `"${protoName}"`)}]`,
      Buffer.concat([two, two]),
    ],
    grpc: {
      inputs: [goodGrpc, { ...goodGrpc, name: protoName }],
      raw_input_contents: [two, two],
    },
  },
  {
    what: "fields under __proto__",
    json: `[{"name":"x","${protoName}":{"datatype":"FP32","shape":[1,2],"data":[1,2]}}]`,
    binary: [`[{${x},"shape":[1,2],"${protoName}":{"parameters":{"binary_data_size":8}}}]`, two],
  },
  shaped("a negative dim", "1,-2"),
  shaped("an unknown dim", "-1,2"),
  shaped("the smallest dim there is", "-9223372036854775808,2"),
  shaped("dims whose product is past 2^53", "134217728,134217728"),
  shaped("dims whose product is 0 modulo 2^64", "4294967296,4294967296"),
  shaped("dims whose product is 2 modulo 2^64", "9223372036854775807,2"),
  shaped("many dims", `1,2,${Array(2_000).fill(1).join(",")}`),
  shaped("no rows", "0,2", none),
  shaped("no elements in very many rows", "9007199254740991,0", none),
  sized("-1"),
  sized("9"),
  sized("4294967304"),
  sized("9007199254740992"),
  sized("1e300"),
  sized('"8"'),
  sized("[8]"),
];

function jsonOf(inputs: string): string {
  return `{"inputs":${inputs}}`;
}

function namesIt(message: string, named: string): void {
  const shown = message.slice(0, 300);
  assert.ok(message.includes(`'${named}'`), shown);
  assert.ok(message.length < 2_000, shown);
}

async function viaHttp(path: string, body: Buffer, jsonBytes?: number): Promise<string> {
  const length = { "inference-header-content-length": `${jsonBytes}` };
  const headers = jsonBytes === undefined ? {} : length;
  const { status, json } = await cluster.send({ method: "POST", path, body, headers });
  assert.deepEqual([status, json.code], [400, "invalid-request"], json.error);
  return json.error;
}

const sockets = new Map(
  await Promise.all(
    types.map(async (type) => {
      const socket = await openSocket(cluster.url, `/v2/models/${type}/stream`);
      return [type, socket] as const;
    }),
  ),
);

/** Ends the JSON with the closing brace, so that fields of a frame go in front. */
async function viaSocket(what: string, model: (typeof types)[number], frame: Buffer | string) {
  const socket = sockets.get(model);
  assert.ok(socket !== undefined);
  if (typeof frame === "string") socket.send(frame);
  else socket.sendBytes(frame);
  const { type, code, error } = await socket.answer(what);
  assert.deepEqual([type, code], ["failed", "invalid-request"], error);
  return error;
}

function framed(id: string, inputs: string): string {
  return `{"type":"infer","id":${JSON.stringify(id)},"inputs":${inputs}}`;
}

/** As `binaryFrame`, of JSON that is text already. */
function framedInBinary(id: string, [inputs, tensors]: readonly [string, Buffer]): Buffer {
  const head = Buffer.from(framed(id, inputs));
  const length = binaryFrame({}, []).subarray(0, 4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, tensors]);
}

describe("A request whose tensor is not what it should be is refused with the tensor's name:", () => {
  for (const row of rows) {
    const { what, model = "FP32", named = "x", json, binary } = row;
    const path = `/v2/models/${model}/infer`;
    it(what, async () => {
      if (json !== undefined) {
        namesIt(await viaHttp(path, Buffer.from(jsonOf(json))), named);
        namesIt(await viaSocket(what, model, framed(what, json)), named);
      }
      if (binary !== undefined) {
        const head = Buffer.from(jsonOf(binary[0]));
        namesIt(await viaHttp(path, Buffer.concat([head, binary[1]]), head.length), named);
        const id = `${what} in binary`;
        namesIt(await viaSocket(id, model, framedInBinary(id, binary)), named);
      }
      if (row.grpc !== undefined) {
        const { code, details } = await grpc.infer({ model_name: model, ...row.grpc });
        assert.equal(code, grpcCode.INVALID_ARGUMENT, details);
        namesIt(details, named);
      }
    });
  }
});

it("and nothing is left", async () => {
  for (const socket of sockets.values()) {
    socket.close();
    await socket.closed;
  }
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
