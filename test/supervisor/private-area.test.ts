import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { after, describe, it } from "node:test";
import { PrivateArea } from "../../supervisor/private-area.ts";
import { processStart } from "../../supervisor/process-start.ts";

const base = mkdtempSync("/tmp/area-");
after(() => rmSync(base, { recursive: true, force: true }));

function freshFolder(): string {
  return mkdtempSync(join(base, "models-"));
}

/** A process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

/** What a server of that process calls its folder. */
function ownName(pid: number): string {
  return `${pid}-${processStart(pid)}-abc123`;
}

describe("PrivateArea", () => {
  it("makes its folder when it is needed, named after this process, for this user alone", async () => {
    const models = freshFolder();
    const area = new PrivateArea(models);
    assert.deepEqual(readdirSync(models), []);
    const path = await area.pathOf("uploads", "u1");
    const [name = ""] = readdirSync(join(models, ".troupe", "work"));
    assert.match(name, new RegExp(`^${process.pid}-\\d+-[0-9a-f]{6}$`));
    const own = join(models, ".troupe", "work", name);
    assert.equal(path, join(own, "uploads", "u1"));
    assert.deepEqual(readdirSync(own).sort(), ["staging", "trash", "uploads"]);
    assert.equal(statSync(own).mode & 0o777, 0o700);
  });

  it("is made once, however many ask at once, and gives each its own name", async () => {
    const models = freshFolder();
    const area = new PrivateArea(models);
    const paths = await Promise.all([1, 2, 3].map(() => area.pathOf("staging")));
    assert.equal(new Set(paths).size, 3);
    assert.equal(readdirSync(join(models, ".troupe", "work")).length, 1);
  });

  it("can be made later where it could not be made before", async () => {
    const models = join(freshFolder(), "late");
    const area = new PrivateArea(models);
    await assert.rejects(area.pathOf("uploads", "u"), { code: "ENOENT" });
    mkdirSync(models);
    assert.equal(basename(await area.pathOf("uploads", "u")), "u");
  });

  it("discards a folder with all it holds, and only the link of a link", async () => {
    const models = freshFolder();
    const area = new PrivateArea(models);
    mkdirSync(join(models, "m", "1"), { recursive: true });
    writeFileSync(join(models, "m", "1", "model.onnx"), "");
    symlinkSync(join(models, "m"), join(models, "link"));
    await area.discard(join(models, "link"));
    assert.equal(existsSync(join(models, "m", "1", "model.onnx")), true);
    await area.discard(join(models, "m"));
    assert.deepEqual(readdirSync(models), [".troupe"]);
    assert.deepEqual(readdirSync(join(await area.pathOf("trash", "x"), "..")), []);
  });

  for (const place of [".troupe", join(".troupe", "work")]) {
    it(`does not follow a link at ${place}`, async () => {
      const [models, elsewhere] = [freshFolder(), freshFolder()];
      mkdirSync(join(elsewhere, `${deadPid()}-abc123`));
      if (place !== ".troupe") mkdirSync(join(models, ".troupe"));
      symlinkSync(elsewhere, join(models, place));
      const area = new PrivateArea(models);
      await area.sweep();
      await assert.rejects(area.pathOf("uploads", "u"), { code: "conflict" });
      assert.equal(readdirSync(elsewhere).length, 1);
    });
  }

  const rows: readonly (readonly [string, () => string, boolean])[] = [
    ["sweeps what a dead server left", () => `${deadPid()}-abc123`, false],
    ["sweeps what an older one of its own number left", () => `${process.pid}-abc123`, false],
    ["sweeps what one of a reused number left", () => `${process.ppid}-1-abc123`, false],
    ["keeps what is a living server's", () => ownName(process.ppid), true],
    ["keeps what is a living one's, begun who knows when", () => `${process.ppid}-abc123`, true],
    ["keeps what has another name", () => `${deadPid()}-abc123.bak`, true],
  ];
  for (const [name, nameFolder, kept] of rows) {
    it(name, async () => {
      const models = freshFolder();
      const left = join(models, ".troupe", "work", nameFolder());
      mkdirSync(join(left, "trash", "m"), { recursive: true });
      for (const upload of ["u", "v"])
        mkdirSync(join(left, "uploads", upload), { recursive: true });
      assert.equal(await new PrivateArea(models).sweep(), kept ? 0 : 2);
      assert.equal(existsSync(left), kept);
    });
  }

  it("gives the living that have claimed before it, and not the dead", async () => {
    const models = freshFolder();
    const first = new PrivateArea(models);
    assert.deepEqual(await first.claim(), []);
    const work = join(models, ".troupe", "work");
    const names = [ownName(process.ppid), `${process.ppid}-1-abc123`, `${deadPid()}-2-abc123`];
    for (const name of names) mkdirSync(join(work, name));
    assert.deepEqual(await new PrivateArea(models).claim(), [process.ppid]);
    assert.equal(readdirSync(work).length, 5);
  });

  it("takes all with it that holds nothing else", async () => {
    const models = freshFolder();
    const area = new PrivateArea(models);
    await area.remove();
    await area.claim();
    await area.remove();
    assert.deepEqual(readdirSync(models), []);
    const other = new PrivateArea(models);
    await other.claim();
    writeFileSync(join(models, ".troupe", "journal"), "");
    await other.remove();
    assert.deepEqual(readdirSync(join(models, ".troupe")), ["journal"]);
  });

  it("keeps its own, and creates nothing, when it sweeps", async () => {
    const models = freshFolder();
    const area = new PrivateArea(models);
    await area.sweep();
    assert.deepEqual(readdirSync(models), []);
    const path = await area.pathOf("uploads", "u");
    mkdirSync(path);
    await area.sweep();
    assert.equal(existsSync(path), true);
  });
});
