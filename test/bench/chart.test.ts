import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chart, reach } from "../../bench/chart.ts";
import { atLeast, atMost, type Bound, type Promised } from "../../bench/finding.ts";

function promised(median: number, bound: Bound, what = "troupe / echo"): Promised {
  return {
    work: "tiny-64",
    what,
    unit: "×",
    measured: { median, min: median, max: median },
    bound,
  };
}

/** Widths of the bars, by whether they meet their targets. */
function barsIn(svg: string) {
  return [...svg.matchAll(/<rect class="(met|missed)".* width="([\d.]+)"/g)].map(
    ([, kind, width]) => [kind, Number(width)],
  );
}

describe("reach", () => {
  it("is one where a target is just met, and more where it is outdone, whichever way it goes", () => {
    assert.equal(reach(promised(3, atLeast(2))), 1.5);
    assert.equal(reach(promised(2, atMost(3))), 1.5);
    assert.equal(reach(promised(2, atMost(2))), 1);
  });
});

describe("chart", () => {
  it("has one bar for each target, as long as it is reached", () => {
    const svg = chart([promised(1, atLeast(2)), promised(2, atMost(2))], "2001-02-03");
    assert.deepEqual(barsIn(svg), [
      ["missed", 50],
      ["met", 100],
    ]);
  });

  it("cuts what would be too long, and does not end at nothing", () => {
    const svg = chart([promised(0, atMost(1)), promised(0, atLeast(1))], "2001-02-03");
    assert.deepEqual(barsIn(svg), [
      ["met", 250],
      ["missed", 0],
    ]);
  });

  it("escapes what it writes", () => {
    const svg = chart([promised(1, atLeast(1), "a < b & c")], "2001-02-03");
    assert.match(svg, /a &lt; b &amp; c/);
  });

  it("leaves out what is not promised", () => {
    const measured = { median: 1, min: 1, max: 1 };
    const svg = chart([{ work: "many", what: "p99", unit: "ms", measured }], "2001-02-03");
    assert.deepEqual(barsIn(svg), []);
  });
});
