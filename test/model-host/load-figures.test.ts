import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LoadFigures } from "../../model-host/load-figures.ts";

describe("LoadFigures", () => {
  it("expects requests of one row, at no cost, before there was any", () => {
    const figures = new LoadFigures();
    assert.deepEqual([figures.rowsPerRequest, figures.batchMs(8)], [1, 0]);
  });

  it("follows the rows of requests", () => {
    const figures = new LoadFigures();
    for (let request = 0; request < 300; request += 1) figures.noteRequest(9);
    assert.ok(Math.abs(figures.rowsPerRequest - 9) < 0.1);
  });

  it("is moved little by one large request", () => {
    const figures = new LoadFigures();
    figures.noteRequest(51);
    assert.equal(figures.rowsPerRequest, 2);
  });

  it("says what a batch of some size costs", () => {
    const figures = new LoadFigures();
    for (let batch = 0; batch < 100; batch += 1) {
      figures.noteBatch(1, 11);
      figures.noteBatch(10, 20);
    }
    assert.deepEqual(
      [1, 10].map((rows) => Math.round(figures.batchMs(rows))),
      [11, 20],
    );
  });

  it("learns nothing from the first runs, which are cold", () => {
    const figures = new LoadFigures();
    for (const tookMs of [90, 40, 30, 20]) figures.noteBatch(1, tookMs);
    for (const tookMs of [12, 4, 4]) figures.noteBatch(1, tookMs);
    assert.equal(figures.batchMs(1), 0);
    figures.noteBatch(1, 4);
    assert.equal(Math.round(figures.batchMs(1)), 6);
  });

  it("learns from the first run of a slow model", () => {
    const figures = new LoadFigures();
    figures.noteBatch(1, 400);
    assert.equal(figures.batchMs(1), 400);
  });

  it("counts the rows that come, and knows what is usual of them", () => {
    const figures = new LoadFigures();
    for (let request = 0; request < 500; request += 1) figures.noteRequest(1);
    figures.noteRequest(64);
    assert.equal(figures.rowsCome, 564);
    assert.ok(figures.usualRows < 1.1, `${figures.usualRows}`);
    for (let request = 0; request < 500; request += 1) figures.noteRequest(8);
    assert.ok(Math.abs(figures.usualRows - 8) < 0.1, `${figures.usualRows}`);
  });

  it("remembers what larger batches took while there are none", () => {
    const figures = new LoadFigures();
    assert.deepEqual([figures.fit, figures.fittedMs(8)], [undefined, 0]);
    for (let batch = 0; batch < 100; batch += 1) {
      figures.noteBatch(1, 11);
      figures.noteBatch(10, 20);
    }
    for (let batch = 0; batch < 2_000; batch += 1) figures.noteBatch(1, 11);
    const { fixedMs, rowMs } = figures.fit ?? assert.fail();
    assert.deepEqual([fixedMs, rowMs].map(Math.round), [10, 1]);
    assert.equal(Math.round(figures.fittedMs(30)), 40);
  });
});
