import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
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
import { assertError } from "./answers.ts";
import { startReady } from "./cluster.ts";

const row = [1, 2, 3, 4];

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel() },
      labelled: { onnx: echoModel(), yaml: "labels: [a, b, c, d]" },
      fixed: { onnx: fixedBatchModel() },
      mixing: { onnx: batchMixingModel() },
      constant: { onnx: constantOutputModel() },
      nan: { onnx: nanModel() },
      strings: { onnx: stringsAndIntegersModel() },
      several: { onnx: severalOutputsModel() },
      zipmap: { onnx: zipMapModel() },
    },
  },
);

async function predictionsOf(model: string, body: unknown): Promise<unknown> {
  const { status, json, text } = await cluster.predict(model, body);
  assert.equal(status, 200, text);
  return json.predictions;
}

describe("POST /predict/{model}", () => {
  it("answers one row, or several, with model, version and predictions", async () => {
    const { status, headers, json } = await cluster.predict("echo", { features: row });
    const { request_id, ...rest } = json;
    assert.equal(status, 200);
    assert.deepEqual(rest, { model: "echo", version: "1", predictions: [row] });
    assert.equal(request_id, headers["x-request-id"]);
    assert.equal(headers["content-type"], "application/json");
    const rows = [row, [5, 6, 7, 8], [0.5, -1, 2 ** -20, 1e30]];
    assert.deepEqual(await predictionsOf("echo", { features: rows }), [
      row,
      [5, 6, 7, 8],
      [0.5, -1, 2 ** -20, Math.fround(1e30)],
    ]);
  });

  it("takes inputs by name, and as the Open Inference list", async () => {
    assert.deepEqual(await predictionsOf("echo", { inputs: { x: [row] } }), [row]);
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 4], data: row }];
    assert.deepEqual(await predictionsOf("echo", { inputs }), [row]);
  });

  it("takes a version that is there", async () => {
    const path = "/predict/echo/versions/1";
    const reply = await cluster.send({ method: "POST", path, body: { features: row } });
    assert.deepEqual([reply.status, reply.json.version], [200, "1"]);
  });

  it("takes a body without a length, and whatever a plain client calls its type", async () => {
    const path = "/predict/echo";
    const ask = { method: "POST", path, body: { features: row } };
    assert.equal((await cluster.send({ ...ask, chunked: true })).status, 200);
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json"]) {
      const reply = await cluster.send({ ...ask, headers: { "content-type": type } });
      assert.equal(reply.status, 200, type);
    }
    const patient = await cluster.send({ ...ask, headers: { expect: "100-continue" } });
    assert.equal(patient.status, 200);
  });

  it("names the best class of each row where the model has labels", async () => {
    const { json } = await cluster.predict("labelled", { features: [row, [9, 0, 0, 0]] });
    assert.deepEqual(json.labels, [
      { label: "d", score: 4 },
      { label: "a", score: 9 },
    ]);
  });

  it("gives all outputs by name, with datatype and shape, where there are several", async () => {
    const { json } = await cluster.predict("several", { features: [1.5, -2, 2.5] });
    assert.deepEqual(json.predictions, [[3, -4, 5]]);
    assert.deepEqual(json.outputs, {
      doubled: { datatype: "FP32", shape: [1, 3], data: [[3, -4, 5]] },
      exact: { datatype: "FP64", shape: [1, 3], data: [[1.5, -2, 2.5]] },
      positive: { datatype: "BOOL", shape: [1, 3], data: [[true, false, true]] },
      rounded: { datatype: "INT32", shape: [1, 3], data: [[2, -2, 2]] },
      largest: { datatype: "INT64", shape: [1], data: [2] },
    });
  });

  it("takes strings and big integers, and writes what no number holds as strings", async () => {
    const inputs = {
      text: ["ä\n", ""],
      number: [
        ["-3", 0],
        [1, 2],
      ],
    };
    const { status, json } = await cluster.predict("strings", { inputs });
    assert.equal(status, 200);
    assert.deepEqual(json.outputs, {
      text_out: { datatype: "BYTES", shape: [2], data: ["ä\n", ""] },
      sum: { datatype: "INT64", shape: [2, 1], data: [[-3], [3]] },
      big: {
        datatype: "INT64",
        shape: [2, 2],
        data: [
          ["-27021597764222979", "0"],
          ["9007199254740993", "18014398509481986"],
        ],
      },
    });
  });

  it("writes numbers that JSON does not have as null, and warns", async () => {
    const { status, json } = await cluster.predict("nan", { features: [[-1], [0], [1]] });
    assert.equal(status, 200);
    assert.deepEqual(json.predictions, [[null], [null], [0]]);
    assert.deepEqual(json.outputs["inverse"], {
      datatype: "FP32",
      shape: [3, 1],
      data: [[-1], [null], [1]],
    });
    assert.equal(json.warnings.length, 2);
    assert.match(json.warnings.join(), /log.*inverse/s);
  });

  it("runs several rows one by one where the model's batch is fixed at one", async () => {
    const rows = [row, [5, 6, 7, 8], [0, 0, 1, 1]];
    assert.deepEqual(await predictionsOf("fixed", { features: rows }), [
      [3, 7],
      [11, 15],
      [0, 2],
    ]);
  });

  it("runs a request as it came where rows are not independent", async () => {
    const rows = [
      [1, 2, 3, 4],
      [3, 4, 5, 6],
    ];
    assert.deepEqual(await predictionsOf("mixing", { features: rows }), [
      [-1, -1, -1, -1],
      [1, 1, 1, 1],
    ]);
    assert.deepEqual(await predictionsOf("constant", { features: rows }), [4, 6, 8, 10]);
  });

  it("leaves out outputs that are no tensors", async () => {
    assert.deepEqual(await predictionsOf("zipmap", { features: [0, 5, 1, 9] }), [1]);
  });

  const mistakes: readonly (readonly [string, string, unknown, RegExp])[] = [
    ["is no JSON", "echo", "{nope", /expected a name in double quotes, got 'nope' at position 1/],
    ["is empty", "echo", "", /Cannot parse body/],
    ["is no object", "echo", [row], /object/],
    ["has neither features nor inputs", "echo", {}, /features.*inputs/],
    ["has both", "echo", { features: row, inputs: {} }, /both/],
    ["has rows of another size", "echo", { features: [[1, 2, 3]] }, /'x'.*\[-1,4\].*\[1,3\]/],
    ["has ragged rows", "echo", { features: [row, [1]] }, /'x'/],
    ["has no rows", "echo", { features: [] }, /'x'/],
    ["has text for a number", "echo", { features: ["1", 2, 3, 4] }, /'x'/],
    ["has a number past the range", "echo", '{"features":[1e999,2,3,4]}', /'x'/],
    ["has features for several inputs", "strings", { features: row }, /2 inputs/],
    ["misses an input", "strings", { inputs: { text: ["a"] } }, /missing.*'number'/],
    ["names an unknown input", "echo", { inputs: { y: [row] } }, /'y'.*'x'/],
    ["has unequal rows", "strings", { inputs: { text: ["a", "b"], number: [[1, 2]] } }, /batch/],
    [
      "has an integer past the range",
      "strings",
      { inputs: { text: ["a"], number: [["9223372036854775808", 0]] } },
      /'number'/,
    ],
  ];
  for (const [what, model, body, words] of mistakes) {
    it(`refuses a body that ${what}, and says so`, async () => {
      const reply = await cluster.predict(model, body);
      assertError(reply, 400, "invalid-request");
      assert.match(reply.json.error, words);
    });
  }
});

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
