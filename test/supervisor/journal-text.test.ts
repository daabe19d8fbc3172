import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JournalEntry } from "../../supervisor/journal-entry.ts";
import { foldJournal } from "../../supervisor/journal-facts.ts";
import { lineOf, readJournal } from "../../supervisor/journal-text.ts";

function entry(model: string): JournalEntry {
  return { type: "unloaded", model, version: null };
}

function line(model: string): string {
  return lineOf(entry(model));
}

function reading(text: string) {
  const { facts, lines, whole, tornBytes, damage } = readJournal(Buffer.from(text));
  const kept = Buffer.concat(whole).toString();
  return { unloaded: [...facts.unloadedModels], lines, kept, tornBytes, damage };
}

describe("A journal's text", () => {
  it("is read line by line", () => {
    const text = line("a") + line("é");
    const whole = { unloaded: ["a", "é"], lines: 2, kept: text, tornBytes: 0, damage: null };
    assert.deepEqual(reading(text), whole);
    const empty = { unloaded: [], lines: 0, kept: "", tornBytes: 0, damage: null };
    assert.deepEqual(reading(""), empty);
  });

  const damages: readonly (readonly [string, string])[] = [
    ["another checksum", line("b").replace("b", "x")],
    ["no checksum", `${JSON.stringify(entry("b"))}\n`],
    ["nothing", "\n"],
    ["zeros, as after a loss of power", `${"\0".repeat(40)}\n`],
    ["a checksum in capitals", line("b").replace(/^\w+/, (sum) => `${sum.slice(0, 7)}G`)],
    ["a beginning that was cut off", line("b").slice(5)],
    ["half of one and then the next", line("b").slice(0, 20) + line("b")],
  ];
  for (const [name, damaged] of damages) {
    it(`counts but for a line with ${name}`, () => {
      assert.deepEqual(reading(line("a") + damaged + line("c")), {
        unloaded: ["a", "c"],
        lines: 2,
        kept: line("a") + line("c"),
        tornBytes: 0,
        damage: { lines: 1, bytes: Buffer.byteLength(damaged) },
      });
    });
  }

  it("may be all damaged", () => {
    const text = "no journal\nat all\n and no end";
    const damage = { lines: 3, bytes: text.length };
    assert.deepEqual(reading(text), { unloaded: [], lines: 0, kept: "", tornBytes: 0, damage });
  });

  const ends: readonly (readonly [string, string, boolean])[] = [
    ...Array.from({ length: line("b").length - 1 }, (_, at) => {
      const torn = line("b").slice(0, at + 1);
      return [`${at + 1} bytes of a line`, torn, true] as const;
    }),
    ["zeros", "\0".repeat(60), true],
    ["a piece of a line, and zeros", `${line("b").slice(0, 12)}\0\0`, true],
    ["words", "words", false],
    ["zeros, and more", "\0\0words", false],
  ];
  for (const [name, end, isTorn] of ends) {
    it(`is ${isTorn ? "torn" : "damaged"} where it ends with ${name}`, () => {
      const { unloaded, tornBytes, damage } = reading(line("a") + end);
      const expected = isTorn
        ? { tornBytes: end.length, damage: null }
        : { tornBytes: 0, damage: { lines: 1, bytes: end.length } };
      assert.deepEqual({ unloaded, tornBytes, damage }, { unloaded: ["a"], ...expected });
    });
  }

  it("takes what was being installed before a damage as over, and not what was after it", () => {
    const installing = (model: string) =>
      ({ type: "installing", model, version: "1", config: "a: 1", before: "" }) as const;
    const before = lineOf(installing("a")) + line("b");
    const { facts } = readJournal(Buffer.from(`${before}damage\n${lineOf(installing("c"))}`));
    assert.deepEqual(facts, foldJournal([entry("b"), installing("c")]));
    const torn = readJournal(Buffer.from(`${before}0123`));
    assert.deepEqual(torn.facts, foldJournal([installing("a"), entry("b")]));
  });
});
