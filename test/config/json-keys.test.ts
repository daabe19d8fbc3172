import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { repeatedKey } from "../../src/config/json-keys.ts";

describe("repeatedKey", () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["{}", undefined],
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"\\u0061" : 2}', "a"],
    ['{"b":{"a":1},"c":{"a":1},"a":1}', undefined],
    ['{"b":{"a":1,"c":[{"a":1}],"a":2}}', "a"],
    ['[{"a":"a"},{"a":"a"}]', undefined],
    ['{"a":"a\\":","b":["a","a"]}', undefined],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ["12", undefined],
  ];
  for (const [text, key] of rows) {
    it(`finds ${key} in ${text}`, () => assert.equal(repeatedKey(text), key));
  }
});
