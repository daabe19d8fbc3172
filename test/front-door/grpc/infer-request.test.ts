import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../../models/random.ts";
import { encode } from "../../../src/front-door/grpc/definitions.ts";
import { readInferRequest } from "../../../src/front-door/grpc/infer-request.ts";
import { loadProto } from "../../../src/front-door/grpc/proto-files.ts";
import { TroupeError } from "../../../src/protocol/errors.ts";

const root = loadProto("inference.proto");
const type = root.lookupType("inference.ModelInferRequest");
const contentsType = root.lookupType("inference.InferTensorContents");
const x = { name: "x", datatype: "FP32", shape: [1, 2] };
const raw = Buffer.from(Float32Array.of(1, 2).buffer);

function readBytes(message: Uint8Array, maxBytes = 1_000_000) {
  const request = readInferRequest(message, maxBytes);
  if (request.refusal !== undefined) throw request.refusal;
  return request;
}

function read(message: object, maxBytes = 1_000_000) {
  return readBytes(encode(type, message), maxBytes);
}

/** The JSON of the body, and what stands behind it. */
function partsOf(message: object) {
  const { body, json } = read(message);
  const jsonBytes = body.readUInt32LE();
  assert.deepEqual(body.subarray(4, 4 + jsonBytes), json);
  return { json: JSON.parse(json.toString()), tensors: body.subarray(4 + jsonBytes) };
}

describe("readInferRequest", () => {
  it("makes JSON with raw tensors behind it", () => {
    const y = { name: "y", datatype: "INT8", shape: [-1, 0] };
    const message = {
      model_name: "m",
      model_version: "2",
      id: "seven",
      parameters: {
        priority: { uint64_param: 2 },
        note: { string_param: "é" },
        negative: { int64_param: -3 },
        half: { double_param: 0.5 },
        no: { bool_param: false },
      },
      inputs: [{ ...x, parameters: { own: { bool_param: true } } }, y],
      outputs: [{ name: "z", parameters: { classification: { int64_param: 3 } } }],
      raw_input_contents: [raw, Buffer.alloc(0)],
    };
    const { model, version, id, codec } = read(message);
    assert.deepEqual([model, version, id, codec], ["m", "2", "seven", "v2-binary"]);
    assert.deepEqual(partsOf(message), {
      json: {
        id: "seven",
        parameters: {
          priority: 2,
          note: "é",
          negative: -3,
          half: 0.5,
          no: false,
          binary_data_output: true,
        },
        inputs: [
          { ...x, parameters: { own: true, binary_data_size: 8 } },
          { ...y, parameters: { binary_data_size: 0 } },
        ],
        outputs: [{ name: "z", parameters: { classification: 3, binary_data: true } }],
      },
      tensors: raw,
    });
  });

  it("passes typed contents on as they came", () => {
    const contents = { fp32_contents: [1, 2] };
    const message = { model_name: "m", inputs: [{ ...x, contents }] };
    const encoded = encode(contentsType, contents);
    assert.equal(read(message).codec, "v2-contents");
    assert.equal(read(message).version, undefined);
    const { json, tensors } = partsOf(message);
    assert.deepEqual(tensors, encoded);
    assert.equal(json.inputs[0].parameters.binary_data_size, encoded.length);
  });

  it("joins contents that come in pieces", () => {
    const whole = encode(type, { inputs: [{ ...x, contents: { fp32_contents: [1] } }] });
    const piece = encode(contentsType, { fp32_contents: [2] });
    // Field 5 once more, within the input that is the whole message.
    const input = Buffer.concat([whole.subarray(2), Buffer.of(0x2a, piece.length), piece]);
    const message = Buffer.concat([Buffer.of(0x2a, input.length), input]);
    const { json } = readBytes(message, 1_000);
    assert.equal(
      JSON.parse(json.toString()).inputs[0].parameters.binary_data_size,
      2 * piece.length,
    );
  });

  it("leaves out the wish for a last answer, which comes anyway", () => {
    const parameters = { triton_enable_empty_final_response: { bool_param: true } };
    assert.deepEqual(partsOf({ parameters }).json.parameters, { binary_data_output: true });
  });

  const refused: readonly (readonly [string, object, string, RegExp])[] = [
    [
      "both forms",
      { inputs: [{ ...x, contents: {} }], raw_input_contents: [raw] },
      "invalid-request",
      /contents field must not be specified when using raw_input_contents for 'x'/,
    ],
    [
      "too few raw contents",
      { inputs: [x, x], raw_input_contents: [raw] },
      "invalid-request",
      /expected 2 raw_input_contents, one for each input, got 1/,
    ],
    [
      "a parameter without a value",
      { parameters: { p: {} } },
      "invalid-request",
      /parameter 'p' must have one of bool_param/,
    ],
    [
      "shared memory",
      { inputs: [{ ...x, parameters: { shared_memory_region: { string_param: "r" } } }] },
      "not-implemented",
      /'shared_memory_region' is not implemented/,
    ],
    [
      "too long a head",
      { inputs: new Array(30_000).fill({}) },
      "payload-too-large",
      /at most 262144 bytes beside its tensors/,
    ],
    [
      "too many dims",
      { inputs: [{ ...x, shape: new Array(300_000).fill(1) }] },
      "payload-too-large",
      /beside its tensors/,
    ],
    [
      "too many parameters",
      {
        parameters: Object.fromEntries(
          Array.from({ length: 30_000 }, (_, i) => [`p${i}`, { bool_param: true }]),
        ),
      },
      "payload-too-large",
      /beside its tensors/,
    ],
  ];
  for (const [what, message, code, words] of refused) {
    it(`refuses ${what}`, () => assert.throws(() => read(message), { code, message: words }));
  }

  it("says of what is refused whose it is, as far as it is read", () => {
    const message = { model_name: "m", model_version: "2", id: "7", inputs: [x, x] };
    const bytes = encode(type, { ...message, raw_input_contents: [raw] });
    const { model, version, id, refusal } = readInferRequest(bytes, 1_000_000);
    assert.deepEqual([model, version, id, refusal?.code], ["m", "2", "7", "invalid-request"]);
  });

  it("refuses a body that is longer than a request may be", () => {
    const message = { inputs: [x], raw_input_contents: [Buffer.alloc(100)] };
    assert.throws(() => read(message, 150), { code: "payload-too-large" });
  });

  it("gives a request or a refusal, however a message is harmed", () => {
    const random = seededRandom(7);
    const parameters = { p: { int64_param: -5 }, q: { double_param: 0.5 } };
    const inputs = [{ ...x, parameters, contents: { fp32_contents: [1, 2] } }, x];
    const whole = encode(type, {
      model_name: "model",
      parameters,
      inputs,
      outputs: [{ name: "y" }],
    });
    for (let round = 0; round < 5_000; round += 1) {
      const harmed = Buffer.from(whole);
      for (let hits = 0; hits < 3; hits += 1) {
        harmed[Math.floor(between(random, 0, harmed.length))] = Math.floor(between(random, 0, 256));
      }
      try {
        const { body, json } = readBytes(harmed, 100_000);
        assert.equal(body.readUInt32LE(), json.length);
      } catch (thrown) {
        assert.equal(thrown instanceof TroupeError, true, String(thrown));
      }
    }
  });

  it("refuses bytes that are no message, wherever they are cut", () => {
    const whole = encode(type, { model_name: "model", inputs: [x], raw_input_contents: [raw] });
    for (let length = 1; length < whole.length; length += 1) {
      try {
        readBytes(whole.subarray(0, length), 1_000);
      } catch (thrown) {
        assert.equal((thrown as { code: string }).code, "invalid-request");
      }
    }
    assert.throws(() => readBytes(Buffer.of(0x0a, 5, 1), 1_000), {
      code: "invalid-request",
    });
  });
});
