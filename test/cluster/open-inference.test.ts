import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  echoedDatatypes,
  severalOutputsModel,
  stringsAndIntegersModel,
  zipMapModel,
} from "../../models/datatype-models.ts";
import {
  batchMixingModel,
  constantOutputModel,
  echoModel,
  fixedBatchModel,
  nanModel,
} from "../../models/odd-models.ts";
import { encodeModel } from "../../models/onnx-writer.ts";
import { startReady } from "./cluster.ts";
import type { Reply } from "./http-client.ts";

/** JSON has no halves. */
const jsonDatatypes = echoedDatatypes.filter((datatype) => datatype !== "FP16");

const row = [1, 2, 3, 4];
const modelCount = 11;

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel(), yaml: "description: gives back what it gets" },
      labelled: { onnx: echoModel(), yaml: "labels: [a, b, c, d]" },
      fixed: { onnx: fixedBatchModel() },
      mixing: { onnx: batchMixingModel() },
      constant: { onnx: constantOutputModel() },
      nan: { onnx: nanModel() },
      strings: { onnx: stringsAndIntegersModel() },
      several: { onnx: severalOutputsModel() },
      all: { onnx: jsonDatatypesModel() },
      halves: { onnx: halvesModel() },
      zipmap: { onnx: zipMapModel() },
    },
    flags: ["--server-name", "stage"],
  },
);

function jsonDatatypesModel(): Uint8Array {
  const values = (prefix: string) =>
    jsonDatatypes.map((elementType) => {
      return { name: `${prefix}_${elementType}`, elementType, shape: ["batch", 2] };
    });
  return encodeModel({
    name: "json-datatypes",
    inputs: values("in"),
    outputs: values("out"),
    nodes: jsonDatatypes.map((datatype) => {
      return { op: "Identity", inputs: [`in_${datatype}`], outputs: [`out_${datatype}`] };
    }),
  });
}

function halvesModel(): Uint8Array {
  const half = (name: string) => ({ name, elementType: "FP16", shape: ["batch"] }) as const;
  return encodeModel({
    name: "halves",
    inputs: [half("x")],
    outputs: [half("y")],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
}

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** What `…/infer` answers. */
interface Inference {
  readonly id: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly parameters?: { readonly warnings: readonly string[] };
  readonly outputs: readonly Tensor[];
  readonly error: string;
  readonly code: string;
}

interface Metadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly unknown[];
  readonly outputs: readonly unknown[];
  readonly parameters: {
    readonly batching: { readonly type: string; readonly reason?: string };
    readonly not_servable?: readonly { readonly name: string }[];
    readonly labels?: readonly string[];
    readonly description?: string;
  };
}

function infer(model: string, body: unknown): Promise<Reply<Inference>> {
  return cluster.send({ method: "POST", path: `/v2/models/${model}/infer`, body });
}

describe("Open Inference V2", () => {
  it("names the server, its models and what they take", async () => {
    const server = (await cluster.get<Record<string, unknown>>("/v2")).json;
    assert.deepEqual(server["name"], "stage");
    const { models } = (await cluster.get<{ models: unknown[] }>("/v2/models")).json;
    assert.equal(models.length, modelCount);
    for (const path of ["/v2/models/echo", "/v2/models/echo/versions/1"]) {
      const { json } = await cluster.get<Metadata>(path);
      const { parameters, ...rest } = json;
      assert.deepEqual(rest, {
        name: "echo",
        versions: ["1"],
        platform: "onnxruntime_onnx",
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4] }],
        outputs: [{ name: "y", datatype: "FP32", shape: [-1, 4] }],
      });
      assert.equal(parameters.description, "gives back what it gets");
    }
  });

  const verdicts: readonly (readonly [string, string, RegExp])[] = [
    ["echo", "batched", /^$/],
    ["strings", "batched", /^$/],
    ["all", "batched", /^$/],
    ["fixed", "one-by-one", /'x' has the fixed shape \[1,4\]/],
    ["mixing", "unbatched", /'y' of a row changes/],
    ["constant", "unbatched", /'sums' does not grow/],
  ];
  for (const [model, type, reason] of verdicts) {
    it(`says in the metadata how ${model} was found to batch: ${type}`, async () => {
      const { batching } = (await cluster.get<Metadata>(`/v2/models/${model}`)).json.parameters;
      assert.equal(batching.type, type);
      assert.match(batching.reason ?? "", reason);
    });
  }

  it("lists outputs that cannot be served, and labels", async () => {
    const zipmap = (await cluster.get<Metadata>("/v2/models/zipmap")).json;
    assert.deepEqual(
      zipmap.parameters.not_servable?.map(({ name }) => name),
      ["output_probability"],
    );
    assert.equal(zipmap.outputs.length, 1);
    const labelled = (await cluster.get<Metadata>("/v2/models/labelled")).json;
    assert.deepEqual(labelled.parameters.labels, ["a", "b", "c", "d"]);
  });

  it("says of a model that it is ready", async () => {
    for (const path of ["/v2/models/echo/ready", "/v2/models/echo/versions/1/ready"]) {
      const { status, json } = await cluster.get<Record<string, unknown>>(path);
      assert.deepEqual([status, json["name"], json["ready"]], [200, "echo", true]);
    }
  });

  it("answers in its own shape, with the client's id and the outputs it wants", async () => {
    const inputs = [{ name: "x", datatype: "FP32", shape: [2, 3], data: [1, 2, 3, -1, -2, -3] }];
    const outputs = [{ name: "largest" }, { name: "doubled" }];
    const { status, json } = await infer("several", { id: "q1", inputs, outputs });
    assert.equal(status, 200);
    assert.deepEqual(json, {
      id: "q1",
      model_name: "several",
      model_version: "1",
      outputs: [
        { name: "largest", datatype: "INT64", shape: [2], data: [2, 0] },
        { name: "doubled", datatype: "FP32", shape: [2, 3], data: [2, 4, 6, -2, -4, -6] },
      ],
    });
  });

  it("takes every datatype that JSON can carry, and says of the others how to send them", async () => {
    const { inputs } = (await cluster.get<{ inputs: Tensor[] }>("/v2/models/all")).json;
    const tensors = inputs.map(({ name, datatype }) => {
      return { name, datatype, shape: [1, 2], data: valuesOf(datatype) };
    });
    const { status, json, text } = await infer("all", { inputs: tensors });
    assert.equal(status, 200, text);
    assert.equal(tensors.length, jsonDatatypes.length);
    assert.deepEqual(
      json.outputs,
      tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace("in_", "out_") })),
    );
    const halves = [{ name: "x", datatype: "FP16", shape: [1], data: [0.5] }];
    const refused = await infer("halves", { inputs: halves });
    assert.deepEqual([refused.status, refused.json.code], [400, "invalid-request"]);
    assert.match(refused.json.error, /FP16.*binary data format/);
  });

  it("writes null and warns where JSON has no such number", async () => {
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 1], data: [0] }];
    const { json } = await infer("nan", { inputs });
    assert.deepEqual(
      json.outputs.map(({ data }) => data),
      [[null], [null]],
    );
    assert.equal(json.parameters?.warnings.length, 2);
  });

  const x = { name: "x", datatype: "FP32", shape: [1, 4], data: row };
  const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
    ["no inputs", {}, /inputs/],
    ["an unknown input", { inputs: [{ ...x, name: "z" }] }, /unexpected inference input 'z'/],
    ["a repeated input", { inputs: [x, x] }, /'x'/],
    ["another datatype", { inputs: [{ ...x, datatype: "INT64" }] }, /'INT64'.*expects 'FP32'/],
    ["an unknown datatype", { inputs: [{ ...x, datatype: "FP8" }] }, /FP8/],
    ["another shape", { inputs: [{ ...x, shape: [1, 5] }] }, /shape/],
    ["an open dim", { inputs: [{ ...x, shape: [-1, 4] }] }, /All input dimensions.*got -1/],
    ["too few elements", { inputs: [{ ...x, data: [1, 2, 3] }] }, /4.*3/],
    ["too many elements", { inputs: [{ ...x, data: [1, 2, 3, 4, 5] }] }, /4.*5/],
    ["text among numbers", { inputs: [{ ...x, data: [1, 2, 3, "4"] }] }, /'x'/],
    ["an unknown output", { inputs: [x], outputs: [{ name: "z" }] }, /'z'.*'y'/],
    ["a repeated output", { inputs: [x], outputs: [{ name: "y" }, { name: "y" }] }, /already/],
    ["an id that is no text", { id: 7, inputs: [x] }, /'id'/],
    ["a reserved parameter", { inputs: [x], parameters: { triton_x: 1 } }, /triton_/],
    ["a nested parameter", { inputs: [x], parameters: { a: {} } }, /'a'/],
  ];
  for (const [what, body, words] of mistakes) {
    it(`refuses ${what}, and says so`, async () => {
      const { status, json } = await infer("echo", body);
      assert.deepEqual([status, json.code], [400, "invalid-request"]);
      assert.match(json.error, words);
    });
  }
});

function valuesOf(datatype: string): readonly unknown[] {
  if (datatype === "BOOL") return [true, false];
  if (datatype === "BYTES") return ["a", "ß"];
  if (datatype.startsWith("FP")) return [0.5, -2];
  return datatype.startsWith("U") ? [0, 200] : [-100, 100];
}

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
