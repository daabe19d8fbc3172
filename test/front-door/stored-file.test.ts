import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { storeFile, translate } from "../../src/front-door/stored-file.ts";

async function setUp(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "troupe-stored-"));
  t.after(() => rm(folder, { recursive: true }));
  return { folder, path: join(folder, "0") };
}

function content(...texts: readonly string[]): Readable {
  return Readable.from(texts.map((text) => Buffer.from(text)));
}

const ignore = () => undefined;

describe("A file of an upload", () => {
  it("is stored for its owner alone, counted and digested", async (t) => {
    const { path } = await setUp(t);
    const counts: number[] = [];
    const stored = await storeFile(path, content("ab", "c"), (bytes) => counts.push(bytes));
    const digest = createHash("sha256").update("abc").digest("hex");
    assert.deepEqual(stored, { bytes: 3, digest });
    assert.deepEqual([counts, await readFile(path, "utf8")], [[2, 1], "abc"]);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  it("may be empty", async (t) => {
    const { path } = await setUp(t);
    assert.equal((await storeFile(path, content(), ignore)).bytes, 0);
  });

  it("replaces nothing", async (t) => {
    const { path } = await setUp(t);
    await writeFile(path, "old");
    await assert.rejects(storeFile(path, content("new"), ignore), { code: "EEXIST" });
    assert.equal(await readFile(path, "utf8"), "old");
  });

  it("follows no link", async (t) => {
    const { folder, path } = await setUp(t);
    await symlink(join(folder, "elsewhere"), path);
    await assert.rejects(storeFile(path, content("new"), ignore));
    await assert.rejects(stat(join(folder, "elsewhere")), { code: "ENOENT" });
  });

  it("fails with what it comes from", async (t) => {
    const { path } = await setUp(t);
    const broken = new Readable({ read: () => undefined });
    broken.on("error", ignore);
    const stored = storeFile(path, broken, ignore);
    broken.destroy(new Error("gone"));
    await assert.rejects(stored, { message: "gone" });
  });

  for (const code of ["ENOSPC", "EDQUOT"]) {
    it(`finds no room: ${code}`, () => {
      const thrown = translate(Object.assign(new Error("x"), { code }));
      assert.equal((thrown as { readonly code?: string }).code, "storage-full");
    });
  }

  it("keeps other failures as they are", () => {
    const thrown = Object.assign(new Error("x"), { code: "EIO" });
    assert.equal(translate(thrown), thrown);
  });
});
