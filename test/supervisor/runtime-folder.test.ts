import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { createRuntimeFolder } from "../../supervisor/runtime-folder.ts";

const original = process.env["TMPDIR"];
const base = mkdtempSync("/tmp/rt-");

beforeEach(() => {
  process.env["TMPDIR"] = base;
});

afterEach(() => {
  if (original === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = original;
});

after(() => rmSync(base, { recursive: true, force: true }));

/** A process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

function leave(name: string): string {
  mkdirSync(join(base, name));
  writeFileSync(join(base, name, "1-1.sock"), "");
  return name;
}

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

describe("createRuntimeFolder", () => {
  it("makes a private folder that names this process, with an empty one inside", () => {
    const { path, emptyFolder } = createRuntimeFolder();
    assert.ok(path.startsWith(join(base, `troupe-${process.pid}-`)));
    assert.deepEqual([mode(path), mode(emptyFolder)], [0o700, 0o500]);
    assert.deepEqual([readdirSync(path), readdirSync(emptyFolder)], [["empty"], []]);
  });

  it("removes all of it in the end", () => {
    const { path, remove } = createRuntimeFolder();
    writeFileSync(join(path, "1-1.sock"), "");
    remove();
    remove();
    assert.equal(existsSync(path), false);
  });

  const rows: readonly (readonly [string, () => string, boolean])[] = [
    ["sweeps what a dead process left", () => `troupe-${deadPid()}-abcDEF`, false],
    [
      "sweeps what an older process of its own number left, as containers count from 1",
      () => `troupe-${process.pid}-abcDEF`,
      false,
    ],
    ["keeps the folder of a process that lives", () => `troupe-${process.ppid}-abcDEF`, true],
    ["keeps the folder of another user's process", () => "troupe-1-abcDEF", true],
    ["keeps what only looks like one of ours", () => `troupe-${deadPid()}-abcDEF.bak`, true],
    ["keeps what has no number", () => "troupe-x-abcDEF", true],
  ];
  for (const [name, nameFolder, kept] of rows) {
    it(name, () => {
      const left = leave(nameFolder());
      createRuntimeFolder();
      assert.equal(readdirSync(base).includes(left), kept);
    });
  }

  it("does not put sockets where their paths would be too long", () => {
    const deep = join(base, "x".repeat(80));
    mkdirSync(deep);
    process.env["TMPDIR"] = deep;
    const { path, remove } = createRuntimeFolder();
    remove();
    assert.equal(tmpdir(), deep);
    assert.ok(path.startsWith("/tmp/troupe-"));
  });

  it("leaves room for the longest name of a socket", () => {
    const { path } = createRuntimeFolder();
    assert.ok(join(path, "1000000-1000000000.sock").length <= 107);
  });
});
