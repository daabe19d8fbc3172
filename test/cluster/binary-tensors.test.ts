import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { allDatatypesModel, echoedDatatypes } from "../../models/datatype-models.ts";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel, fixedBatchModel } from "../../models/odd-models.ts";
import { encodeModel } from "../../models/onnx-writer.ts";
import { binaryBody, binaryFrame, parseBinary, type TensorEntry } from "./binary-form.ts";
import { startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { type BinaryReply, sendForBytes } from "./http-client.ts";

const maxBodyBytes = 4_000_000;

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel() },
      labelled: { onnx: echoModel(), yaml: "labels: [a, b, c, d]" },
      fixed: { onnx: fixedBatchModel() },
      all: { onnx: allDatatypesModel() },
      halves: { onnx: echoing("FP16", ["batch", 4]) },
      pictures: { onnx: echoing("FP32", ["batch", 3, 240, 320]) },
      texts: { onnx: echoing("STRING", ["batch", 1]) },
      loop: { onnx: loopModel() },
      grids: { onnx: echoing("FP32", ["batch", "columns"]) },
    },
    flags: ["--max-body-bytes", `${maxBodyBytes}`],
  },
);

function echoing(
  elementType: "FP16" | "FP32" | "STRING",
  shape: readonly (string | number)[],
): Uint8Array {
  return encodeModel({
    name: "echoing",
    inputs: [{ name: "x", elementType, shape }],
    outputs: [{ name: "y", elementType, shape }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
}

interface Request {
  readonly json: unknown;
  readonly tensors?: readonly Uint8Array[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly packed?: (body: Buffer) => Buffer;
  readonly chunked?: boolean;
}

function infer(model: string, request: Request): Promise<BinaryReply> {
  const { json, tensors = [], headers = {}, packed = (body) => body, chunked = false } = request;
  const { body, jsonBytes } = binaryBody(json, tensors);
  return sendForBytes(cluster.url, {
    method: "POST",
    path: `/v2/models/${model}/infer`,
    headers: {
      "content-type": "application/octet-stream",
      "inference-header-content-length": `${jsonBytes}`,
      ...headers,
    },
    body: packed(body),
    chunked,
  });
}

function raw(model: string, body: Buffer): Promise<BinaryReply> {
  const headers = { "inference-header-content-length": "0" };
  return sendForBytes(cluster.url, {
    method: "POST",
    path: `/v2/models/${model}/infer`,
    headers,
    body,
  });
}

function bytes(array: ArrayBufferView): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function input(
  datatype: string,
  shape: readonly number[],
  size: number,
  name = "x",
): { readonly name: string } {
  const parameters = { binary_data_size: size };
  return { name, datatype, shape, parameters } as TensorEntry;
}

const row = Float32Array.of(1, 2, 3, 4);
const x = input("FP32", [1, 4], 16);
const inBinary = { binary_data_output: true };

function assertRefused(reply: BinaryReply, status: number, code: string, words: RegExp): void {
  const { error, code: got } = JSON.parse(reply.body.toString());
  assert.deepEqual([reply.status, got], [status, code], error);
  assert.match(error, words);
}

describe("Binary tensors over HTTP", () => {
  it("come back as they went in", async () => {
    const reply = await infer("echo", {
      json: { id: "q", inputs: [x], parameters: inBinary },
      tensors: [bytes(row)],
    });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(reply.headers["content-type"], "application/octet-stream");
    const { json, tensors } = parseBinary(reply);
    assert.deepEqual(json, {
      id: "q",
      model_name: "echo",
      model_version: "1",
      outputs: [
        { name: "y", datatype: "FP32", shape: [1, 4], parameters: { binary_data_size: 16 } },
      ],
    });
    assert.deepEqual(tensors.get("y"), bytes(row));
  });

  it("are answered in JSON where nothing is said of outputs, and the other way round", async () => {
    const inJson = await infer("echo", { json: { inputs: [x] }, tensors: [bytes(row)] });
    assert.equal(inJson.headers["content-type"], "application/json");
    assert.equal(inJson.headers["inference-header-content-length"], undefined);
    assert.deepEqual(JSON.parse(inJson.body.toString()).outputs[0].data, [1, 2, 3, 4]);
    const json = { name: "x", datatype: "FP32", shape: [1, 4], data: [...row] };
    const outputs = [{ name: "y", parameters: { binary_data: true } }];
    const reply = await cluster.send({
      method: "POST",
      path: "/v2/models/echo/infer",
      body: { inputs: [json], outputs },
    });
    assert.equal(reply.headers["content-type"], "application/octet-stream");
  });

  it("are of every datatype that ONNX Runtime takes", async () => {
    const samples: Readonly<Record<string, Buffer>> = {
      BOOL: Buffer.from([0, 1]),
      STRING: Buffer.from("0200000061c30300000062ffff", "hex"),
    };
    const given = echoedDatatypes.map((type) => {
      const data = type === "STRING" ? textBytes("ß", "") : (samples[type] ?? pattern(type));
      const datatype = type === "STRING" ? "BYTES" : type;
      return { entry: input(datatype, [1, 2], data.length, `in_${type}`), data, type };
    });
    const reply = await infer("all", {
      json: { inputs: given.map(({ entry }) => entry), parameters: inBinary },
      tensors: given.map(({ data }) => data),
    });
    assert.equal(reply.status, 200, reply.body.toString());
    const { tensors } = parseBinary(reply);
    for (const { type, data } of given) assert.deepEqual(tensors.get(`out_${type}`), data, type);
  });

  it("are halves, which JSON cannot carry", async () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x0001);
    const json = { inputs: [input("FP16", [1, 4], 8)], parameters: inBinary };
    const reply = await infer("halves", { json, tensors: [bytes(halves)] });
    assert.deepEqual(parseBinary(reply).tensors.get("y"), bytes(halves));
    const refused = await infer("halves", {
      json: { inputs: [input("FP16", [1, 4], 8)] },
      tensors: [bytes(halves)],
    });
    assertRefused(refused, 400, "invalid-request", /sending FP16 data via JSON/);
  });

  it("of BF16 are refused, as ONNX Runtime's binding has no such tensors", async () => {
    const json = { inputs: [input("BF16", [1, 4], 8)] };
    const reply = await infer("echo", { json, tensors: [Buffer.alloc(8)] });
    assertRefused(reply, 400, "invalid-request", /'BF16', but model 'echo' expects 'FP32'/);
  });

  it("may be large, many at once", async () => {
    const pictures = [1, 2, 3, 4, 5, 6].map((seed) => picture(seed));
    const replies = await Promise.all(
      pictures.map((one) =>
        infer("pictures", {
          json: {
            id: "x".repeat(one[0] === 0 ? 1 : 2),
            inputs: [input("FP32", [1, 3, 240, 320], one.byteLength)],
            parameters: inBinary,
          },
          tensors: [bytes(one)],
        }),
      ),
    );
    for (const [i, reply] of replies.entries()) {
      assert.ok(
        parseBinary(reply)
          .tensors.get("y")
          ?.equals(bytes(pictures[i] as Float32Array)),
      );
    }
  });

  it("are of no elements where the model takes them so", async () => {
    const json = { inputs: [input("FP32", [1, 0], 0)], parameters: inBinary };
    const reply = await infer("grids", { json });
    const { outputs } = JSON.parse(reply.body.toString());
    assert.equal(reply.headers["inference-header-content-length"], undefined);
    assert.deepEqual(outputs[0].parameters, { binary_data_size: 0 });
  });
});

/** Two elements that are no zeros. */
function pattern(type: string): Buffer {
  const width = Number(/\d+$/.exec(type)?.[0]) / 8;
  return Buffer.alloc(2 * width, 0x21);
}

function textBytes(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(text));
      return Buffer.concat([length, Buffer.from(text)]);
    }),
  );
}

function picture(seed: number): Float32Array {
  return Float32Array.from({ length: 3 * 240 * 320 }, (_, i) => (i * seed) % 1_000);
}

describe("Binary tensors that lie", () => {
  const lies: readonly (readonly [string, Request, RegExp])[] = [
    [
      "too few bytes",
      { json: { inputs: [x] }, tensors: [bytes(row).subarray(1)] },
      /expecting 1 additional bytes for model 'echo'/,
    ],
    [
      "too many bytes",
      { json: { inputs: [x] }, tensors: [bytes(row), Buffer.alloc(1)] },
      /unexpected additional input data for model 'echo'/,
    ],
    [
      "a size that is not the shape's",
      { json: { inputs: [input("FP32", [1, 4], 12)] }, tensors: [Buffer.alloc(12)] },
      /FP32 of shape \[1,4\] has 16 bytes, got 12/,
    ],
    [
      "a size that is no number",
      {
        json: { inputs: [{ ...x, parameters: { binary_data_size: "16" } }] },
        tensors: [bytes(row)],
      },
      /'binary_data_size' to be an integer/,
    ],
    [
      "an unknown datatype",
      { json: { inputs: [input("FP8", [1, 4], 4)] }, tensors: [Buffer.alloc(4)] },
      /FP8/,
    ],
    [
      "a JSON longer than the body",
      { json: {}, headers: { "inference-header-content-length": "99" } },
      /range \(0, 2\), got: 99/,
    ],
    [
      "a negative length",
      { json: {}, headers: { "inference-header-content-length": "-1" } },
      /should be in range/,
    ],
    [
      "a length beyond 32 bits",
      { json: {}, headers: { "inference-header-content-length": "4294967297" } },
      /should be in range/,
    ],
    [
      "a length that is no number",
      { json: {}, headers: { "inference-header-content-length": "12x" } },
      /Unable to parse Inference-Header-Content-Length, got: 12x/,
    ],
  ];
  for (const [what, request, words] of lies) {
    it(`are refused: ${what}`, async () => {
      assertRefused(await infer("echo", request), 400, "invalid-request", words);
    });
  }
});

describe("A raw body", () => {
  it("is the one input, in one row, and all outputs are binary", async () => {
    const reply = await raw("echo", bytes(row));
    assert.equal(reply.status, 200, reply.body.toString());
    assert.deepEqual(parseBinary(reply).tensors.get("y"), bytes(row));
  });

  it("tells the one size that is open", async () => {
    const reply = await raw("grids", Buffer.alloc(12));
    assert.deepEqual(parseBinary(reply).json.outputs[0]?.shape, [1, 3]);
    assertRefused(await raw("grids", Buffer.alloc(5)), 400, "invalid-request", /whole number/);
  });

  it("is one string", async () => {
    const reply = await raw("texts", Buffer.from("grüße"));
    assert.deepEqual(parseBinary(reply).tensors.get("y"), textBytes("grüße"));
  });

  it("is refused where there are several inputs, or its size is wrong", async () => {
    assertRefused(await raw("all", bytes(row)), 400, "invalid-request", /one input/);
    assertRefused(
      await raw("echo", Buffer.alloc(15)),
      400,
      "invalid-request",
      /has 16 bytes, got 15/,
    );
  });
});

describe("A classification", () => {
  const scores = { name: "x", datatype: "FP32", shape: [2, 4], data: [1, 4, 3, 2, 9, 8, 7, 6] };

  it("is the best classes of each row, with labels", async () => {
    const outputs = [{ name: "y", parameters: { classification: 2 } }];
    const path = "/v2/models/labelled/infer";
    const { json } = await cluster.send<{ outputs: readonly unknown[] }>({
      method: "POST",
      path,
      body: { inputs: [scores], outputs },
    });
    assert.deepEqual(json.outputs, [
      {
        name: "y",
        datatype: "BYTES",
        shape: [2, 2],
        data: ["4.000000:1:b", "3.000000:2:c", "9.000000:0:a", "8.000000:1:b"],
      },
    ]);
  });

  it("comes in binary too", async () => {
    const outputs = [{ name: "y", parameters: { classification: 1, binary_data: true } }];
    const reply = await infer("echo", { json: { inputs: [scores], outputs } });
    assert.deepEqual(parseBinary(reply).tensors.get("y"), textBytes("4.000000:1", "9.000000:0"));
  });
});

describe("A packed request", () => {
  const json = { inputs: [x], parameters: inBinary };
  for (const [coding, packed] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const) {
    const headers = { "content-encoding": coding };
    it(`is unpacked: ${coding}, with and without a length`, async () => {
      for (const chunked of [false, true]) {
        const reply = await infer("echo", {
          json,
          tensors: [bytes(row)],
          headers,
          packed,
          chunked,
        });
        assert.equal(reply.status, 200, reply.body.toString());
        assert.deepEqual(parseBinary(reply).tensors.get("y"), bytes(row));
      }
    });

    it(`is a bomb: 413, ${coding}`, async () => {
      const bomb = () => packed(Buffer.alloc(200_000_000));
      const reply = await infer("echo", { json, headers, packed: bomb });
      assertRefused(reply, 413, "payload-too-large", /at most 4000000 bytes/);
    });

    it(`is corrupt or cut short: 400, ${coding}`, async () => {
      const cut = (body: Buffer) => packed(body).subarray(0, -5);
      for (const broken of [cut, (body: Buffer) => body]) {
        const reply = await infer("echo", { json, headers, packed: broken });
        assertRefused(reply, 400, "invalid-request", new RegExp(`body must be ${coding}`));
      }
    });
  }

  it("takes JSON on every route of predictions", async () => {
    const body = gzipSync(JSON.stringify({ features: [...row] }));
    const headers = { "content-encoding": "gzip" };
    const { status } = await cluster.send({ method: "POST", path: "/predict/echo", body, headers });
    assert.equal(status, 200);
  });

  it("in an unknown coding is 415, which names those that are known", async () => {
    const reply = await infer("echo", { json, headers: { "content-encoding": "br" } });
    assertRefused(reply, 415, "unsupported-media-type", /gzip, deflate, identity, got 'br'/);
    assert.equal(reply.headers["accept-encoding"], "gzip, deflate");
  });
});

describe("A packed answer", () => {
  const one = new Float32Array(3 * 240 * 320);
  const json = { inputs: [input("FP32", [1, 3, 240, 320], one.byteLength)], parameters: inBinary };
  for (const [coding, unpack] of [
    ["gzip", gunzipSync],
    ["deflate", inflateSync],
  ] as const) {
    it(`is ${coding} where the client asks for it`, async () => {
      const headers = { "accept-encoding": `${coding}, identity;q=0.5` };
      const reply = await infer("pictures", { json, tensors: [bytes(one)], headers });
      assert.deepEqual(
        [reply.headers["content-encoding"], reply.headers.vary],
        [coding, "accept-encoding"],
      );
      assert.equal(Number(reply.headers["content-length"]), reply.body.length);
      const whole = { ...reply, body: unpack(reply.body) };
      assert.ok(parseBinary(whole).tensors.get("y")?.equals(bytes(one)));
    });
  }

  it("is none where it is small, or not asked for", async () => {
    const small = await infer("echo", {
      json: { inputs: [x], parameters: inBinary },
      tensors: [bytes(row)],
      headers: { "accept-encoding": "gzip" },
    });
    const plain = await infer("pictures", { json, tensors: [bytes(one)] });
    assert.deepEqual(
      [small.headers["content-encoding"], plain.headers["content-encoding"]],
      [undefined, undefined],
    );
  });
});

describe("A timeout of a request", () => {
  it("in microseconds is its deadline where it waits behind another", async () => {
    const loop = (value: number, parameters: object) =>
      infer("loop", {
        json: { inputs: [input("INT64", [1], 8, "trips")], parameters },
        tensors: [bytes(BigInt64Array.of(BigInt(value)))],
      });
    const long = loop(1_500_000, {});
    await cluster.reaches(1, "troupe_requests_run_total", { model_id: "loop" });
    assertRefused(await loop(1, { timeout: 1_000 }), 504, "deadline-exceeded", /./);
    assert.equal((await long).status, 200);
  });
});

describe("Binary frames on a WebSocket", () => {
  const outputs = [{ name: "y", parameters: { binary_data: true } }];

  for (const path of ["/v2/models/echo/stream", "/ws"]) {
    it(`bring tensors and get them back: ${path}`, async () => {
      const socket = await openSocket(cluster.url, path);
      const json = { type: "infer", id: 7, model: "echo", inputs: [x], outputs };
      socket.sendBytes(binaryFrame(json, [bytes(row)]));
      const { json: answer, tensors } = await socket.binaryAnswer(7);
      assert.deepEqual(Object.keys(answer), [
        "type",
        "id",
        "model",
        "version",
        "outputs",
        "request_id",
      ]);
      assert.deepEqual(tensors.get("y"), bytes(row));
      socket.close();
      await socket.closed;
    });
  }

  it("are answered in text where nothing is said of outputs, and text in binary where it asks", async () => {
    const socket = await openSocket(cluster.url, "/v2/models/echo/stream");
    socket.sendBytes(binaryFrame({ type: "infer", id: "in", inputs: [x] }, [bytes(row)]));
    assert.deepEqual((await socket.answer("in")).predictions, [[...row]]);
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 4], data: [...row] }];
    socket.infer("out", { inputs, outputs });
    assert.deepEqual((await socket.binaryAnswer("out")).tensors.get("y"), bytes(row));
    socket.close();
    await socket.closed;
  });

  it("are streamed slice by slice", async () => {
    const rows = 130;
    const many = Float32Array.from({ length: rows * 4 }, (_, i) => i);
    const inputs = [input("FP32", [rows, 4], many.byteLength)];
    const socket = await openSocket(cluster.url, "/v2/models/echo/stream");
    const json = { type: "infer", id: 1, stream: true, inputs, outputs };
    socket.sendBytes(binaryFrame(json, [bytes(many)]));
    const end = await socket.answer(1);
    assert.deepEqual([end.type, end.rows, end.error], ["done", rows, undefined]);
    const chunks = socket.binaryFrames.map(({ tensors }) => tensors.get("y") as Buffer);
    assert.equal(chunks.length, 3);
    assert.deepEqual(Buffer.concat(chunks), bytes(many));
    socket.close();
    await socket.closed;
  });

  it("that lie get failed, and the socket lives", async () => {
    const socket = await openSocket(cluster.url, "/v2/models/echo/stream");
    socket.sendBytes(binaryFrame({ type: "infer", id: "lie", inputs: [x] }, [Buffer.alloc(15)]));
    const { code, error } = await socket.answer("lie");
    assert.deepEqual([code, /expecting 1 additional bytes/.test(error)], ["invalid-request", true]);
    socket.sendBytes(binaryFrame({ type: "infer", id: "next", inputs: [x] }, [bytes(row)]));
    assert.equal((await socket.answer("next")).type, "done");
    socket.close();
    await socket.closed;
  });
});

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
