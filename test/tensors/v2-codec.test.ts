import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { v2BinaryCodec, v2Codec } from "../../src/tensors/v2-codec.ts";
import { model, spec } from "./v2-model.ts";

/** The same with one more input, a state that comes out as the output behind the last. */
function remembering(served: ServedModel, stream: ModelMetadata["stream"] = null): ServedModel {
  const { metadata } = served;
  const first: Tensor = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(0, 0.5) };
  return {
    ...served,
    standIns: [null, first],
    metadata: {
      ...metadata,
      inputs: [...metadata.inputs, spec("h")],
      outputs: [...metadata.outputs, spec("hn")],
      state: [{ input: 1, output: metadata.outputs.length, found: false }],
      stream,
    },
  };
}

const withoutMemory = { bringsState: false, isSignal: false };

const inputs = [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }];

function decode(body: unknown, served = model(spec("y"))): ReturnType<typeof v2Codec.decode> {
  return v2Codec.decode(Buffer.from(JSON.stringify(body)), served);
}

describe("v2Codec.decode", () => {
  it("reads inputs, outputs and id", () => {
    const x = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) };
    const parameters = { priority: 2, note: "a", binary_data_output: false };
    assert.deepEqual(decode({ id: "q", parameters, inputs, outputs: [{ name: "y" }] }), {
      inputs: [x],
      rows: 1,
      outputs: [0],
      id: "q",
      priority: "low",
      ...withoutMemory,
    });
    assert.deepEqual(
      [decode({ inputs }).id, decode({ id: "", inputs }).id],
      [undefined, undefined],
    );
  });

  for (const [body, message] of [
    [[], "Cannot read body: expected an object, got a list of 0"],
    [{ id: 1, inputs }, "Cannot read 'id': expected a string, got 1"],
    [{ id: null, inputs }, "Cannot read 'id': expected a string, got null"],
    [{ inputs, parameters: [] }, "Cannot read 'parameters': expected an object, got a list of 0"],
    [{ inputs, parameters: null }, "Cannot read 'parameters': expected an object, got null"],
    [
      { inputs, parameters: { a: null } },
      "Cannot read parameter 'a': expected a string, a number, true or false, got null",
    ],
    [
      { inputs, parameters: { a: [1] } },
      "Cannot read parameter 'a': expected a string, a number, true or false, got a list of 1",
    ],
    [
      { inputs, parameters: { triton_x: 1 } },
      "Cannot read parameter 'triton_x': parameter keys starting with 'triton_' are reserved",
    ],
    [
      { inputs, parameters: { binary_data_output: 1 } },
      "Cannot read 'parameters': expected 'binary_data_output' to be true or false, got 1",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(body).slice(0, 60)}: ${message}`, () => {
      assert.throws(() => decode(body), { code: "invalid-request", message });
    });
  }

  const streamed: ServedModel = {
    ...model(spec("y")),
    metadata: {
      ...model(spec("y")).metadata,
      stream: { input: 0, window: 2, hop: 1, pad: "none" },
    },
  };
  const sequences = [
    { sequence_id: 7 },
    { sequence_id: "s" },
    { sequence_start: true },
    { sequence_end: true },
    { sequence_id: 7, sequence_start: true, sequence_end: true },
  ];
  for (const parameters of sequences) {
    const [name] = Object.keys(parameters);
    it(`refuses ${JSON.stringify(parameters)} for a model that keeps no state`, () => {
      assert.throws(() => decode({ inputs, parameters }), {
        code: "invalid-request",
        message: `Cannot read parameter '${name}': model 'm' keeps no state between requests`,
      });
    });

    it(`leaves ${JSON.stringify(parameters)} to the front door for one that does`, () => {
      for (const served of [remembering(model(spec("y"))), streamed]) {
        assert.deepEqual(decode({ inputs, parameters }, served), decode({ inputs }, served));
      }
    });
  }

  it("refuses a sequence that is named by no plain value", () =>
    assert.throws(
      () => decode({ inputs, parameters: { sequence_id: [1] } }, remembering(model(spec("y")))),
      {
        code: "invalid-request",
        message:
          "Cannot read parameter 'sequence_id': expected a string, a number, true or false, got a list of 1",
      },
    ));

  const x = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) };
  const first = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(0, 0.5) };

  it("has the first state where it is left out, and answers with it only where it is named", () => {
    const served = remembering(model(spec("y")));
    const common = { inputs: [x, first], rows: 1, id: undefined, ...withoutMemory };
    assert.deepEqual(decode({ inputs }, served), { ...common, outputs: [0] });
    const named = [{ name: "hn" }, { name: "y" }];
    assert.deepEqual(decode({ inputs, outputs: named }, served), { ...common, outputs: [1, 0] });
  });

  it("takes a state that is brought, and answers with the next", () => {
    const h = { name: "h", shape: [1, 2], datatype: "FP32", data: [3, 4] };
    assert.deepEqual(decode({ id: "q", inputs: [h, ...inputs] }, remembering(model(spec("y")))), {
      inputs: [x, { datatype: "FP32", shape: [1, 2], data: Float32Array.of(3, 4) }],
      rows: 1,
      outputs: [0, 1],
      id: "q",
      bringsState: true,
      isSignal: false,
    });
  });

  it("minds no state that has no form in JSON, unless it is asked for", () => {
    const one = remembering(model(spec("y")));
    const outputs = [spec("y"), spec("hn", "BF16")];
    const served = { ...one, metadata: { ...one.metadata, outputs } };
    assert.deepEqual(decode({ inputs }, served).outputs, [0]);
    assert.throws(() => decode({ inputs, outputs: [{ name: "hn" }] }, served), {
      code: "invalid-request",
    });
  });

  it("refuses outputs that have no form in JSON, unless they are not asked for", () => {
    const served = model(spec("y"), spec("h", "BF16"));
    assert.throws(() => decode({ inputs }, served), {
      code: "invalid-request",
      message:
        "sending BF16 data via JSON is not supported. Please use the binary data format for output h",
    });
    assert.deepEqual(decode({ inputs, outputs: [{ name: "y" }] }, served).outputs, [0]);
  });
});

describe("v2Codec", () => {
  const served = model(spec("y"));
  const inBinary = { isBinary: true, classes: null };

  it("takes wishes for binary outputs", () => {
    const parameters = { binary_data_output: true };
    assert.deepEqual(decode({ parameters, inputs }, served).forms, [inBinary]);
    // Where outputs are listed, each says for itself.
    assert.equal(decode({ parameters, inputs, outputs: [{ name: "y" }] }, served).forms, undefined);
  });

  it("takes halves where they are wanted in binary, or as classes", () => {
    const halves = model(spec("y", "FP16"));
    assert.deepEqual(decode({ parameters: { binary_data_output: true }, inputs }, halves).forms, [
      inBinary,
    ]);
    const outputs = [{ name: "y", parameters: { classification: 1 } }];
    assert.deepEqual(decode({ inputs, outputs }, halves).forms, [{ isBinary: false, classes: 1 }]);
  });
});

describe("v2BinaryCodec", () => {
  const served = model(spec("y"));
  const x = { name: "x", shape: [1, 2], datatype: "FP32", parameters: { binary_data_size: 8 } };

  function bodyOf(json: unknown, tensors: Uint8Array, pad = ""): Buffer {
    const text = Buffer.from(JSON.stringify(json) + pad);
    return Buffer.concat([lengthPrefix(text.length), text, tensors]);
  }

  const bytes = new Uint8Array(Float32Array.of(1, 2).buffer);

  it("reads tensors behind the JSON", () => {
    const body = bodyOf({ id: "q", inputs: [x] }, bytes);
    assert.deepEqual(v2BinaryCodec.decode(body, served), {
      inputs: [{ datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) }],
      rows: 1,
      outputs: [0],
      id: "q",
      ...withoutMemory,
    });
  });

  it("copies them only where they are not aligned", () => {
    const shared = [];
    for (let spaces = 0; spaces < 4; spaces += 1) {
      const body = Buffer.from(new Uint8Array(bodyOf({ inputs: [x] }, bytes, " ".repeat(spaces))));
      const alone = new Uint8Array(body);
      const { inputs: read } = v2BinaryCodec.decode(alone, served);
      const { data } = read[0] as Tensor;
      assert.deepEqual(data, Float32Array.of(1, 2));
      shared.push(ArrayBuffer.isView(data) && data.buffer === alone.buffer);
    }
    assert.equal(shared.filter(Boolean).length, 1);
  });

  it("takes inputs of both forms, in any order of names", () => {
    const both = remembering(served);
    const h = { name: "h", shape: [1, 2], datatype: "FP32", data: [3, 4] };
    const { inputs: read } = v2BinaryCodec.decode(bodyOf({ inputs: [h, x] }, bytes), both);
    assert.deepEqual(
      read.map(({ data }) => data),
      [Float32Array.of(1, 2), Float32Array.of(3, 4)],
    );
  });

  for (const [body, message] of [
    [bodyOf({ inputs: [x] }, bytes.subarray(1)), /expecting 1 additional bytes/],
    [bodyOf({ inputs: [x] }, new Uint8Array(9)), /unexpected additional input data/],
    [bodyOf({ inputs }, bytes), /unexpected additional input data/],
    [bodyOf({ inputs: [{ ...x, data: [1, 2] }] }, bytes), /only one of the following fields/],
    [bodyOf({ inputs: [{ ...x, parameters: { binary_data_size: -1 } }] }, bytes), /got -1/],
    [bodyOf({ inputs: [{ ...x, parameters: { binary_data_size: 1.5 } }] }, bytes), /got 1.5/],
    [bodyOf({ inputs: [{ ...x, shape: [1, 3] }] }, bytes), /has 12 bytes, got 8/],
    [bodyOf({ inputs: [{ ...x, datatype: "BF16", shape: [1, 4] }] }, bytes), /'BF16', but model/],
    [bodyOf("x", bytes), /expected an object/],
    [Buffer.alloc(2), /length of its JSON/],
  ] as const) {
    it(`refuses a body with ${message.source}`, () => {
      assert.throws(() => v2BinaryCodec.decode(body, served), { code: "invalid-request", message });
    });
  }
});
