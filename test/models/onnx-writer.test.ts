import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Attribute,
  type ElementType,
  encodeModel,
  type Initializer,
  type Model,
} from "../../models/onnx-writer.ts";
import { runModel, tensor } from "./runtime.ts";

const tiny: Model = {
  name: "tiny",
  inputs: [{ name: "x", elementType: "FP32", shape: ["n", 2] }],
  outputs: [{ name: "y", elementType: "FP32", shape: ["n", 2] }],
  initializers: [{ name: "w", elementType: "FP32", shape: [1], values: [1] }],
  nodes: [{ op: "Add", inputs: ["x", "w"], outputs: ["y"] }],
};

const tinyBytes = [
  "0808", // ir_version 8
  "1206 74726f757065", // producer_name "troupe"
  "3a51", // graph, 81 bytes:
  "0a0e 0a0178 0a0177 120179 2203416464", // node: inputs "x" and "w", output "y", op_type "Add"
  "1204 74696e79", // name "tiny"
  "2a0d 0801 1001 420177 4a040000803f", // initializer: dims 1, FLOAT, name "w", raw_data 1.0
  "5a14 0a0178 120f 0a0d 0801 1209 0a03 12016e 0a02 0802", // input "x": tensor of FLOAT, shape "n", 2
  "6214 0a0179 120f 0a0d 0801 1209 0a03 12016e 0a02 0802", // output "y": the same
  "4204 0a00 1011", // opset_import: domain "", version 17
];

/** A model without inputs whose output `y` is the constant that the attribute holds. */
function constantModel(name: string, attribute: Attribute, like: Initializer): Uint8Array {
  return encodeModel({
    name: "constant",
    inputs: [],
    outputs: [{ ...like, name: "y" }],
    nodes: [{ op: "Constant", inputs: [], outputs: ["y"], attributes: { [name]: attribute } }],
  });
}

function initializer(elementType: ElementType, values: Initializer["values"]): Initializer {
  return { name: "kept", elementType, shape: [2], values };
}

describe("encodeModel", () => {
  it("writes the bytes that the format asks for", () => {
    assert.equal(
      Buffer.from(encodeModel(tiny)).toString("hex"),
      tinyBytes.join("").replaceAll(" ", ""),
    );
  });

  it("writes a model that ONNX Runtime runs", async () => {
    const { y } = await runModel(encodeModel(tiny), {
      x: tensor("float32", Float32Array.of(1, 2, 3, 4), [2, 2]),
    });
    assert.deepEqual(y, { dims: [2, 2], values: [2, 3, 4, 5] });
  });

  const kept: [ElementType, (number | bigint | string)[]][] = [
    ["BOOL", [1, 0]],
    ["UINT8", [0, 255]],
    ["INT8", [-128, 127]],
    ["UINT16", [0, 65535]],
    ["INT16", [-32768, 32767]],
    ["UINT32", [0, 4294967295]],
    ["INT32", [-2147483648, 2147483647]],
    ["UINT64", [0n, 2n ** 64n - 1n]],
    ["INT64", [-(2n ** 63n), 2n ** 63n - 1n]],
    ["FP32", [0.5, Number.NEGATIVE_INFINITY]],
    ["FP64", [0.1, 1e300]],
    ["STRING", ["", "zwölf"]],
  ];
  for (const [elementType, values] of kept) {
    it(`keeps ${elementType} values`, async () => {
      const model = encodeModel({
        name: "kept",
        inputs: [],
        outputs: [{ name: "y", elementType, shape: [2] }],
        initializers: [initializer(elementType, values)],
        nodes: [{ op: "Identity", inputs: ["kept"], outputs: ["y"] }],
      });
      const { y } = await runModel(model, {});
      assert.deepEqual(y, { dims: [2], values });
    });
  }

  const attributes: [string, Attribute, ElementType, (number | bigint | string)[]][] = [
    ["value_ints", { ints: [-1, 2n ** 40n] }, "INT64", [-1n, 2n ** 40n]],
    ["value_floats", { floats: [0.5, -2] }, "FP32", [0.5, -2]],
    ["value_strings", { strings: ["a", "ü"] }, "STRING", ["a", "ü"]],
    ["value", { tensor: initializer("INT64", [3, 4]) }, "INT64", [3n, 4n]],
  ];
  for (const [name, attribute, elementType, values] of attributes) {
    it(`writes the attribute ${name}`, async () => {
      const model = constantModel(name, attribute, initializer(elementType, []));
      const { y } = await runModel(model, {});
      assert.deepEqual(y, { dims: [2], values });
    });
  }

  const scalars: [string, Attribute, ElementType, number | bigint | string][] = [
    ["value_int", { int: -7 }, "INT64", -7n],
    ["value_float", { float: 0.25 }, "FP32", 0.25],
    ["value_string", { string: "é" }, "STRING", "é"],
  ];
  for (const [name, attribute, elementType, value] of scalars) {
    it(`writes the attribute ${name}`, async () => {
      const like = { ...initializer(elementType, []), shape: [] };
      const { y } = await runModel(constantModel(name, attribute, like), {});
      assert.deepEqual(y, { dims: [], values: [value] });
    });
  }
});
