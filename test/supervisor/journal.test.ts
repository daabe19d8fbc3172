import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
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

  const damages: readonly (readonly [string, string])[] = [
    ["another checksum", line(entry("b")).replace("b", "x")],
    ["no checksum", `${JSON.stringify(entry("b"))}\n`],
    ["an empty line", "\n"],
    ["zeros, as after a power cut", `${"\0".repeat(40)}\n`],
    ["a checksum in capitals", line(entry("b")).replace(/^\w+/, (sum) => `${sum.slice(0, 7)}G`)],
  ];
  for (const [name, damaged] of damages) {
    it(`trusts nothing from ${name} on`, async () => {
      const folder = written(line(entry("a")) + damaged + line(entry("c")));
      const journal = await Journal.open(folder);
      assert.deepEqual([...journal.facts.unloadedModels], ["a"]);
      await journal.append(entry("d"));
      assert.equal(textOf(folder), line(entry("a")) + line(entry("d")));
    });
  }

  it("only reads until the first entry, damaged or not", async () => {
    const text = `${line(entry("a"))}torn`;
    const folder = written(text);
    await Journal.open(folder);
    assert.equal(textOf(folder), text);
  });

  it("does not cut off what another server wrote meanwhile", async () => {
    const folder = written(`${line(entry("a"))}torn`);
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
    const folder = written(`${many.join("")}torn`);
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

  it("does not follow a link", async () => {
    const folder = freshFolder();
    symlinkSync(base, folder);
    const journal = await Journal.open(folder);
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
