import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePbtxt } from "../../src/config/pbtxt.ts";
import type { YamlNode } from "../../src/config/yaml-tree.ts";

/** Keys and values in order, without lines. */
function plain(node: YamlNode): unknown {
  switch (node.type) {
    case "map":
      return node.entries.map(({ key, value }) => [key, plain(value)]);
    case "list":
      return node.items.map(plain);
    case "scalar":
      return node.value;
  }
}

function parsed(text: string): unknown {
  const verdict = parsePbtxt(text);
  return verdict.type === "parsed" ? plain(verdict.root) : verdict;
}

const taken: readonly (readonly [string, string, unknown])[] = [
  ["nothing", "", []],
  ["comments alone", "# one\n  # two", []],
  [
    "a string, a number, a word",
    'a: "x" b: 3 c: KIND_CPU',
    [
      ["a", "x"],
      ["b", 3],
      ["c", "KIND_CPU"],
    ],
  ],
  [
    "true and false",
    "a: true b: false",
    [
      ["a", true],
      ["b", false],
    ],
  ],
  [
    "numbers of all kinds",
    "a: [-1, 0x10, 010, 1.5, .5, 1e3, 2.5f]",
    [-1, 16, 8, 1.5, 0.5, 1000, 2.5].map((value) => ["a", value]),
  ],
  [
    "a message with a colon and without",
    "a { b: 1 } c: { d: 2 } e <f: 3>",
    [
      ["a", [["b", 1]]],
      ["c", [["d", 2]]],
      ["e", [["f", 3]]],
    ],
  ],
  [
    "a list of messages",
    "a [ { b: 1 }, { b: 2 } ]",
    [
      ["a", [["b", 1]]],
      ["a", [["b", 2]]],
    ],
  ],
  ["an empty list", "a: []", []],
  [
    "a key that stands twice",
    "a: 1 a: 2",
    [
      ["a", 1],
      ["a", 2],
    ],
  ],
  [
    "commas and semicolons behind fields",
    "a: 1, b: 2; c { d: 3, }",
    [
      ["a", 1],
      ["b", 2],
      ["c", [["d", 3]]],
    ],
  ],
  ["strings in a row", `a: "x" 'y'\n"z"`, [["a", "xyz"]]],
  ["escapes", String.raw`a: "\"\n\t\\\x41\101é'"`, [["a", "\"\n\t\\AAé'"]]],
  ["a mark of a comment in a string", 'a: "# no comment"', [["a", "# no comment"]]],
];

const refused: readonly (readonly [string, string, number, RegExp])[] = [
  ["a string that does not end", 'a: 1\nb: "x\n', 2, /a string does not end/],
  ["a message that does not end", "a {\n b: 1\n", 2, /before the } of line 1/],
  ["a message that ends twice", "a { }\n}", 2, /expected a key, got "}"/],
  ["a key without a value", "a:", 1, /expected a value, got the end of the file/],
  ["a value without a colon", "a\n1", 2, /expected ":" or "{" after a, got "1"/],
  ["a list that does not end", "a: [1, 2", 1, /"," or "\]", got the end/],
  ["a list without a comma", "a: [1 2]", 1, /"," or "\]", got "2"/],
  ["a character of no word", "a: 1\n\n@", 3, /unexpected "@"/],
  ["a number with letters", "a: 12abc", 1, /unexpected "1"/],
  ["an unknown escape", String.raw`a: "\q"`, 1, /unknown escape/],
  [
    "a long key without a value",
    "a".repeat(60_000),
    1,
    /^expected ":" or "{" after a{60}…, got the end of the file$/,
  ],
  ["a word with a minus", "a: -b", 1, /expected a number after -, got "b"/],
];

describe("parsePbtxt", () => {
  for (const [what, text, expected] of taken) {
    it(`reads ${what}`, () => assert.deepEqual(parsed(text), expected));
  }

  for (const [what, text, line, words] of refused) {
    it(`refuses ${what}, and says in which line`, () => {
      const verdict = parsePbtxt(text);
      assert.ok(verdict.type === "malformed", JSON.stringify(verdict));
      assert.equal(verdict.line, line);
      assert.match(verdict.reason, words);
    });
  }

  it("refuses messages that are nested without end", () => {
    const verdict = parsePbtxt("a {".repeat(20_000));
    assert.ok(verdict.type === "malformed");
    assert.match(verdict.reason, /nested deeper than 24/);
  });

  it("knows the line of every key and value", () => {
    const verdict = parsePbtxt("a: 1\n\nb {\n  c:\n    2\n}");
    assert.ok(verdict.type === "parsed" && verdict.root.type === "map");
    const [a, b] = verdict.root.entries;
    assert.deepEqual([a?.line, a?.value.line, b?.line], [1, 1, 3]);
    assert.ok(b?.value.type === "map");
    assert.deepEqual([b.value.entries[0]?.line, b.value.entries[0]?.value.line], [4, 5]);
  });

  it("has an answer to whatever comes", () => {
    const alphabet = [
      "a",
      "1",
      '"',
      "'",
      "\\",
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      "-",
      "#",
      "\n",
      "<",
      "é",
    ];
    let state = 1;
    const draw = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (state >> 16) % below;
    };
    for (let round = 0; round < 2000; round += 1) {
      const text = Array.from({ length: draw(30) }, () => alphabet[draw(alphabet.length)]).join("");
      assert.match(parsePbtxt(text).type, /^(?:parsed|malformed)$/);
    }
  });
});
