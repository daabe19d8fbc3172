import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NumberListScanner } from "../../src/tensors/number-list-scanner.ts";
import { hardTexts, notNumbers, seeded, textMakers } from "./number-texts.ts";

function read(text: string, maxDepth = 100): unknown {
  const scanner = new NumberListScanner(Buffer.from(`${text}}`));
  const list = scanner.read(0, maxDepth);
  if (list === undefined) return undefined;
  assert.equal(scanner.at, text.length);
  assert.deepEqual(list.toLists(), JSON.parse(text));
  return { dims: list.dims, values: list.values };
}

describe("NumberListScanner", () => {
  for (const [text, dims, values] of [
    ["[1]", [1], [1]],
    ["[1,-2.5,3e2]", [3], [1, -2.5, 300]],
    [" [ 1 ,\n2\t, 3\r] ".trim(), [3], [1, 2, 3]],
    ["[[1,2,3],[4,5,6]]", [2, 3], [1, 2, 3, 4, 5, 6]],
    ["[ [ [1] , [2] ] ]", [1, 2, 1], [1, 2]],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(read(text), { dims, values: Float32Array.from(values) });
    });
  }

  it("reads more numbers than it had room for", () => {
    const numbers = Array.from({ length: 5_000 }, (_, i) => i / 8);
    const text = JSON.stringify([numbers, numbers]);
    const values = Float32Array.from([...numbers, ...numbers]);
    assert.deepEqual(read(text), { dims: [2, 5_000], values });
  });

  it("reads one list after the other, each into memory of its own", () => {
    const scanner = new NumberListScanner(Buffer.from("[1,2],[[3]]}"));
    const first = scanner.read(0, 100);
    const second = scanner.read(6, 100);
    assert.deepEqual([first?.values, second?.values], [Float32Array.of(1, 2), Float32Array.of(3)]);
    assert.deepEqual([first?.dims, second?.dims], [[2], [1, 1]]);
    assert.equal(first?.values.buffer.byteLength, 8);
  });

  for (const text of [
    ...[
      "[]",
      "[[]]",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[1",
      "[1,",
      "[[1]",
      "[[1],",
      "[1}",
      "[[1},[2]]",
      "",
    ],
    ...["[[1],[2,3]]", "[[1],2]", "[1,[2]]", "[[1],[[2]]]", "[[[1]],[2]]", "[[1,2],[3]]"],
    ...["[1e39]", "[NaN]", "[null]", "[1,true]", '["1"]', "[01]", "[1.]", "[-]", "[{}]", "1"],
  ]) {
    it(`leaves ${JSON.stringify(text)} to others`, () => {
      assert.equal(read(text), undefined);
    });
  }

  it("reads as many levels as it may", () => {
    assert.notEqual(read("[[[1]]]", 3), undefined);
    assert.equal(read("[[[1]]]", 2), undefined);
    const deep = 100_000;
    assert.equal(read(`${"[".repeat(deep)}1${"]".repeat(deep)}`), undefined);
  });

  for (const [name, make] of Object.entries(textMakers)) {
    it(`rounds ${name} as JSON.parse and Math.fround do`, () => {
      const texts = Array.from({ length: 20_000 }, make).filter(isInRange);
      assert.ok(texts.length > 5_000);
      check(`[${texts.join()}]`, texts);
    });
  }

  for (const text of hardTexts) {
    it(`rounds ${text.length > 60 ? `${text.slice(0, 60)}...` : text} as JSON.parse and Math.fround do`, () => {
      if (isInRange(text)) check(`[${text}]`, [text]);
      else assert.equal(read(`[${text}]`), undefined);
    });
  }

  for (const text of notNumbers) {
    it(`takes ${JSON.stringify(text)} for no number`, () => {
      assert.equal(read(`[${text}]`), undefined);
      assert.equal(read(`[1,${text},2]`), undefined);
    });
  }

  it("reads every number that lies across the end of a window", () => {
    const texts = [...hardTexts.filter(isInRange), "0.1", "-2.5", "7", "1e3"];
    const piece = texts.join(" ,\n");
    const pieces = Array.from({ length: 90 }, () => piece).join();
    assert.ok(pieces.length > 2 * windowSize);
    const all = Array.from({ length: 90 }, () => texts).flat();
    const offsets = Math.max(...texts.map(({ length }) => length)) + 70;
    for (let offset = 0; offset < offsets; offset += 7) {
      check(`[${" ".repeat(offset)}${pieces}]`, all);
    }
  });

  for (const text of ["-0.1234567", "0.12345678901234567", "-1.2345e-10", "12"]) {
    it(`reads ${text} at each place across the end of a window`, () => {
      for (let offset = 1; offset < 100; offset += 1) {
        const spaces = " ".repeat(windowSize - offset);
        check(`[1,${spaces}${text},3]`, ["1", text, "3"]);
        check(`[[${spaces}${text}] , [${text}]]`, [text, text], [2, 1]);
      }
    });
  }

  it("reads what has windows of nothing but spaces", () => {
    const spaces = " \n\r\t".repeat(windowSize);
    check(`[${spaces}1${spaces},${spaces}2${spaces}]`, ["1", "2"]);
  });

  it("leaves every list to others where WebAssembly gets no memory", async (t) => {
    // Of its own, so that it has made nothing yet.
    const path = "../../src/tensors/number-list-scanner.ts?without-memory";
    const anew = (await import(path)) as { NumberListScanner: typeof NumberListScanner };
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { Instance: () => void } };
    const instantiate = t.mock.method(WebAssembly, "Instance", () => {
      throw new RangeError("could not allocate memory");
    });
    for (let i = 0; i < 2; i += 1) {
      assert.equal(new anew.NumberListScanner(Buffer.from("[1,2]}")).read(0, 100), undefined);
    }
    assert.equal(instantiate.mock.callCount(), 1);
  });

  it("copies no more of a body for a short list than it needs", (t) => {
    const lists = Array.from({ length: 1_000 }, () => "[1,2]").join(" ".repeat(100));
    const scanner = new NumberListScanner(Buffer.from(`${lists}}`));
    assert.ok(scanner.read(0, 1) !== undefined);
    const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
    const set = t.mock.method(typedArray, "set");
    for (let i = 1; i < 1_000; i += 1) assert.ok(scanner.read(i * 105, 1) !== undefined);
    const copied = set.mock.calls.map((call) => call.arguments[0].length);
    assert.equal(copied.length, 999);
    assert.ok(Math.max(...copied) <= 1_024, `${Math.max(...copied)} bytes for a list of 5`);
  });

  for (const text of ["-0.1234567", "0.12345678901234567", "12"]) {
    it(`reads ${text} at each place across the end of the first look`, () => {
      for (let offset = 1; offset < 100; offset += 1) {
        const spaces = " ".repeat(1_024 - offset);
        check(`[1,${spaces}${text},3]`, ["1", text, "3"]);
        check(`[[${spaces}${text}] , [${text}]]`, [text, text], [2, 1]);
      }
    });
  }

  it("leaves a number that is longer than a window to others", () => {
    const long = `0.${"1".repeat(windowSize)}`;
    assert.equal(read(`[1,${long},2]`), undefined);
    assert.equal(read(`[${long}]`), undefined);
    const shorter = `0.${"1".repeat(windowSize - 100)}`;
    check(`[1,${shorter},2]`, ["1", shorter, "2"]);
  });

  it("reads lists as they are nested, and refuses what is nested unevenly, in bodies of several windows", () => {
    const random = seeded(11);
    for (let round = 0; round < 40; round += 1) {
      const dims = Array.from({ length: 1 + random(3) }, () => 1 + random(30));
      const rows = [...dims, 40];
      const texts: string[] = [];
      const text = nest(rows, texts, random);
      check(text, texts, rows);
      const at = text.indexOf(",", random(text.length));
      if (at < 0) continue;
      const harmed = `${text.slice(0, at)}${text.slice(at + 1)}`;
      assert.equal(read(harmed), undefined, "a comma is missing");
    }
  });
});

const windowSize = 65_536;

function isInRange(text: string): boolean {
  return Number.isFinite(Math.fround(JSON.parse(text)));
}

function check(list: string, texts: readonly string[], dims?: readonly number[]): void {
  const scanner = new NumberListScanner(Buffer.from(`${list}}`));
  const got = scanner.read(0, 100);
  assert.ok(got !== undefined, list.slice(0, 200));
  assert.equal(scanner.at, list.length);
  assert.equal(got.values.length, texts.length);
  if (dims !== undefined) assert.deepEqual(got.dims, dims);
  for (const [i, text] of texts.entries()) {
    const expected = Math.fround(JSON.parse(text));
    assert.ok(
      Object.is(got.values[i], expected),
      `${text}: expected ${expected}, got ${got.values[i]}`,
    );
  }
}

/** Lists of those sizes; the numbers are noted in `into`. */
function nest(
  [size = 0, ...inner]: readonly number[],
  into: string[],
  random: (below: number) => number,
): string {
  const members = Array.from({ length: size }, () => {
    if (inner.length > 0) return nest(inner, into, random);
    into.push(String(Math.fround(random(2 ** 31) / 2 ** 20)));
    return into.at(-1);
  });
  return `[${members.join([",", ", ", " ,", "\n,\t"][random(4)])}]`;
}
