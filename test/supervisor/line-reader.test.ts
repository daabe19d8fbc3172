import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LineReader } from "../../supervisor/line-reader.ts";

function read(maxLength: number, ...chunks: readonly string[]): readonly string[] {
  const reader = new LineReader(maxLength);
  const lines: string[] = [];
  for (const chunk of chunks) reader.push(chunk, (line) => lines.push(line));
  reader.end((line) => lines.push(line));
  return lines;
}

describe("LineReader", () => {
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["several lines of one chunk", ["a\nb\n"], ["a", "b"]],
    ["one line of several chunks", ["a", "b", "c\n"], ["abc"]],
    ["empty lines", ["\n\n"], ["", ""]],
    ["what is left at the end", ["a\nb"], ["a", "b"]],
    ["lines that end as on Windows", ["a\r", "\nb\r\n"], ["a", "b"]],
    ["no more of a line than is wanted", ["abcdefg\nh\n"], ["abcde", "h"]],
    ["no more of a line in chunks either", ["abcd", "efgh", "ij\nk"], ["abcde", "k"]],
    ["nothing of nothing", [""], []],
  ];
  for (const [name, chunks, lines] of rows) {
    it(`gives ${name}`, () => assert.deepEqual(read(5, ...chunks), lines));
  }

  it("stands a line that no string could hold", () => {
    const reader = new LineReader(5);
    const chunk = "x".repeat(2 ** 20);
    const lines: string[] = [];
    for (let pushed = 0; pushed < 1_024; pushed += 1)
      reader.push(chunk, (line) => lines.push(line));
    reader.push("\nnext\n", (line) => lines.push(line));
    assert.deepEqual(lines, ["xxxxx", "next"]);
  });
});
