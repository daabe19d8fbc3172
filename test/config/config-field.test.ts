import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  boolean,
  type Field,
  integer,
  readSet,
  readText,
  section,
} from "../../src/config/config-field.ts";
import { parseYaml } from "../../src/config/yaml-tree.ts";

interface Shape {
  readonly maxRows: number;
  readonly inner: { readonly isOn: boolean };
  readonly names: readonly string[];
}

const shape: Field<Shape> = section<Shape>({
  maxRows: integer(7, 1, 9),
  inner: section({ isOn: boolean(false) }),
  names: { read: readSet(readText), fallback: [] },
});

function read(text: string): Shape {
  const verdict = parseYaml(text);
  if (verdict.type === "malformed") throw new Error(verdict.reason);
  return shape.read(verdict.root, { file: "a/b.yaml", path: "" });
}

describe("section", () => {
  const absent: Shape = { maxRows: 7, inner: { isOn: false }, names: [] };

  it("is complete without any key", () => assert.deepEqual(shape.fallback, absent));

  for (const [text, expected] of [
    ["{}", absent],
    ["inner:", absent],
    ["inner: {}", absent],
    ["max_rows: 9", { ...absent, maxRows: 9 }],
    ["inner: { is_on: true }", { ...absent, inner: { isOn: true } }],
    ["names: [a, 1]", { ...absent, names: ["a", "1"] }],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(read(text), expected));
  }

  for (const [text, words] of [
    ["a", 'it must be a map, got "a" (line 1)'],
    ["maxRows: 1", 'unknown key "maxRows", the nearest known one is max_rows (line 1)'],
    ["toString: 1", 'unknown key "toString"; known are max_rows, inner, names (line 1)'],
    ["__proto__: {}", 'unknown key "__proto__"; known are max_rows, inner, names (line 1)'],
    ["inner:\n  on: 1", 'unknown key "on" in inner; known is is_on (line 2)'],
    ["inner: 3", "inner must be a map, got 3 (line 1)"],
    ["inner: { is_on: yes }", 'inner.is_on must be true or false, got "yes" (line 1)'],
    ["max_rows: 10", "max_rows must be an integer from 1 to 9, got 10 (line 1)"],
    ["max_rows: .nan", "max_rows must be an integer from 1 to 9, got .nan (line 1)"],
    ["names: a", 'names must be a list, got "a" (line 1)'],
    ["names: []", "names must not be empty (line 1)"],
    ["names: [a, [b]]", "names[1] must be a text, got a list (line 1)"],
    ["names: [a, b, a]", 'names names "a" twice (line 1)'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => read(text), {
        name: "TroupeError",
        code: "invalid-model",
        message: `Cannot read a/b.yaml: ${words}`,
      });
    });
  }
});
