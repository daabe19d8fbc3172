import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Flower, readFlowers, speciesNames } from "../../models/iris/flowers.ts";
import { makeIris } from "../../models/iris/make.ts";
import { indexOfLargest } from "../../models/softmax.ts";
import { runModel, tensor } from "./runtime.ts";

function read(name: string): Buffer {
  return readFileSync(new URL(`../../models/iris/${name}`, import.meta.url));
}

describe("iris.csv", () => {
  const { training, heldOut } = readFlowers();
  const flowers = [...training, ...heldOut];

  it("holds fifty flowers of each species, ten of them held out", () => {
    const count = (some: readonly Flower[]) =>
      speciesNames.map((_, index) => some.filter(({ species }) => species === index).length);
    assert.deepEqual(count(flowers), [50, 50, 50]);
    assert.deepEqual(count(heldOut), [10, 10, 10]);
  });

  // The copy with the 35th and 38th flower wrong has 3.418, 1.464 and 0.244 for setosa.
  const means = [
    [5.006, 3.428, 1.462, 0.246],
    [5.936, 2.77, 4.26, 1.326],
    [6.588, 2.974, 5.552, 2.026],
  ];
  for (const [index, name] of speciesNames.entries()) {
    it(`has Fisher's means of ${name}`, () => {
      const some = flowers.filter(({ species }) => species === index);
      const mean = (measure: number) =>
        some.reduce((sum, { measures }) => sum + (measures[measure] ?? 0), 0) / some.length;
      assert.deepEqual(
        [0, 1, 2, 3].map((measure) => mean(measure).toFixed(3)),
        means[index]?.map((value) => value.toFixed(3)),
      );
    });
  }
});

describe("the iris model", () => {
  const made = makeIris();

  it("is rebuilt to the committed bytes", () => {
    assert.ok(read("model.onnx").equals(made.bytes));
  });

  it("has the accuracy that its README states", () => {
    const percent = ((100 * made.correct) / made.heldOut).toFixed(1);
    const sentence = `Right for ${made.correct} of ${made.heldOut} held-out flowers (${percent} %)`;
    assert.ok(read("README.md").toString().includes(sentence), sentence);
  });

  it("reaches that accuracy in ONNX Runtime, with probabilities", async () => {
    const { heldOut } = readFlowers();
    const measures = Float32Array.from(heldOut.flatMap((flower) => flower.measures));
    const { probabilities } = await runModel(read("model.onnx"), {
      x: tensor("float32", measures, [heldOut.length, 4]),
    });
    assert.deepEqual(probabilities?.dims, [heldOut.length, 3]);
    const values = probabilities?.values as number[];
    const answers = heldOut.map((_, row) => values.slice(row * 3, row * 3 + 3));
    const correct = heldOut.filter(
      ({ species }, row) => indexOfLargest(answers[row] ?? []) === species,
    );
    assert.equal(correct.length, made.correct);
    assert.ok(answers.every(([a = 0, b = 0, c = 0]) => Math.abs(a + b + c - 1) < 1e-6));
  });

  it("has its species as labels, in the order of its outputs", () => {
    assert.match(read("model.yaml").toString(), /^labels: \[setosa, versicolor, virginica\]$/m);
    assert.deepEqual(speciesNames, ["setosa", "versicolor", "virginica"]);
  });
});
