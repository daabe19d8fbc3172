import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JournalEntry } from "../../supervisor/journal-entry.ts";
import { foldJournal, withEntry } from "../../supervisor/journal-facts.ts";
import { RolloutRecords } from "../../supervisor/rollout-records.ts";

const begun = { served: ["1"], versions: ["2"], rewrite: null };

/** With what the servers before have left. */
function setUp(...left: readonly string[]) {
  const entries = left.map((id) => ({ type: "rolling-out", model: "m", id, ...begun }) as const);
  const journal = {
    facts: foldJournal(entries),
    isWritable: true,
    async append(entry: JournalEntry) {
      if (!this.isWritable) throw new Error("read-only");
      this.facts = withEntry(this.facts, entry);
    },
  };
  const open = () => (journal.facts.rollingOut.get("m") ?? []).map(({ id }) => id);
  return { journal, open, records: new RolloutRecords(journal) };
}

describe("RolloutRecords", () => {
  it("are there until they are ended", async () => {
    const { records, open } = setUp();
    const ids = await records.begin("m", begun);
    assert.deepEqual([ids.length, open()], [1, ids]);
    await records.end("m", ids);
    assert.deepEqual(open(), []);
  });

  it("are nothing where the journal cannot be written", async () => {
    const { records, journal } = setUp();
    journal.isWritable = false;
    assert.deepEqual(await records.begin("m", begun), []);
  });

  it("end with one that lasts where nobody else ends them, and stay where one is under way", async () => {
    const { records, open } = setUp("left");
    const other = await records.begin("m", begun);
    await records.finish("m", await records.begin("m", begun));
    assert.deepEqual(open(), other);
  });

  it("of the server before are this one's when it has taken them over", async () => {
    const { records, open } = setUp("r", "s");
    assert.deepEqual(
      records.adopt("m").map(({ id }) => id),
      ["r", "s"],
    );
    await records.finish("m", []);
    assert.deepEqual(open(), ["r", "s"]);
    await records.finish("m", ["r", "s"]);
    assert.deepEqual(open(), []);
  });
});
