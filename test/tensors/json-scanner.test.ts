import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanJson } from "../../src/tensors/json-scanner.ts";
import { NumberList } from "../../src/tensors/number-list.ts";

const numbers = Array.from({ length: 64 }, (_, i) => i / 4);
const list = JSON.stringify(numbers);

/** With every list of numbers as JSON.parse has it. */
function plain(value: unknown): unknown {
  if (value instanceof NumberList) return value.toLists();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

function nested(depth: number, inner: string): string {
  return "[".repeat(depth) + inner + "]".repeat(depth);
}

describe("scanJson", () => {
  for (const text of [
    "{}",
    ' { "a" : [ ] , "b" : { } , "c" : [ 1 , 2 ] } \r\n\t',
    '{"a":"ä€😀","\\u0061\\n":"\\"]}\\\\","ä":"\\ud800"}',
    '{"a":[true,false,null,-1.5e3,"x"],"b":[[],{}],"c":0}',
    `{"a":${list},"shape":[1,64],"a":${list},"b":1}`,
    `{"2":1,"1":${list},"a":[[1],[2]]}`,
    `{"a":[[["x"]],${list}]}`,
    `{"a":[${list},${list}]}`,
    `{"a":${nested(98, list)}}`,
    `{"a":${nested(99, '"x"')}}`,
  ]) {
    it(`reads ${text.slice(0, 60)} as JSON.parse does`, () => {
      const scanned = plain(scanJson(Buffer.from(text)));
      assert.deepEqual(scanned, JSON.parse(text));
      assert.deepEqual(JSON.stringify(scanned), JSON.stringify(JSON.parse(text)));
    });
  }

  it("makes a NumberList of 16 numbers and a list of fewer", () => {
    const text = `{"a":${list},"b":${JSON.stringify(numbers.slice(-15))},"c":[${JSON.stringify(numbers.slice(-16))}],"d":[${list}]}`;
    const { a, b, c, d } = scanJson(Buffer.from(text)) as Record<string, unknown>;
    assert.deepEqual(
      [a, c, d].map((value) => (value as NumberList).dims),
      [[64], [1, 16], [1, 64]],
    );
    assert.deepEqual((a as NumberList).values, Float32Array.from(numbers));
    assert.deepEqual(b, numbers.slice(-15));
  });

  for (const text of [
    ...[
      "",
      " ",
      "[1]",
      "1",
      '"a"',
      "{",
      "{]",
      "{}}",
      '{"a"}',
      '{"a":}',
      "{1:2}",
      '{"a":1,}',
      "{,}",
    ],
    ...[
      '{"a":1 "b":2}',
      '{"a":1}{}',
      '{"a":01}',
      '{"a":NaN}',
      '{"a":tru}',
      '{"a":[1,]}',
      '{"a":[1 2]}',
    ],
    ...['{"a":"}', '{"a":"\\x"}', '{"a":"\n"}', '{"a":["x",]}', '{"a":["x"}', "{a:1}", "\ufeff{}"],
    ...['{"__proto__":1}', '{"\\u005f_proto__":1}', '{"a":{"__proto__":{}}}', '{"a":[1e39]}'],
    ...[
      '{"a":"\ufffd"}',
      `{"a":[${Array(65).fill('"x"').join(",")}]}`,
      "{\u00a0}",
      '{"a":1\u00a0}',
    ],
    ...[`{"a":${nested(99, list)}}`, `{"a":${nested(100, "")}}`, `{"a":${nested(100, '"x"')}}`],
    `{"a":${nested(99, "{}")}}`,
  ]) {
    it(`leaves ${JSON.stringify(text.slice(0, 60))} to JSON.parse`, () => {
      assert.equal(scanJson(Buffer.from(text)), undefined);
    });
  }

  it("leaves what is no UTF-8 to JSON.parse", () => {
    const body = Buffer.from('{"a":"x"}');
    body[6] = 0xff;
    assert.equal(scanJson(body), undefined);
  });

  it("reads 4096 values, and leaves a body of more to JSON.parse", () => {
    const bodyOf = (members: number) => {
      const lists = Array.from({ length: members }, (_, i) => `"${i}":[1,2]`);
      return Buffer.from(`{${lists.join(",")}}`);
    };
    assert.equal(Object.keys(scanJson(bodyOf(4_095)) as object).length, 4_095);
    assert.equal(scanJson(bodyOf(4_096)), undefined);
  });

  it("looks at what is between brackets once, however many levels there are", () => {
    const spaces = " ".repeat(1_000_000);
    const [few, many] = [1, 99].map((depth) => {
      const body = Buffer.from(`{"a":${nested(depth, `${spaces}"x"`)}}`);
      const times = Array.from({ length: 3 }, () => {
        const began = performance.now();
        assert.notEqual(scanJson(body), undefined);
        return performance.now() - began;
      });
      return Math.min(...times);
    }) as [number, number];
    assert.ok(many < 15 * few, `${many} ms with 99 levels, ${few} ms with one`);
  });
});
