import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { Journal } from "../../supervisor/journal.ts";
import type { JournalEntry } from "../../supervisor/journal-entry.ts";
import { foldJournal, noFacts } from "../../supervisor/journal-facts.ts";

const base = mkdtempSync("/tmp/journal-");
after(() => rmSync(base, { recursive: true, force: true }));

function freshFolder(): string {
  return join(mkdtempSync(join(base, "models-")), ".troupe");
}

function entry(model: string): JournalEntry {
  return { type: "unloaded", model, version: null };
}

function line(value: unknown): string {
  const json = JSON.stringify(value);
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

/** A folder whose journal has this text. */
function written(text: string | Buffer): string {
  const folder = freshFolder();
  mkdirSync(folder);
  writeFileSync(join(folder, "journal"), text);
  return folder;
}

function textOf(folder: string): string {
  return readFileSync(join(folder, "journal"), "utf8");
}

async function unloadedIn(folder: string): Promise<string[]> {
  return [...(await Journal.open(folder)).facts.unloadedModels];
}

describe("Journal", () => {
  it("creates nothing before there is something to write", async () => {
    const folder = freshFolder();
    const journal = await Journal.open(folder);
    assert.deepEqual([journal.facts, existsSync(folder)], [noFacts, false]);
  });

  it("is empty where there is no models folder at all", async () => {
    const journal = await Journal.open(join(base, "none", ".troupe"));
    assert.deepEqual(journal.facts, noFacts);
  });

  it("writes a line an entry, in the order of the calls", async () => {
    const folder = freshFolder();
    const journal = await Journal.open(folder);
    await Promise.all(["a", "b", "é"].map((model) => journal.append(entry(model))));
    assert.equal(textOf(folder), ["a", "b", "é"].map((model) => line(entry(model))).join(""));
  });

  it("keeps its facts current", async () => {
    const journal = await Journal.open(freshFolder());
    await journal.append(entry("a"));
    await journal.append({ type: "loaded", model: "b", version: "1" });
    const entries: JournalEntry[] = [entry("a"), { type: "loaded", model: "b", version: "1" }];
    assert.deepEqual(journal.facts, foldJournal(entries));
  });

  it("has each entry on the disk when its promise resolves", async () => {
    const folder = freshFolder();
    const journal = await Journal.open(folder);
    for (const model of ["a", "b", "c"]) {
      await journal.append(entry(model));
      assert.deepEqual(await unloadedIn(folder), [...journal.facts.unloadedModels]);
    }
  });

  it("goes on where an earlier server ended", async () => {
    const folder = freshFolder();
    await (await Journal.open(folder)).append(entry("a"));
    await (await Journal.open(folder)).append(entry("b"));
    assert.deepEqual(await unloadedIn(folder), ["a", "b"]);
  });

  it("leaves out a last line that is torn at any byte, and writes over it", async () => {
    const whole = line(entry("a"));
    const last = Buffer.from(line(entry("bé")));
    for (let length = 0; length < last.length; length += 1) {
      const folder = written(Buffer.concat([Buffer.from(whole), last.subarray(0, length)]));
      const journal = await Journal.open(folder);
      assert.deepEqual([...journal.facts.unloadedModels], ["a"], `${length} bytes`);
      await journal.append(entry("c"));
      assert.equal(textOf(folder), whole + line(entry("c")), `${length} bytes`);
    }
  });

  it("rewrites a damaged file with its whole lines, and keeps a copy of it", async () => {
    const unknown = line({ type: "painted", model: "m" });
    const text = `${line(entry("a"))}gar\0bage\n${unknown}${line(entry("b"))}0123`;
    const folder = written(text);
    const journal = await Journal.open(folder, () => Date.UTC(2026, 10, 25, 16, 30));
    const copy = "journal.bad-20261125T163000.000Z";
    assert.deepEqual(journal.condition, { tornBytes: 4, damage: { lines: 1, bytes: 9 } });
    assert.equal(await journal.mend(), copy);
    assert.equal(await journal.mend(), null);
    await journal.append(entry("c"));
    assert.equal(readFileSync(join(folder, copy), "utf8"), text);
    assert.equal(
      textOf(folder),
      ["a", "b"].map((model) => line(entry(model))).join(unknown) + line(entry("c")),
    );
    assert.deepEqual(readdirSync(folder).sort(), ["journal", copy]);
  });

  it("is mended by the first entry where nobody has it mended before", async () => {
    const folder = written(`bad\n${line(entry("a"))}`);
    await (await Journal.open(folder)).append(entry("b"));
    assert.deepEqual([await unloadedIn(folder), readdirSync(folder).length], [["a", "b"], 2]);
  });

  it("keeps the three newest copies", async () => {
    const folder = written("");
    for (const at of [4, 1, 2, 5, 3]) {
      writeFileSync(join(folder, "journal"), "bad\n");
      await (await Journal.open(folder, () => at)).mend();
    }
    const copies = readdirSync(folder).filter((name) => name !== "journal");
    assert.deepEqual(
      copies.sort().map((name) => name.at(-2)),
      ["3", "4", "5"],
    );
  });

  it("damages nothing more where the copy cannot be written", async () => {
    const text = `bad\n${line(entry("a"))}`;
    const folder = written(text);
    mkdirSync(join(folder, "journal.bad-19700101T000000.000Z"));
    const journal = await Journal.open(folder, () => 0);
    await assert.rejects(journal.append(entry("b")), { code: "EISDIR" });
    assert.equal(textOf(folder), text);
  });

  it("only reads until the first entry, damaged or not", async () => {
    const text = `${line(entry("a"))}0123`;
    const folder = written(text);
    await Journal.open(folder);
    assert.equal(textOf(folder), text);
  });

  const obstacles: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ["a folder", (path) => mkdirSync(path), /journal: it is not a file; make it readable, or move/],
    ["a link", (path) => symlinkSync("/dev/null", path), /journal: it is a symbolic link; /],
    ["a pipe", (path) => spawnSync("mkfifo", [path]), /journal: it is not a file; /],
  ];
  for (const [what, put, message] of obstacles) {
    it(`is not opened where ${what} is in its place`, async () => {
      const folder = freshFolder();
      mkdirSync(folder);
      put(join(folder, "journal"));
      await assert.rejects(Journal.open(folder), { code: "internal", message });
    });
  }

  it("is not opened where this user may not read it", async (test) => {
    if (process.getuid?.() === 0) return test.skip("root may read everything");
    const folder = written(line(entry("a")));
    chmodSync(join(folder, "journal"), 0);
    await assert.rejects(Journal.open(folder), { message: /journal: permission denied; / });
  });

  it("is left to another server that has it", async () => {
    const folder = written(line(entry("a")));
    const journal = await Journal.open(folder);
    journal.checkOurs();
    journal.leaveTo(123);
    const conflict = { code: "conflict", message: /another server \(process 123\)/ };
    assert.throws(() => journal.checkOurs(), conflict);
    await assert.rejects(journal.append(entry("b")), conflict);
    assert.equal(textOf(folder), line(entry("a")));
  });

  it("does not cut off what another server wrote meanwhile", async () => {
    const folder = written(`${line(entry("a"))}0123`);
    const journal = await Journal.open(folder);
    truncateSync(join(folder, "journal"), line(entry("a")).length);
    appendFileSync(join(folder, "journal"), line(entry("another")));
    await journal.append(entry("b"));
    assert.deepEqual(await unloadedIn(folder), ["a", "another", "b"]);
  });

  it("passes over an entry that it does not know, and keeps it", async () => {
    const text = line({ type: "painted", model: "m" }) + line(entry("a"));
    const folder = written(text);
    const journal = await Journal.open(folder);
    await journal.append(entry("b"));
    assert.deepEqual([...journal.facts.unloadedModels], ["a", "b"]);
    assert.equal(textOf(folder), text + line(entry("b")));
  });

  it("is rewritten with what still counts when it has grown long", async () => {
    const many = Array.from({ length: 1_001 }, (_, at) => line(entry(`m${at % 2}`)));
    const folder = written(`${many.join("")}0123`);
    const journal = await Journal.open(folder);
    const before = textOf(folder).length;
    await journal.append({ type: "deleted", model: "m1", version: null });
    const left = [entry("m0"), entry("m1"), { type: "deleted", model: "m1", version: null }];
    assert.ok(before > 1_000);
    assert.equal(textOf(folder), left.map(line).join(""));
    assert.deepEqual(readdirSync(folder), ["journal"]);
  });

  it("is not rewritten at a thousand lines", async () => {
    const text = line(entry("a")).repeat(1_000);
    const folder = written(text);
    await (await Journal.open(folder)).append(entry("b"));
    assert.equal(textOf(folder), text + line(entry("b")));
  });

  it("counts as it was when a rewriting was broken off", async () => {
    const folder = written(line(entry("a")).repeat(1_001));
    writeFileSync(join(folder, "journal.new"), "half a li");
    assert.deepEqual(await unloadedIn(folder), ["a"]);
    await (await Journal.open(folder)).append(entry("b"));
    assert.equal(textOf(folder), line(entry("a")) + line(entry("b")));
  });

  it("is rewritten while it runs, again and again, with all that was to be appended at once", async () => {
    const folder = freshFolder();
    const journal = await Journal.open(folder);
    const most = [];
    for (let round = 0; round < 5; round += 1) {
      const models = Array.from({ length: 600 }, (_, at) => `m${at % 7}`);
      await Promise.all([...models, `kept${round}`].map((model) => journal.append(entry(model))));
      most.push(textOf(folder).split("\n").length);
    }
    assert.ok(Math.max(...most) <= 1_002, String(most));
    const kept = [0, 1, 2, 3, 4].map((round) => `kept${round}`);
    const expected = [...[0, 1, 2, 3, 4, 5, 6].map((at) => `m${at}`), ...kept].sort();
    assert.deepEqual((await unloadedIn(folder)).sort(), expected);
    assert.deepEqual([...journal.facts.unloadedModels].sort(), expected);
    assert.deepEqual(readdirSync(folder), ["journal"]);
  });

  it("is not rewritten where most of it still counts", async () => {
    const text = Array.from({ length: 1_500 }, (_, at) => line(entry(`m${at}`))).join("");
    const folder = written(text);
    await (await Journal.open(folder)).append(entry("m"));
    assert.equal(textOf(folder), text + line(entry("m")));
  });

  it("counts as it was when it was about to be replaced, and as it is after that", async () => {
    const long = line(entry("a")).repeat(1_001);
    const folder = written(long);
    // Killed before the rename: whatever the draft holds, whole or not, it does not count.
    for (const draft of [line(entry("a")), line(entry("b")), ""]) {
      writeFileSync(join(folder, "journal.new"), draft);
      assert.deepEqual(await unloadedIn(folder), ["a"]);
    }
    await (await Journal.open(folder)).append(entry("c"));
    assert.equal(textOf(folder), line(entry("a")) + line(entry("c")));
    assert.deepEqual(readdirSync(folder), ["journal"]);
  });

  it("goes on where it cannot be rewritten", async () => {
    const long = line(entry("a")).repeat(1_001);
    const folder = written(long);
    mkdirSync(join(folder, "journal.new"));
    await (await Journal.open(folder)).append(entry("b"));
    assert.equal(textOf(folder), long + line(entry("b")));
  });

  it("does not follow a link", async () => {
    const folder = freshFolder();
    symlinkSync(base, folder);
    await assert.rejects(Journal.open(folder), { message: /\.troupe is not a folder; / });
    const later = freshFolder();
    const journal = await Journal.open(later);
    symlinkSync(base, later);
    const conflict = { code: "conflict", message: "Cannot store: .troupe is not a folder" };
    await assert.rejects(journal.append(entry("a")), conflict);
    assert.equal(existsSync(join(base, "journal")), false);
  });

  it("says that the disk is full, and goes on when it is not", (test) => {
    const script = `
      import { rmSync, statSync, writeFileSync } from "node:fs";
      import { Journal } from "${new URL("../../supervisor/journal.ts", import.meta.url)}";
      const journal = await Journal.open(process.cwd() + "/.troupe");
      const append = (model) => journal.append({ type: "unloaded", model, version: null })
        .then(() => "stored", (thrown) => thrown.code + ": " + thrown.message);
      const said = [await append("a")];
      try { writeFileSync("filler", Buffer.alloc(2 ** 20)); } catch {}
      said.push(await append("b".repeat(9_000)));
      rmSync("filler");
      said.push(await append("c"));
      const models = [...(await Journal.open(process.cwd() + "/.troupe")).facts.unloadedModels];
      console.log(JSON.stringify({ said, models }));
    `;
    const mount =
      'mount -t tmpfs -o size=64k none "$1" && cd "$1" && exec "$2" --import "$3" --input-type=module -e "$4"';
    const args = [base, process.execPath, import.meta.resolve("tsx"), script];
    const run = spawnSync("/usr/bin/unshare", ["-rm", "sh", "-c", mount, "sh", ...args], {
      encoding: "utf8",
    });
    if (run.status !== 0 && !run.stderr?.includes("Error"))
      return test.skip("needs a mount of its own");
    assert.deepEqual(JSON.parse(run.stdout), {
      said: ["stored", "storage-full: Cannot store: the disk is full", "stored"],
      models: ["a", "c"],
    });
  });
});
