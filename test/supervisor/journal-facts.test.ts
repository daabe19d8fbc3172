import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type JournalEntry, parseEntry } from "../../supervisor/journal-entry.ts";
import {
  entriesOf,
  type Facts,
  foldJournal,
  isDecided,
  noFacts,
  withEntry,
} from "../../supervisor/journal-facts.ts";
import { metadata } from "./metadata.ts";

const why = { digest: "abc", reason: "crashed", at: "2024-01-01T00:00:00.000Z" };

function of(
  type: "unloaded" | "loaded" | "deleted",
  version: string | null,
  model = "m",
): JournalEntry {
  return { type, model, version };
}

function rolledBack(version: string): JournalEntry {
  return { type: "rolled-back", model: "m", version, ...why };
}

function installing(version: string, config: string | null = null): JournalEntry {
  return { type: "installing", model: "m", version, config, before: "a: 0" };
}

const begun = { served: ["4"], versions: ["5"], rewrite: { before: "", written: "replicas: 2\n" } };

function rollingOut(id: string): JournalEntry {
  return { type: "rolling-out", model: "m", id, ...begun };
}

const what = { digest: "abc", metadata };

function described(version: string, digest = "abc"): JournalEntry {
  return { type: "described", model: "m", version, digest, metadata };
}

function sets(...versions: string[]): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map([["m", new Set(versions)]]);
}

const everything: readonly JournalEntry[] = [
  of("unloaded", "1"),
  of("unloaded", null),
  of("loaded", "2"),
  rolledBack("3"),
  installing("4", "max_batch_size: 1\n"),
  of("unloaded", "7", "other"),
  rollingOut("r"),
  described("2"),
];

const rows: readonly (readonly [string, readonly JournalEntry[], Partial<Facts>])[] = [
  ["nothing", [], {}],
  ["an unloaded model", [of("unloaded", null)], { unloadedModels: new Set(["m"]) }],
  ["a rollout", [rollingOut("r")], { rollingOut: new Map([["m", [{ id: "r", ...begun }]]]) }],
  ["a rollout that is over", [rollingOut("r"), { type: "rolled-out", model: "m", id: "r" }], {}],
  [
    "rollouts of which one is over",
    [rollingOut("r"), rollingOut("s"), { type: "rolled-out", model: "m", id: "r" }],
    { rollingOut: new Map([["m", [{ id: "s", ...begun }]]]) },
  ],
  [
    "another file of a version that was rolled back and unloaded",
    [rolledBack("1"), of("unloaded", "1"), of("unloaded", "2"), of("unloaded", null)].concat([
      { type: "installed", model: "m", version: "1" },
    ]),
    { unloadedModels: new Set(["m"]), unloadedVersions: sets("2") },
  ],
  ["an unloaded version", [of("unloaded", "1")], { unloadedVersions: sets("1") }],
  ["a loaded version", [of("loaded", "1")], { loadedVersions: sets("1") }],
  [
    "a version loaded after all",
    [of("unloaded", "1"), of("loaded", "1")],
    { loadedVersions: sets("1") },
  ],
  [
    "a version unloaded again",
    [of("loaded", "1"), of("unloaded", "1")],
    { unloadedVersions: sets("1") },
  ],
  [
    "a loaded model, with all its versions",
    [of("unloaded", "1"), of("unloaded", "2"), of("unloaded", null), of("loaded", null)],
    {},
  ],
  [
    "an unloaded model, whose loaded versions are forgotten",
    [of("loaded", "1"), of("unloaded", null)],
    { unloadedModels: new Set(["m"]) },
  ],
  [
    "a version loaded of an unloaded model",
    [of("unloaded", null), of("loaded", "1")],
    { unloadedModels: new Set(["m"]), loadedVersions: sets("1") },
  ],
  [
    "versions that were rolled back",
    [rolledBack("1"), rolledBack("2")],
    {
      rolledBack: new Map([
        [
          "m",
          new Map([
            ["1", why],
            ["2", why],
          ]),
        ],
      ]),
    },
  ],
  ["one that was forgiven", [rolledBack("1"), { type: "forgiven", model: "m", version: "1" }], {}],
  [
    "an installation under way",
    [installing("1"), installing("1", "a: 1")],
    { installing: [{ model: "m", version: "1", config: "a: 1", before: "a: 0" }] },
  ],
  [
    "one of two that is done",
    [installing("1"), installing("2"), { type: "installed", model: "m", version: "1" }],
    { installing: [{ model: "m", version: "2", config: null, before: "a: 0" }] },
  ],
  [
    "versions that were described, each as it was last",
    [described("1", "old"), described("2"), described("1")],
    {
      described: new Map([
        [
          "m",
          new Map([
            ["1", what],
            ["2", what],
          ]),
        ],
      ]),
    },
  ],
  [
    "one that was described and is another one now",
    [described("1"), described("2"), { type: "installed", model: "m", version: "1" }],
    { described: new Map([["m", new Map([["2", what]])]]) },
  ],
  [
    "one that was described and is deleted",
    [described("1"), described("2"), of("deleted", "2")],
    { described: new Map([["m", new Map([["1", what]])]]) },
  ],
  [
    "a deleted version",
    [of("unloaded", "1"), rolledBack("1"), installing("1"), of("loaded", "2"), of("deleted", "1")],
    { loadedVersions: sets("2") },
  ],
  [
    "a deleted model",
    [...everything, of("deleted", null)],
    { unloadedVersions: new Map([["other", new Set(["7"])]]) },
  ],
];

describe("foldJournal", () => {
  for (const [name, entries, facts] of rows) {
    it(`knows ${name}`, () => {
      assert.deepEqual(foldJournal(entries), { ...noFacts, ...facts });
    });
  }
});

describe("entriesOf", () => {
  for (const [name, entries] of [...rows, ["everything", everything] as const]) {
    it(`says ${name} in as few entries`, () => {
      const facts = foldJournal(entries);
      const fewer = entriesOf(facts);
      assert.deepEqual(foldJournal(fewer), facts);
      assert.ok(fewer.length <= entries.length);
    });
  }
});

describe("parseEntry", () => {
  it("reads each entry as it was written", () => {
    const entries = [
      ...everything,
      { type: "forgiven", model: "m", version: "1" },
      { type: "installed", model: "m", version: "1" },
      of("deleted", null),
      installing("1", "x".repeat(100_000)),
    ];
    assert.deepEqual(
      entries.map((entry) => parseEntry(JSON.parse(JSON.stringify(entry)))),
      entries,
    );
  });

  const strange = [null, [], {}, { type: "moved", model: "m" }, { type: "loaded", model: "m" }];
  for (const value of strange) {
    it(`does not read ${JSON.stringify(value)}`, () => assert.equal(parseEntry(value), undefined));
  }
});

describe("isDecided", () => {
  const entries: readonly (readonly [JournalEntry, readonly JournalEntry[], boolean])[] = [
    [of("loaded", null), [], true],
    [of("loaded", null), [of("unloaded", null)], false],
    [of("loaded", null), [of("unloaded", "1")], false],
    [of("loaded", "1"), [], false],
    [of("loaded", "1"), [of("loaded", "1")], true],
    [of("loaded", "1"), [of("loaded", "1"), of("unloaded", "1")], false],
    [of("unloaded", null), [], false],
    [of("unloaded", null), [of("unloaded", null)], true],
    [of("unloaded", null), [of("unloaded", null), of("loaded", "1")], false],
    [of("unloaded", "1"), [of("unloaded", "1")], true],
    [of("unloaded", "1"), [of("unloaded", "2")], false],
    [{ type: "forgiven", model: "m", version: "1" }, [], true],
    [{ type: "forgiven", model: "m", version: "1" }, [rolledBack("1")], false],
    [rolledBack("1"), [rolledBack("1")], false],
    [of("deleted", null), [], false],
  ];
  for (const [entry, before, expected] of entries) {
    it(`is ${expected} of ${JSON.stringify(entry)} after ${JSON.stringify(before)}`, () => {
      const facts = foldJournal(before);
      assert.equal(isDecided(facts, entry), expected);
      if (expected) assert.deepEqual(withEntry(facts, entry), facts);
    });
  }
});
