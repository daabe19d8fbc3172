import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseModelConfig } from "../../src/config/model-config.ts";
import type { ModelConfig, Nested, StreamSettings } from "../../src/protocol/model-settings.ts";

function parsed(text: string): Pick<ModelConfig, "state" | "stream" | "defaults"> {
  const { state, stream, defaults } = parseModelConfig(text, "m/model.yaml");
  return { state, stream, defaults };
}

function assertRefused(text: string, words: string): void {
  assert.throws(() => parseModelConfig(text, "m/model.yaml"), {
    name: "TroupeError",
    code: "invalid-model",
    message: `Cannot read m/model.yaml: ${words} (line 1)`,
  });
}

describe("state", () => {
  const taken: readonly (readonly [string, ModelConfig["state"]])[] = [
    ["replicas: 1", null],
    ["state:", null],
    ["state: ~", null],
    ["state: []", []],
    ["state: [{ input: h, output: hn }]", [{ input: "h", output: "hn", initial: "zeros" }]],
    [
      "state: [{ output: hn, input: h }, { input: c, output: cn, initial: zeros }]",
      [
        { input: "h", output: "hn", initial: "zeros" },
        { input: "c", output: "cn", initial: "zeros" },
      ],
    ],
    ["state: [{ input: 7, output: true }]", [{ input: "7", output: "true", initial: "zeros" }]],
    ["state: [{ input: s, output: s }]", [{ input: "s", output: "s", initial: "zeros" }]],
    [
      "state: [{ input: h, output: hn, initial: }]",
      [{ input: "h", output: "hn", initial: "zeros" }],
    ],
    [
      "state:\n  - input: h\n    output: hn\n    initial:\n      # [1, 2]",
      [{ input: "h", output: "hn", initial: "zeros" }],
    ],
    [
      "state: [{ input: h, output: hn, initial: ~ }]",
      [{ input: "h", output: "hn", initial: "zeros" }],
    ],
  ];
  for (const [text, expected] of taken) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parsed(text).state, expected));
  }

  const initials: readonly (readonly [string, "zeros" | Nested])[] = [
    ["zeros", "zeros"],
    ['"zeros"', "zeros"],
    ["0", 0],
    ["-1.5", -1.5],
    ["1e-3", 0.001],
    ["[]", []],
    ["[1]", [1]],
    ["[0, 1.5, -2]", [0, 1.5, -2]],
    [
      "[[1, 2], [3, 4]]",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["[[[1]], [[2]]]", [[[1]], [[2]]]],
    // Whether the lists fit the input is known once the model is loaded.
    ["[1, [2, 3]]", [1, [2, 3]]],
  ];
  for (const [text, initial] of initials) {
    it(`may begin with ${text}`, () =>
      assert.deepEqual(parsed(`state: [{ input: h, output: hn, initial: ${text} }]`).state, [
        { input: "h", output: "hn", initial },
      ]));
  }

  const zerosOr = "state[0].initial must be zeros, or a list of numbers, got";
  for (const [text, words] of [
    ["state: h", 'state must be a list, got "h"'],
    ["state: { input: h, output: hn }", "state must be a list, got a map"],
    ["state: [h]", 'state[0] must be a map, got "h"'],
    ["state: [{ input: h, output: hn }, 5]", "state[1] must be a map, got 5"],
    ["state: [{ input: h }]", "state[0] has no output"],
    ["state: [{ output: hn }]", "state[0] has no input"],
    ["state: [{}]", "state[0] has no input"],
    ["state: [{ input: , output: hn }]", "state[0] has no input"],
    ["state: [{ input: ~, output: hn }]", "state[0] has no input"],
    ["state: [{ input: h, output: }]", "state[0] has no output"],
    ["state: [{ input: h, output: [hn] }]", "state[0].output must be a text, got a list"],
    [
      "state: [{ input: h, ouput: hn }]",
      'unknown key "ouput" in state[0], the nearest known one is output',
    ],
    [
      "state: [{ input: h, output: hn }, { input: c, output: cn, inital: zeros }]",
      'unknown key "inital" in state[1], the nearest known one is initial',
    ],
    ["state: [{ input: h, output: hn, initial: ones }]", `${zerosOr} "ones"`],
    ["state: [{ input: h, output: hn, initial: '0' }]", `${zerosOr} "0"`],
    ["state: [{ input: h, output: hn, initial: true }]", `${zerosOr} true`],
    ["state: [{ input: h, output: hn, initial: { a: 1 } }]", `${zerosOr} a map`],
    [
      "state: [{ input: h, output: hn, initial: [zeros] }]",
      'state[0].initial[0] must be a number, or a list of numbers, got "zeros"',
    ],
    [
      "state: [{ input: h, output: hn, initial: [[1, 2], [3, two]] }]",
      'state[0].initial[1][1] must be a number, or a list of numbers, got "two"',
    ],
    [
      "state: [{ input: h, output: hn, initial: [1, ~] }]",
      "state[0].initial[1] must be a number, or a list of numbers, got nothing",
    ],
    [
      "state: [{ input: h, output: a }, { input: h, output: b }]",
      "state names the input 'h' twice",
    ],
    [
      "state: [{ input: a, output: h }, { input: b, output: c }, { input: d, output: h }]",
      "state names the output 'h' twice",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => assertRefused(text, words));
  }

  it("says in which line it is wrong", () =>
    assert.throws(
      () => parsed("replicas: 1\nstate:\n  - input: h\n    output: hn\n  - output: c"),
      {
        message: "Cannot read m/model.yaml: state[1] has no input (line 5)",
      },
    ));
});

describe("stream", () => {
  function stream(fields: Partial<StreamSettings>): StreamSettings {
    return { input: "x", window: 576, hop: 576, pad: "zeros", ...fields };
  }

  const taken: readonly (readonly [string, StreamSettings | null])[] = [
    ["{}", null],
    ["stream:", null],
    ["stream: { input: x, window: 576 }", stream({})],
    ["stream: { input: x, window: 576, hop: 512 }", stream({ hop: 512 })],
    ["stream: { hop: 576, window: 576, input: x }", stream({})],
    ["stream: { input: x, window: 576, pad: none }", stream({ pad: "none" })],
    ["stream: { input: x, window: 576, pad: zeros }", stream({})],
    ["stream: { input: x, window: 1, hop: 1 }", stream({ window: 1, hop: 1 })],
    ["stream: { input: x, window: 16777216, hop: 1 }", stream({ window: 16_777_216, hop: 1 })],
    ["stream: { input: 1.10, window: 576 }", stream({ input: "1.10" })],
    ["stream: { input: x, window: 576, hop: }", stream({})],
    ["stream: { input: x, window: 576, pad: }", stream({})],
    ["stream: { input: x, window: 576, hop: ~, pad: ~ }", stream({})],
    ["stream: { input: x, window: 576, hop: 512, pad: }", stream({ hop: 512 })],
    ["stream:\n  input: x\n  window: 576\n  hop: # 512\n  pad: # none", stream({})],
  ];
  for (const [text, expected] of taken) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parsed(text).stream, expected));
  }

  for (const [text, words] of [
    ["stream: x", 'stream must be a map, got "x"'],
    ["stream: [x, 576]", "stream must be a map, got a list"],
    ["stream: { window: 576 }", "stream has no input"],
    ["stream: { input: x }", "stream has no window"],
    ["stream: { input: , window: 576 }", "stream has no input"],
    ["stream: { input: x, window: }", "stream has no window"],
    ["stream: { input: ~, window: ~, hop: ~, pad: ~ }", "stream has no window"],
    ["stream: { input: x, hop: 5 }", "stream has no window"],
    ["stream: { input: [x], window: 576 }", "stream.input must be a text, got a list"],
    [
      "stream: { input: x, window: 0 }",
      "stream.window must be an integer from 1 to 16777216, got 0",
    ],
    [
      "stream: { input: x, window: 16777217 }",
      "stream.window must be an integer from 1 to 16777216, got 16777217",
    ],
    [
      "stream: { input: x, window: 57.6 }",
      "stream.window must be an integer from 1 to 16777216, got 57.6",
    ],
    [
      "stream: { input: x, window: '576' }",
      'stream.window must be an integer from 1 to 16777216, got "576"',
    ],
    [
      "stream: { input: x, window: 576, hop: 577 }",
      "stream.hop must be an integer from 1 to 576, got 577",
    ],
    [
      "stream: { input: x, window: 576, hop: 0 }",
      "stream.hop must be an integer from 1 to 576, got 0",
    ],
    [
      "stream: { input: x, window: 576, hop: -64 }",
      "stream.hop must be an integer from 1 to 576, got -64",
    ],
    [
      "stream: { input: x, window: 576, pad: ones }",
      'stream.pad must be one of zeros, none, got "ones"',
    ],
    ["stream: { input: x, window: 576, pad: 0 }", "stream.pad must be one of zeros, none, got 0"],
    [
      "stream: { input: x, window: 576, hops: 5 }",
      'unknown key "hops" in stream, the nearest known one is hop',
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => assertRefused(text, words));
  }
});

describe("defaults", () => {
  const taken: readonly (readonly [string, ModelConfig["defaults"]])[] = [
    ["replicas: 1", {}],
    ["defaults:", {}],
    ["defaults: {}", {}],
    ["defaults: { sr: 16000 }", { sr: 16_000 }],
    [
      "defaults: { a: -1.5, b: true, c: text, d: '16000' }",
      { a: -1.5, b: true, c: "text", d: "16000" },
    ],
    ["defaults: { 007: 1, a.b: 2 }", { "007": 1, "a.b": 2 }],
  ];
  for (const [text, expected] of taken) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parsed(text).defaults, expected));
  }

  it("changes no prototype by a name", () => {
    const { defaults } = parsed("defaults: { __proto__: 1 }");
    assert.deepEqual(Object.entries(defaults), [["__proto__", 1]]);
  });

  const value = "must be a number, a text, true or false, got";
  for (const [text, words] of [
    ["defaults: 16000", "defaults must be a map of inputs to values, got 16000"],
    ["defaults: [16000]", "defaults must be a map of inputs to values, got a list"],
    ["defaults: { sr: }", `defaults.sr ${value} nothing`],
    ["defaults: { sr: ~ }", `defaults.sr ${value} nothing`],
    ["defaults: { sr: [16000] }", `defaults.sr ${value} a list`],
    ["defaults: { sr: 1, on: { a: 1 } }", `defaults.on ${value} a map`],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => assertRefused(text, words));
  }
});
