import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { painter } from "../../src/cli/paint.ts";
import { type Column, tableText } from "../../src/cli/table.ts";
import { plainPaint } from "./paint.ts";

interface Row {
  readonly name: string;
  readonly count: number | null;
  readonly state?: string;
}

const columns: readonly Column<Row>[] = [
  { title: "NAME", of: ({ name }) => name },
  { title: "COUNT", of: ({ count }) => count, align: "right" },
  { title: "STATE", of: ({ state }) => state, isState: true },
];

describe("tableText", () => {
  it("takes as many rows as there are", () => {
    const rows = Array.from({ length: 200_000 }, () => ({ name: "a", count: 1 }));
    const text = tableText(rows, columns, plainPaint);
    assert.equal(text.length, "NAME  COUNT\n".length + rows.length * "a         1\n".length);
  });

  it("aligns columns, and leaves out those that are empty", () => {
    const rows = [
      { name: "iris", count: 5 },
      { name: "a", count: null },
    ];
    assert.equal(tableText(rows, columns, plainPaint), "NAME  COUNT\niris      5\na         -\n");
  });

  it("colours states without moving what is behind them", () => {
    const text = tableText([{ name: "a", count: 0, state: "ready" }], columns, painter(true));
    assert.ok(text.endsWith("a         0  \x1b[32mready\x1b[0m\n"), JSON.stringify(text));
  });

  it("lets no name move the cursor", () => {
    const text = tableText([{ name: "\x1b[2Jx\n", count: 1 }], columns, plainPaint);
    assert.equal(text.split("\n")[1], '"\\u001b[2Jx\\n"      1');
  });
});
