import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseModelConfig } from "../../src/config/model-config.ts";
import type { GoldenSample } from "../../src/protocol/model-settings.ts";

function sample(request: string, outputs: string, tolerance = 0.0001): GoldenSample {
  return { request, outputs, tolerance };
}

function refuses(text: string, words: string): void {
  it(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseModelConfig(text, "m/model.yaml"), {
      name: "TroupeError",
      code: "invalid-model",
      message: `Cannot read m/model.yaml: ${words} (line 1)`,
    });
  });
}

const anyValue = "a number, a text, true or false, a list or a map";
const outputValue = "a number, a text, true or false, or a list of them";

describe("warmup", () => {
  const taken: readonly (readonly [string, readonly string[] | null])[] = [
    ["", null],
    ["warmup:", null],
    ["warmup: []", []],
    ["warmup: [{ features: 1 }]", ['{"features":1}']],
    ["warmup: [{ features: [1, 2.5, -3e2] }]", ['{"features":[1,2.5,-300]}']],
    ["warmup: [{ features: [[true], ['1', no]] }]", ['{"features":[[true],["1","no"]]}']],
    [
      "warmup: [{ inputs: { x: [1] } }, { features: a }]",
      ['{"inputs":{"x":[1]}}', '{"features":"a"}'],
    ],
    [
      "warmup: [{ inputs: [{ name: x, datatype: FP32, shape: [1], data: [1] }] }]",
      ['{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}'],
    ],
    ["warmup: [{ inputs: { __proto__: 1 } }]", ['{"inputs":{"__proto__":1}}']],
    ["warmup: [{ inputs: , features: 1 }]", ['{"features":1}']],
  ];
  for (const [text, expected] of taken) {
    it(`reads ${JSON.stringify(text)}`, () =>
      assert.deepEqual(parseModelConfig(text, "m/model.yaml").warmup, expected));
  }

  refuses("warmup: { features: 1 }", "warmup must be a list, got a map");
  refuses("warmup: [1]", "warmup[0] must be a map, got 1");
  refuses("warmup: [{}]", "warmup[0] has neither features nor inputs");
  refuses(
    "warmup: [{ features: 1, inputs: { x: 1 } }]",
    "warmup[0] has both features and inputs, where one is needed",
  );
  refuses(
    "warmup: [{ feature: 1 }]",
    'unknown key "feature" in warmup[0], the nearest known one is features',
  );
  refuses("warmup: [{ inputs: 1 }]", "warmup[0].inputs must be a map or a list of inputs, got 1");
  refuses(
    "warmup: [{ features: [[~]] }]",
    `warmup[0].features[0][0] must be ${anyValue}, got nothing`,
  );
  refuses(
    "warmup: [{ inputs: { x: [.nan] } }]",
    `warmup[0].inputs.x[0] must be ${anyValue}, got .nan`,
  );
});

describe("golden", () => {
  const taken: readonly (readonly [string, readonly GoldenSample[]])[] = [
    ["", []],
    ["golden: []", []],
    [
      "golden: [{ features: [1], outputs: { y: [[0.5], [1]] } }]",
      [sample('{"features":[1]}', '{"y":[[0.5],[1]]}')],
    ],
    [
      "golden: [{ inputs: { x: 1 }, outputs: { y: [cat, true], z: 1 }, tolerance: 0 }]",
      [sample('{"inputs":{"x":1}}', '{"y":["cat",true],"z":1}', 0)],
    ],
    [
      "golden: [{ features: 1, outputs: { y: 1 }, tolerance: }]",
      [sample('{"features":1}', '{"y":1}')],
    ],
  ];
  for (const [text, expected] of taken) {
    it(`reads ${JSON.stringify(text)}`, () =>
      assert.deepEqual(parseModelConfig(text, "m/model.yaml").golden, expected));
  }

  refuses("golden: 1", "golden must be a list, got 1");
  refuses("golden: [{ features: 1 }]", "golden[0] has no outputs");
  refuses("golden: [{ outputs: { y: 1 } }]", "golden[0] has neither features nor inputs");
  refuses(
    "golden: [{ features: 1, outputs: [1] }]",
    "golden[0].outputs must be a map of outputs to values, got a list",
  );
  refuses("golden: [{ features: 1, outputs: {} }]", "golden[0].outputs must not be empty");
  refuses(
    "golden: [{ features: 1, outputs: { y: [1, ~] } }]",
    `golden[0].outputs.y[1] must be ${outputValue}, got nothing`,
  );
  refuses(
    "golden: [{ features: 1, outputs: { y: { z: 1 } } }]",
    `golden[0].outputs.y must be ${outputValue}, got a map`,
  );
  for (const [tolerance, got] of [
    ["-0.1", "-0.1"],
    [".inf", ".inf"],
    ["1%", '"1%"'],
  ] as const) {
    refuses(
      `golden: [{ features: 1, outputs: { y: 1 }, tolerance: ${tolerance} }]`,
      `golden[0].tolerance must be a number from 0, got ${got}`,
    );
  }
});
