import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readRss } from "../../supervisor/resident-memory.ts";

const isLinux = process.platform === "linux";

describe("readRss", () => {
  it("is what the process itself is told, about", { skip: !isLinux }, () => {
    const [own, read] = [process.memoryUsage.rss(), readRss(process.pid) ?? 0];
    assert.ok(Math.abs(read - own) < 0.2 * own, `${read} is not about ${own}`);
  });

  it("knows nothing of a process that is not there", () =>
    assert.equal(readRss(2 ** 30), undefined));
});
