import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Progress, progressLine } from "../../src/cli/progress.ts";

describe("progressLine", () => {
  it("fills a bar by its share", () => {
    const half = "████████████░░░░░░░░░░░░  50 %  sending";
    assert.equal(progressLine("sending", 0.5, 1), half);
  });

  it("turns where nobody knows how long it takes", () => {
    assert.notEqual(progressLine("trying", undefined, 1), progressLine("trying", undefined, 2));
  });
});

describe("progress", () => {
  it("says nothing where there is no terminal", () => {
    const said: string[] = [];
    const sink = { isTerminal: false, columns: 80, write: (text: string) => void said.push(text) };
    const progress = new Progress(sink, "sending");
    progress.show("sending", 0.5);
    progress.end();
    assert.deepEqual(said, []);
  });
});
