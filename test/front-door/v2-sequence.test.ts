import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readV2Sequence, refuseSequence } from "../../src/front-door/v2-sequence.ts";

function read(parameters: object, before = "") {
  return readV2Sequence(Buffer.from(`{${before}"parameters":${JSON.stringify(parameters)}}`));
}

const middle = { start: false, end: false };
const start = { sequence_start: true };
const end = { sequence_end: true };

describe("readV2Sequence", () => {
  const rows: readonly (readonly [object, ReturnType<typeof readV2Sequence>])[] = [
    [{}, undefined],
    [{ binary_data_output: true, priority: 1 }, undefined],
    [{ sequence_id: 0 }, undefined],
    [{ sequence_id: "" }, undefined],
    [{ sequence_id: 0, sequence_start: false, sequence_end: false }, undefined],
    [{ sequence_start: false }, undefined],
    [{ sequence_id: 7 }, { key: "#7", ...middle }],
    [{ sequence_id: "7" }, { key: "=7", ...middle }],
    [{ sequence_id: "#7" }, { key: "=#7", ...middle }],
    [
      { sequence_id: 7, ...start },
      { key: "#7", start: true, end: false },
    ],
    [
      { sequence_id: 7, ...end },
      { key: "#7", start: false, end: true },
    ],
    [
      { sequence_id: 7, ...start, ...end },
      { key: "#7", start: true, end: true },
    ],
    [
      { sequence_id: 7, sequence_start: null, sequence_end: null },
      { key: "#7", ...middle },
    ],
    [{ sequence_id: 2 ** 53 - 1 }, { key: "#9007199254740991", ...middle }],
    [{ sequence_id: 1e15 }, { key: "#1000000000000000", ...middle }],
    [{ sequence_id: "!~" }, { key: "=!~", ...middle }],
    [{ sequence_id: "x".repeat(128) }, { key: `=${"x".repeat(128)}`, ...middle }],
    [
      { other: { a: ["}", 1] }, sequence_id: 7 },
      { key: "#7", ...middle },
    ],
    [
      { other: "x".repeat(4_000), sequence_id: 7 },
      { key: "#7", ...middle },
    ],
  ];
  for (const [parameters, expected] of rows) {
    it(`finds ${expected?.key ?? "none"} in ${JSON.stringify(parameters).slice(0, 80)}`, () =>
      assert.deepEqual(read(parameters), expected));
  }

  it("steps over the tensors before it, whatever they hold", () => {
    const inputs = '"inputs":[{"name":"x","data":[1,,tru]}],';
    assert.deepEqual(read({ sequence_id: 7 }, inputs), { key: "#7", ...middle });
  });

  it("does not take parameters of a tensor for those of the request", () => {
    const body = '{"inputs":[{"parameters":{"sequence_id":7}}],"id":"1"}';
    assert.equal(readV2Sequence(Buffer.from(body)), undefined);
  });

  it("takes the last of several, as the host does", () => {
    const body = '{"parameters":{"sequence_id":7},"parameters":{"sequence_id":8}}';
    assert.deepEqual(readV2Sequence(Buffer.from(body)), { key: "#8", ...middle });
  });

  const others = [
    "",
    "{",
    "null",
    "[]",
    '"parameters"',
    '{"parameters":null}',
    '{"parameters":7}',
    '{"parameters":"sequence_id"}',
    '{"parameters":[{"sequence_id":7}]}',
    '{"parameters":{"sequence_id":7,}}',
    '{"parameters":{"sequence_id":7}',
    '{"parameters":{"sequence_id":tru}}',
  ];
  for (const body of others) {
    it(`leaves it to the host to say what is wrong with ${JSON.stringify(body)}`, () =>
      assert.equal(readV2Sequence(Buffer.from(body)), undefined));
  }

  const wanted =
    "parameter 'sequence_id' must be a whole number from 1 to 2^53 - 1, or a text of 1 to 128 printable ASCII characters without spaces,";
  const ids = `${wanted.slice(0, -1)}, got`;
  const beside = `${wanted} beside sequence_start and sequence_end, got`;
  const refusals: readonly (readonly [object, string])[] = [
    [{ sequence_id: -1 }, `${ids} -1`],
    [{ sequence_id: 1.5 }, `${ids} 1.5`],
    [{ sequence_id: 2 ** 53 }, `${ids} 9007199254740992`],
    [{ sequence_id: true }, `${ids} true`],
    [{ sequence_id: null }, `${ids} null`],
    [{ sequence_id: [7] }, `${ids} [7]`],
    [{ sequence_id: "a b" }, `${ids} "a b"`],
    [{ sequence_id: "späť" }, `${ids} "späť"`],
    [{ sequence_id: "a\n" }, `${ids} "a\\n"`],
    [{ sequence_id: "x".repeat(129) }, `${ids} "${"x".repeat(127)}`],
    [
      { sequence_id: 7, sequence_start: 1 },
      "parameter 'sequence_start' must be true or false, got 1",
    ],
    [
      { sequence_id: 7, sequence_end: "true" },
      `parameter 'sequence_end' must be true or false, got "true"`,
    ],
    [{ sequence_start: "no" }, `parameter 'sequence_start' must be true or false, got "no"`],
    [start, `${beside} nothing`],
    [{ sequence_id: 0, ...end }, `${beside} 0`],
    [{ sequence_id: "", ...end }, `${beside} ""`],
  ];
  for (const [parameters, message] of refusals) {
    it(`refuses ${JSON.stringify(parameters).slice(0, 80)}`, () =>
      assert.throws(() => read(parameters), { code: "invalid-request", message }));
  }
});

const tooLarge = { parameters: { other: "x".repeat(4_096) } };

describe("Parameters that are too large to be looked at", () => {
  for (const look of [readV2Sequence, refuseSequence]) {
    it(`are refused by ${look.name}`, () =>
      assert.throws(() => look(Buffer.from(JSON.stringify(tooLarge))), {
        code: "invalid-request",
      }));
  }
});

describe("refuseSequence", () => {
  const plain = [
    "",
    "{",
    "[]",
    "{}",
    '{"features":[1],"parameters":null}',
    '{"parameters":{"priority":1}}',
    '{"inputs":{"sequence":[1],"sequence_id":[7]}}',
    '{"inputs":[{"parameters":{"sequence_id":7}}]}',
  ];
  for (const body of plain) {
    it(`takes ${JSON.stringify(body)}`, () => refuseSequence(Buffer.from(body)));
  }

  const named = [
    '{"sequence":"a"}',
    '{"sequence":["a"]}',
    '{"parameters":{"sequence_id":0}}',
    '{"parameters":{"sequence_id":7,"sequence_start":true}}',
    '{"parameters":{"sequence_end":false}}',
  ];
  for (const body of named) {
    it(`refuses ${body}`, () =>
      assert.throws(() => refuseSequence(Buffer.from(body)), {
        code: "invalid-request",
        message:
          "sequences over HTTP are those of POST /v2/models/{model}/infer, this route has none",
      }));
  }
});
