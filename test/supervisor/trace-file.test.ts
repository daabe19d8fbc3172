import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { checkTraceFile, TraceFiles } from "../../supervisor/trace-file.ts";

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-traces-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("A trace file", () => {
  it("has a plain name, and a folder that the operator allows", () => {
    for (const name of ["", "t", "t.jsonl"]) checkTraceFile(name, "/traces");
    for (const name of [
      "..",
      ".t",
      "a/b",
      "/t",
      "../t",
      "a\\b",
      "a\0",
      "x".repeat(201),
      "é".repeat(101),
    ]) {
      assert.throws(() => checkTraceFile(name, "/traces"), { code: "invalid-request" }, name);
    }
    checkTraceFile("", "");
    assert.throws(() => checkTraceFile("t", ""), /--trace-folder/);
  });

  it("gets its lines in order, so many to each part", async (t) => {
    const folder = folderFor(t);
    const failed: unknown[] = [];
    const files = new TraceFiles(folder, (thrown) => failed.push(thrown));
    for (const line of ["1\n", "2\n", "3\n"]) {
      files.append("parts", 2, line);
      files.append("whole", 0, line);
    }
    await files.settled;
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    assert.deepEqual(["parts.0", "parts.1", "whole"].map(read), ["1\n2\n", "3\n", "1\n2\n3\n"]);
    assert.deepEqual(failed, []);
  });

  it("leaves lines out where the disk does not keep up", async (t) => {
    const folder = folderFor(t);
    const files = new TraceFiles(folder, assert.ifError);
    for (let line = 0; line < 4_100; line += 1) files.append("t", 0, "1\n");
    await files.settled;
    files.append("t", 0, "2\n");
    await files.settled;
    const lines = readFileSync(join(folder, "t"), "utf8").trimEnd().split("\n");
    assert.deepEqual([lines.length, lines.at(-1)], [4_097, "2"]);
  });

  it("is never what a link points to, and the next line is tried again", async (t) => {
    const folder = folderFor(t);
    symlinkSync(join(folder, "target"), join(folder, "link"));
    const failed: unknown[] = [];
    const files = new TraceFiles(folder, (thrown) => failed.push(thrown));
    files.append("link", 0, "1\n");
    files.append("other", 0, "2\n");
    await files.settled;
    assert.equal(failed.length, 1);
    for (const line of ["3\n", "4\n"]) files.append("link", 0, line);
    await files.settled;
    assert.equal(failed.length, 2, "once for those that follow each other");
    assert.deepEqual(
      [existsSync(join(folder, "target")), existsSync(join(folder, "other"))],
      [false, true],
    );
  });
});
