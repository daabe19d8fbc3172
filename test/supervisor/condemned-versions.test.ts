import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { ModelFolder } from "../../src/config/model-folder.ts";
import { CondemnedVersions } from "../../supervisor/condemned-versions.ts";
import type { JournalEntry } from "../../supervisor/journal-entry.ts";
import { noFacts, withEntry } from "../../supervisor/journal-facts.ts";
import { versionOf } from "./life-parts.ts";

/** What the journal says of versions that did not last, and whether it can be written. */
class FakeJournal {
  facts = noFacts;
  readonly written: JournalEntry[] = [];
  isWritable = true;

  suppose(entry: JournalEntry): void {
    this.facts = withEntry(this.facts, entry);
  }

  async append(entry: JournalEntry): Promise<void> {
    if (!this.isWritable) throw new Error("read-only");
    this.written.push(entry);
    this.suppose(entry);
  }
}

const versions = [versionOf("1"), versionOf("2")];
const folder: ModelFolder = { name: "m", versions, wanted: versions, config: defaultModelConfig };

function setUp(digest: string | null = "abc") {
  const journal = new FakeJournal();
  const files = { digest };
  const digests = {
    of: async () => {
      if (files.digest === null) throw new Error("gone");
      return files.digest;
    },
  };
  const condemned = new CondemnedVersions({ journal, digests });
  const digestOf = (version: string) => journal.facts.rolledBack.get("m")?.get(version)?.digest;
  return { journal, files, condemned, digestOf };
}

describe("CondemnedVersions", () => {
  it("holds at once, and knows the file later", async () => {
    const { condemned, digestOf } = setUp();
    const added = condemned.add(folder, "2", "it died");
    assert.equal(digestOf("2"), "");
    await added;
    assert.equal(digestOf("2"), "abc");
  });

  it("needs no judgement of what is gone", async () => {
    const { condemned, journal } = setUp();
    await condemned.add(folder, "3", "it died");
    assert.deepEqual(journal.written, []);
  });

  it("holds where it cannot be written down, and is forgiven there too", async () => {
    const { condemned, journal, files, digestOf } = setUp();
    journal.isWritable = false;
    await condemned.add(folder, "2", "it died");
    assert.equal(digestOf("2"), "abc");
    files.digest = "another";
    assert.deepEqual(await condemned.forgiveChanged(folder), ["2"]);
    assert.equal(digestOf("2"), undefined);
  });

  it("says no more of one that was deleted while its file was read", async () => {
    const { condemned, journal } = setUp();
    const added = condemned.add(folder, "2", "it died");
    await journal.append({ type: "deleted", model: "m", version: null });
    await added;
    assert.equal(journal.facts.rolledBack.size, 0);
  });

  it("forgives those whose files are others, and nothing that cannot be read", async () => {
    const { condemned, files } = setUp();
    await condemned.add(folder, "2", "it died");
    assert.deepEqual(await condemned.forgiveChanged(folder), []);
    files.digest = null;
    assert.deepEqual(await condemned.forgiveChanged(folder), []);
    files.digest = "another";
    assert.deepEqual(await condemned.forgiveChanged(folder), ["2"]);
  });

  it("takes the file of one that was never read for the one that failed", async () => {
    const { condemned, files, digestOf } = setUp(null);
    await condemned.add(folder, "2", "it died");
    files.digest = "abc";
    assert.deepEqual([await condemned.forgiveChanged(folder), digestOf("2")], [[], "abc"]);
  });
});
