import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyText, openYaml } from "../../src/config/yaml-document.ts";

const tooMuch = "more than 5000 tokens (words, marks and line ends)";

function keys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `k${at}`);
}

/** Four tokens a line, with one more for the start of the document. */
function block(count: number): string {
  return keys(count)
    .map((key) => `${key}: 1\n`)
    .join("");
}

describe("openYaml", () => {
  const opened: readonly (readonly [string, string])[] = [
    ["as many keys as it may have", block(1_249)],
    [
      "long texts, which are one token",
      `a: ${"x ".repeat(20_000)}\nb: |\n${"  x\n".repeat(9_000)}`,
    ],
    ["every escape there is", `a: "${'\\0\\a\\x0A\\uFFFF\\U0010FFFF\\"\\\\\\/\\ \\\n '}"`],
    ["what only looks like a bad escape", 'a: b "\\q"\nc: |\n  "\\q"\nd: \'"\\q"\'\n'],
    ["a block at the root that looks like a bad escape", '--- |\n"\\q"\n'],
    ["keys that are told apart by how they are written", "1: a\n1.0: b\n"],
  ];
  for (const [what, text] of opened) {
    it(`takes ${what}`, () => assert.equal(openYaml(text).type, "opened"));
  }

  const malformed: readonly (readonly [string, string, number, string])[] = [
    ["keys", block(20_000), 1_250, tooMuch],
    ["keys in one line", `{${keys(20_000).join(": 1, ")}: 1}`, 1, tooMuch],
    ["values", `a: [${"1,".repeat(3_000)}]`, 1, tooMuch],
    ["lists", `[${"[],".repeat(10_000)}]`, 1, tooMuch],
    ["comments", "# x\n".repeat(3_000), 2_501, tooMuch],
    ["line ends", "\n".repeat(6_000), 5_001, tooMuch],
    ["tags", `a: [${"!x 1,".repeat(3_000)}]`, 1, tooMuch],
    ["aliases", `[&a 1, ${"*a, ".repeat(3_000)}]`, 1, tooMuch],
  ];
  for (const [what, text, line, reason] of malformed) {
    it(`refuses too many ${what}`, () =>
      assert.deepEqual(openYaml(text), { type: "malformed", line, reason }));
  }

  const escapes: readonly (readonly [string, string])[] = [
    ["\\q", "\\q"],
    ["\\n\\xZZ", "\\x"],
    ["\\\\\\u00", "\\u"],
    ["\\UFFFFFFFF", "\\U"],
  ];
  for (const [written, named] of escapes) {
    it(`refuses many bad escapes by the first: ${written}`, () =>
      assert.deepEqual(openYaml(`a: 1\nb: "${written.repeat(6_000)}"`), {
        type: "malformed",
        line: 2,
        reason: `Invalid escape sequence ${named}`,
      }));
  }

  it("quotes no more of it than can be read", () => {
    const verdict = openYaml(`a: !${"x".repeat(60_000)} 1`);
    assert.ok(verdict.type === "malformed");
    assert.match(verdict.reason, /^Unresolved tag: !x+…$/);
    assert.equal(verdict.reason.length, 121);
  });

  it("refuses the second of two like keys", () => {
    for (const text of ["a: 1\nb: 2\n'a': 3", "{ a: 1,\nb: 2,\na: 3 }", "1: a\n\n'1': b"]) {
      const verdict = openYaml(text);
      assert.ok(verdict.type === "malformed");
      assert.match(`${verdict.line} ${verdict.reason}`, /^3 key "[a1]" is not unique$/);
    }
  });
});

describe("keyText", () => {
  it("is what stands there", () => {
    const opened = openYaml("007: a\n1.0: b\n~: c\n'x': d");
    assert.ok(opened.type === "opened");
    const { contents } = opened.document;
    assert.ok(contents !== null && "items" in contents);
    const texts = contents.items.map((pair) => "key" in pair && keyText(pair.key as never));
    assert.deepEqual(texts, ["007", "1.0", "~", "x"]);
  });
});
