import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Descriptions } from "../../supervisor/descriptions.ts";
import type { JournalEntry } from "../../supervisor/journal-entry.ts";
import { foldJournal } from "../../supervisor/journal-facts.ts";
import { planFor, startLife } from "./life-parts.ts";
import { metadata } from "./metadata.ts";

const name = { model: "m", version: "1" };
const file = { ...name, file: "/models/m/1/model.onnx" };
const other = { ...metadata, externalFiles: ["weights.bin"] };
const entry = { type: "described", ...name, digest: "abc", metadata } as const;

/** Its journal says that already, and cannot be written where the folder cannot. */
function begin(before: readonly JournalEntry[] = [], isWritable = true) {
  const written: JournalEntry[] = [...before];
  const disk = { digest: "abc" };
  const descriptions = new Descriptions({
    journal: {
      get facts() {
        return foldJournal(written);
      },
      append: async (one) => {
        if (!isWritable) throw new Error("read-only");
        written.push(one);
      },
    },
    digests: { of: async () => disk.digest, inTime: async () => disk.digest },
  });
  return { descriptions, disk, written };
}

describe("Descriptions", () => {
  it("writes down what is new, and nothing twice", async () => {
    const { descriptions, disk, written } = begin();
    await descriptions.note(file, metadata);
    await descriptions.note(file, metadata);
    assert.deepEqual(written, [entry]);
    await descriptions.note(file, other);
    disk.digest = "def";
    await descriptions.note(file, other);
    assert.deepEqual(written.slice(1), [
      { ...entry, metadata: other },
      { ...entry, metadata: other, digest: "def" },
    ]);
  });

  it("writes nothing down that is very large", async () => {
    const { descriptions, written } = begin();
    const externalFiles = Array.from({ length: 300 }, () => "x".repeat(250));
    await descriptions.note(file, { ...metadata, externalFiles });
    assert.deepEqual(written, []);
  });

  it("knows of an earlier run what the file still holds", () => {
    const { descriptions } = begin([entry]);
    const known = ["abc", "def", null].map((digest) => descriptions.recall(name, digest, null));
    assert.deepEqual(known, [metadata, null, null]);
  });

  it("goes by this run where nothing can be written", async () => {
    const { descriptions } = begin([], false);
    assert.deepEqual(descriptions.recall(name, "abc", other), other);
    await descriptions.note(file, metadata);
    const known = ["abc", "def", null].map((digest) => descriptions.recall(name, digest, other));
    assert.deepEqual(known, [metadata, null, other]);
  });

  it("tells a model what it knows of its versions", async () => {
    const { descriptions } = begin([entry, { ...entry, version: "2", digest: "old" }]);
    const { known, life } = startLife(planFor({}), ["1", "2"]);
    const told: string[] = [];
    await descriptions.recallAll([known], ({ name }) => told.push(name));
    assert.deepEqual([[...life.known], told], [[["1", metadata]], ["m"]]);
  });
});
