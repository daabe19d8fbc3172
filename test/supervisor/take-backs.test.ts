import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Rewrite } from "../../supervisor/journal-entry.ts";
import { TakeBacks } from "../../supervisor/take-backs.ts";

/** A model.yaml, and what has been done. */
function setUp(text: string) {
  const file = { text, isWritable: true };
  const ended: string[] = [];
  const restore = async (_: string, { before, written }: Rewrite) => {
    if (!file.isWritable) throw new Error("read-only");
    if (file.text === written) file.text = before;
  };
  const takeBacks = new TakeBacks({
    configs: { restore },
    journal: { checkOurs: () => undefined },
    records: { end: async (_, ids) => void ended.push(...ids) },
  });
  return { file, ended, takeBacks };
}

function rewrite(before: string, written: string): Rewrite {
  return { before, written };
}

describe("TakeBacks", () => {
  it("does nothing where there is nothing", async () => {
    const { takeBacks, ended } = setUp("a");
    await takeBacks.carryOut("m");
    assert.deepEqual(ended, []);
  });

  it("restores the newest first, within one and of several", async () => {
    const { takeBacks, file, ended } = setUp("d");
    takeBacks.add("m", { records: ["r"], rewrites: [rewrite("a", "b"), rewrite("b", "c")] });
    takeBacks.add("m", { records: ["s"], rewrites: [rewrite("c", "d")] });
    await takeBacks.carryOut("m");
    assert.deepEqual([file.text, ended], ["a", ["s", "r"]]);
  });

  it("keeps what fails for the next time", async () => {
    const { takeBacks, file, ended } = setUp("b");
    takeBacks.add("m", { records: ["r"], rewrites: [rewrite("a", "b")] });
    file.isWritable = false;
    await assert.rejects(takeBacks.carryOut("m"));
    assert.deepEqual(ended, []);
    file.isWritable = true;
    await takeBacks.carryOut("m");
    await takeBacks.carryOut("m");
    assert.deepEqual([file.text, ended], ["a", ["r"]]);
  });

  it("restores what stands on another first, though it failed before it", async () => {
    const { takeBacks, file, ended } = setUp("c");
    file.isWritable = false;
    takeBacks.add("m", { records: ["later"], rewrites: [rewrite("b", "c")] });
    await assert.rejects(takeBacks.carryOut("m"));
    takeBacks.add("m", { records: ["earlier"], rewrites: [rewrite("a", "b")] });
    file.isWritable = true;
    await takeBacks.carryOut("m");
    assert.deepEqual([file.text, ended], ["a", ["later", "earlier"]]);
  });

  it("carries out what is added meanwhile", async () => {
    const { takeBacks, ended } = setUp("a");
    takeBacks.add("m", { records: ["r"], rewrites: [] });
    const carried = takeBacks.carryOut("m");
    takeBacks.add("m", { records: ["s"], rewrites: [] });
    await carried;
    assert.deepEqual(ended, ["r", "s"]);
  });

  it("keeps models apart, and forgets one that is gone", async () => {
    const { takeBacks, ended } = setUp("a");
    for (const model of ["m", "n"]) takeBacks.add(model, { records: [model], rewrites: [] });
    takeBacks.forget("m");
    for (const model of ["m", "n"]) await takeBacks.carryOut(model);
    assert.deepEqual(ended, ["n"]);
  });
});
