import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeYaml, parseYaml, type YamlNode } from "../../src/config/yaml-tree.ts";

function scalar(value: string | number | boolean | null, text: string, line = 1): YamlNode {
  return { type: "scalar", value, text, line };
}

describe("parseYaml", () => {
  it("keeps how a value is written and where", () => {
    const root: YamlNode = {
      type: "map",
      line: 1,
      entries: [
        { key: "a", value: scalar(1.1, "1.10"), line: 1 },
        {
          key: "b",
          value: { type: "list", items: [scalar(true, "true", 2), scalar("no", "no", 2)], line: 2 },
          line: 2,
        },
        { key: "c", value: scalar(null, "~", 3), line: 3 },
        { key: "7", value: scalar("x\ny\n", "x\ny\n", 4), line: 4 },
      ],
    };
    assert.deepEqual(parseYaml("a: 1.10\nb: [true, no]\nc: ~\n7: |\n  x\n  y\n"), {
      type: "parsed",
      root,
    });
  });

  for (const text of ["", "# only a comment\n", "---\n"]) {
    it(`reads ${JSON.stringify(text)} as nothing`, () => {
      const verdict = parseYaml(text);
      assert.equal(verdict.type === "parsed" && describeYaml(verdict.root), "nothing");
    });
  }

  it("stays with YAML 1.2 whatever the file says", () => {
    const verdict = parseYaml("%YAML 1.1\n---\nyes");
    assert.deepEqual(verdict, { type: "parsed", root: scalar("yes", "yes", 3) });
  });

  for (const [text, line, reason] of [
    ["a: &x 1\nb: *x", 2, /aliases are not supported/],
    ["a: &x [*x]", 1, /aliases are not supported/],
    ["a: 1\nb: !foo 1", 2, /Unresolved tag/],
    ["a: !!binary aGk=", 1, /Unresolved tag/],
    ["a: !!set {b}", 1, /Unresolved tag/],
    ["? [a]\n: 1", 1, /key must be a plain word/],
    ["a: 1\nb: 2\na: 3", 3, /unique/],
    ["a: 1\n---\nb: 2", 2, /multiple documents/],
    ["a: [1", 1, /Flow sequence/],
    ["- ".repeat(40), 1, /32 levels/],
    ["[".repeat(200_000), 1, /32 levels/],
    [`${"- ".repeat(100_000)}]`, 1, /32 levels/],
    [
      Array.from({ length: 50 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      32,
      /32 levels/,
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(text.slice(0, 24))}`, () => {
      const verdict = parseYaml(text);
      assert.equal(verdict.type, "malformed");
      if (verdict.type !== "malformed") return;
      assert.match(verdict.reason, reason);
      assert.equal(verdict.line, line);
    });
  }
});

describe("describeYaml", () => {
  for (const [node, expected] of [
    [scalar("a", "a"), '"a"'],
    [scalar("a\nb", "a\nb"), '"a\\nb"'],
    [scalar(16, "0x10"), "0x10"],
    [scalar(null, ""), "nothing"],
    [scalar("x".repeat(99), "x".repeat(99)), `"${"x".repeat(60)}…"`],
    [{ type: "list", items: [], line: 1 }, "a list"],
    [{ type: "map", entries: [], line: 1 }, "a map"],
  ] as const) {
    it(`says ${expected}`, () => assert.equal(describeYaml(node), expected));
  }
});
