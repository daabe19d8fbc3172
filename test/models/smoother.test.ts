import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../models/random.ts";
import {
  leastVariance,
  makeSmoother,
  memory,
  type Smoothed,
  smooth,
  warmUp,
} from "../../models/smoother/make.ts";
import { parseModelConfig } from "../../src/config/model-config.ts";
import { openModel, runFrames, runModel, tensor } from "./runtime.ts";

function read(name: string): Buffer {
  return readFileSync(new URL(`../../models/smoother/${name}`, import.meta.url));
}

const readme = read("README.md").toString();
/** Its sentences, however the lines are broken. */
const prose = readme.replaceAll(/\s+/g, " ");

const nothingSeen: Smoothed = { mean: 0, variance: 0, count: 0 };

type Step = Smoothed & { readonly z: number };

/** What `smooth` says after each value. */
function follow(values: readonly number[]): readonly Step[] {
  const steps: Step[] = [];
  let before = nothingSeen;
  for (const value of values) {
    const step = smooth(before, value);
    steps.push(step);
    before = step;
  }
  return steps;
}

/** The same from the model in ONNX Runtime, which is fed its own state. */
async function followModel(values: readonly number[]): Promise<readonly Step[]> {
  const frames = values.map((value) => ({ x: tensor("float32", Float32Array.of(value), [1, 1]) }));
  const first = { state: tensor("float32", new Float32Array(3), [1, 3]) };
  const answers = await runFrames(read("model.onnx"), frames, {
    first,
    next: { state: "state_out" },
  });
  return answers.map((answer) => {
    const [z = 0, mean = 0, variance = 0] = ["z", "mean", "variance"].map((name) =>
      Number(answer[name]?.values[0]),
    );
    const state = answer["state_out"]?.values as number[];
    assert.deepEqual(state.slice(0, 2), [mean, variance]);
    return { z, mean, variance, count: state[2] ?? 0 };
  });
}

/** Single precision knows seven digits, of which a mean far from zero and sums of some hundred values lose two. */
function isClose(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= 5e-5 * Math.max(1, Math.abs(expected));
}

function assertClose(actual: readonly Step[], expected: readonly Step[]): void {
  assert.equal(actual.length, expected.length);
  for (const [at, step] of expected.entries()) {
    const got = actual[at] ?? { ...nothingSeen, z: Number.NaN };
    assert.equal(got.count, step.count);
    for (const part of ["mean", "variance", "z"] as const) {
      assert.ok(isClose(got[part], step[part]), `${part} of ${at}: ${got[part]}, ${step[part]}`);
    }
  }
}

function noise(count: number, seed: number): readonly number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => between(random, -1, 1));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("smooth", () => {
  const values = noise(400, 3);

  it("has, of as many values as count, their mean and their variance", () => {
    for (const [at, step] of follow(values.slice(0, memory)).entries()) {
      const seen = values.slice(0, at + 1);
      const centre = mean(seen);
      const variance = mean(seen.map((value) => (value - centre) ** 2));
      assert.ok(Math.abs(step.mean - centre) < 1e-12, `${step.mean}, ${centre}`);
      assert.ok(Math.abs(step.variance - variance) < 1e-12, `${step.variance}, ${variance}`);
    }
  });

  it("lets each value count 2 % less than the next from then on", () => {
    const weights = values.map((_, at) => {
      const impulse = values.map((_value, other) => (other === at ? 1 : 0));
      return follow(impulse).at(-1)?.mean ?? 0;
    });
    for (let at = memory; at < values.length; at += 1) {
      assert.ok(isClose((weights[at - 1] ?? 0) / (weights[at] ?? 0), 0.98), `${at}`);
    }
    for (const weight of weights.slice(0, memory)) {
      assert.ok(isClose(weight / (weights[0] ?? 0), 1));
    }
    assert.ok(
      isClose(
        weights.reduce((sum, weight) => sum + weight, 0),
        1,
      ),
    );
  });

  it("counts the values before, up to one less than its memory", () => {
    const counts = follow(values).map(({ count }) => count);
    assert.deepEqual(
      counts,
      values.map((_, at) => Math.min(at + 1, memory - 1)),
    );
  });

  it("has no score for the first values, and one from then on", () => {
    const scores = follow(values).map(({ z }) => z);
    assert.deepEqual(
      scores.map((z) => z === 0),
      values.map((_, at) => at < warmUp),
    );
  });

  it("scores a value by its distance from those before it, not from itself", () => {
    const steps = follow([...values.slice(0, 100), 5]);
    const [before, last] = steps.slice(-2);
    const deviation = Math.sqrt((before?.variance ?? 0) + leastVariance);
    assert.equal(last?.z, (5 - (before?.mean ?? 0)) / deviation);
  });
});

describe("the smoother", () => {
  it("is rebuilt to the committed bytes", () => {
    assert.ok(read("model.onnx").equals(makeSmoother()));
  });

  const sine = Array.from({ length: 300 }, (_, at) => Math.sin((2 * Math.PI * at) / 25));
  for (const [name, values] of [
    ["noise", noise(400, 4)],
    ["a sine with a spike", sine.map((value, at) => (at === 200 ? 6 : value))],
    ["steps", Array.from({ length: 300 }, (_, at) => Math.floor(at / 60))],
    ["small values far from zero", noise(300, 5).map((value) => 20 + value)],
    ["less than it takes to warm up", noise(warmUp, 6)],
  ] as const) {
    it(`computes in ONNX Runtime what its formula says, for ${name}`, async () =>
      assertClose(await followModel(values), follow(values)));
  }

  it("stays finite for a signal that does not move, and answers its first move", async () => {
    const steps = await followModel([...new Array(100).fill(0.25), 0.5]);
    assert.ok(steps.every((step) => Object.values(step).every(Number.isFinite)));
    assert.deepEqual(
      steps.slice(0, -1).filter(({ z }) => Math.abs(z) > 1e-3),
      [],
    );
    assert.ok((steps.at(-1)?.z ?? 0) > 1_000);
  });

  it("computes every row of a batch by itself", async () => {
    const states: readonly Smoothed[] = [
      nothingSeen,
      { mean: 1, variance: 4, count: 9 },
      { mean: -2, variance: 0.25, count: 10 },
      { mean: 0.5, variance: 1, count: memory - 1 },
    ];
    const values = [3, 3, -1, 0.25];
    const expected = states.map((state, row) => smooth(state, values[row] ?? 0));
    const flat = states.flatMap((state) => [state.mean, state.variance, state.count]);
    const { z, ...answer } = await runModel(read("model.onnx"), {
      x: tensor("float32", Float32Array.from(values), [4, 1]),
      state: tensor("float32", Float32Array.from(flat), [4, 3]),
    });
    const steps = states.map((_, row) => ({
      z: Number(z?.values[row]),
      mean: Number(answer["mean"]?.values[row]),
      variance: Number(answer["variance"]?.values[row]),
      count: Number(answer["state_out"]?.values[3 * row + 2]),
    }));
    assertClose(steps, expected);
  });

  it("has a score of 0 for a first value of any size", async () => {
    const { z } = await runModel(read("model.onnx"), {
      x: tensor("float32", Float32Array.of(3e38, -3e38, 0), [3, 1]),
      state: tensor("float32", new Float32Array(9), [3, 3]),
    });
    assert.deepEqual(z?.values, [0, 0, 0]);
  });

  it("has a configuration that names its state and its signal", () => {
    const { state, stream } = parseModelConfig(read("model.yaml").toString(), "model.yaml");
    assert.deepEqual(
      [state, stream],
      [
        [{ input: "state", output: "state_out", initial: "zeros" }],
        { input: "x", window: 1, hop: 1, pad: "zeros" },
      ],
    );
  });
});

describe("the smoother's README", () => {
  it("has the inputs and outputs in its table, with their datatypes and shapes", async () => {
    const session = await openModel(read("model.onnx"));
    const { inputMetadata, outputMetadata } = session;
    await session.release();
    const all = [...inputMetadata, ...outputMetadata].map((metadata) => {
      assert.ok(metadata.isTensor && metadata.type === "float32");
      return `${metadata.name} FP32 [${metadata.shape.join(", ")}]`;
    });
    const rows = [
      ...readme.matchAll(/^\| (?:input|state|output) +\| `(\w+)` +\| (\w+) +\| (\[.*?\])/gm),
    ];
    const written = rows.map(([, name, datatype, shape]) => `${name} ${datatype} ${shape}`);
    // The state has one row, which names the output that it comes out as.
    assert.deepEqual([...written, "state_out FP32 [batch, 3]"].toSorted(), all.toSorted());
    assert.match(readme, /^\| state .*`state_out`/m);
  });

  for (const sentence of [
    "The first ten values have a `z` of 0",
    "With a weight of 1 / (count + 1), where the count stops at 49",
    "the first 50 values count alike",
    "each value counts 2 % less than the next",
    "always to the same bytes",
  ]) {
    it(`says: ${sentence}`, () => assert.ok(prose.includes(sentence)));
  }

  it("says it with the numbers of the formula", () =>
    assert.deepEqual([warmUp, memory - 1, memory, 1 / memory], [10, 49, 50, 0.02]));

  it("has a worth of four for what is worth a look: a spike passes it, noise does not", () => {
    assert.ok(prose.includes("more than four standard deviations away (`z` above 4 or below -4)"));
    const quiet = noise(400, 8);
    const steps = follow([...quiet, 5, ...quiet]);
    const alarms = steps.flatMap(({ z }, at) => (Math.abs(z) > 4 ? [at] : []));
    assert.deepEqual(alarms, [400]);
  });
});
