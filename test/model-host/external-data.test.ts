import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanExternalData } from "../../model-host/external-data.ts";
import { externalConstant, externalScale } from "../../models/external-models.ts";
import { brokenModel, gatherModel } from "../../models/odd-models.ts";
import {
  bytesField,
  concat,
  integerField,
  messageField,
  textField,
} from "../../models/protobuf.ts";

function locationsOf(model: Uint8Array): readonly string[] | undefined {
  const locations = scanExternalData(Buffer.from(model));
  return locations && [...locations];
}

/** A tensor with the entries of its external data, each of its own fields. */
function tensor(field: number, ...entries: readonly (readonly Uint8Array[])[]): Uint8Array {
  const fields = entries.map((entry) => messageField(13, entry));
  return messageField(field, [...fields, integerField(14, 1)]);
}

const key = (text: string) => textField(1, text);
const value = (text: string) => textField(2, text);
const at = (place: string) => [key("location"), value(place)];
const graph = (...fields: readonly Uint8Array[]) => messageField(7, fields);
const attribute = (...fields: readonly Uint8Array[]) => messageField(5, fields);

type Row = readonly [name: string, model: Uint8Array, locations: readonly string[] | undefined];

const rows: readonly Row[] = [
  ["a model that keeps all in itself", gatherModel(), []],
  ["an initializer", externalScale().onnx, ["weights.bin"]],
  ["whatever the location is", externalScale("../../etc/passwd").onnx, ["../../etc/passwd"]],
  ["a node's attribute", externalConstant(0).onnx, ["weights.bin"]],
  ["a graph in an attribute", externalConstant(1).onnx, ["weights.bin"]],
  ["several graphs deep", externalConstant(6).onnx, ["weights.bin"]],
  [
    "two initializers",
    graph(tensor(5, at("a")), tensor(5, at("b")), tensor(5, at("a"))),
    ["a", "b"],
  ],
  [
    "a graph that comes in two parts",
    concat([graph(tensor(5, at("a"))), graph(tensor(5, at("b")))]),
    ["a", "b"],
  ],
  [
    "a sparse initializer",
    graph(messageField(15, [tensor(1, at("a")), tensor(2, at("b"))])),
    ["a", "b"],
  ],
  ["a list of tensors", graph(messageField(1, [attribute(tensor(10, at("a")))])), ["a"]],
  [
    "a list of graphs",
    graph(messageField(1, [attribute(messageField(11, [tensor(5, at("a"))]))])),
    ["a"],
  ],
  [
    "a function's node",
    messageField(25, [messageField(7, [attribute(tensor(5, at("a")))])]),
    ["a"],
  ],
  ["a function's default", messageField(25, [messageField(11, [tensor(5, at("a"))])]), ["a"]],
  ["the value before its key", graph(tensor(5, [value("a"), key("location")])), ["a"]],
  ["the last of two values", graph(tensor(5, [...at("a"), value("b")])), ["b"]],
  ["other entries", graph(tensor(5, [key("offset"), value("0")], at("a"))), ["a"]],
  ["no value", graph(tensor(5, [key("location")])), [""]],
  ["a tensor that is not marked", graph(messageField(5, [messageField(13, at("a"))])), ["a"]],
  ["what is no model", brokenModel(), undefined],
  ["nothing", new Uint8Array(), []],
];

describe("scanExternalData", () => {
  for (const [name, model, locations] of rows) {
    it(`finds the locations of ${name}`, () => assert.deepEqual(locationsOf(model), locations));
  }

  it("gives up on graphs that are nested too deep", () => {
    let nested = tensor(5, at("a"));
    const models = Array.from({ length: 17 }, () => {
      const model = bytesField(7, nested);
      nested = messageField(1, [attribute(bytesField(6, nested))]);
      return model;
    });
    assert.deepEqual(
      [locationsOf(models[15] as Uint8Array), locationsOf(models[16] as Uint8Array)],
      [["a"], undefined],
    );
  });

  it("never throws on a model cut short at any byte", () => {
    const { onnx } = externalScale();
    for (let length = 0; length < onnx.length; length += 1) {
      const locations = locationsOf(onnx.subarray(0, length));
      assert.ok(locations === undefined || locations.length <= 1);
    }
  });
});
