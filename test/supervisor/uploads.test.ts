import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ModelStore } from "../../supervisor/model-store.ts";
import { Uploads } from "../../supervisor/uploads.ts";

const home = mkdtempSync(join(tmpdir(), "trt-uploads-"));
after(() => rmSync(home, { recursive: true, force: true }));

const door = {};

function setUp(): Uploads {
  return new Uploads(new ModelStore(home));
}

describe("Uploads", () => {
  it("gives each a folder of its own, and takes it away with it", async () => {
    const uploads = setUp();
    const [one, other] = [await uploads.open(door, "r1"), await uploads.open(door, "r1")];
    assert.notEqual(one.folder, other.folder);
    const dropped = { uploadId: one.upload_id, model: null, requestId: "r1" };
    assert.deepEqual(await uploads.drop(one.upload_id), dropped);
    assert.deepEqual([existsSync(one.folder), existsSync(other.folder)], [false, true]);
  });

  it("lets one upload of a model be under way at a time", async () => {
    const uploads = setUp();
    const [one, other] = [await uploads.open(door, "r1"), await uploads.open(door, "r1")];
    uploads.name(one.upload_id, "m");
    assert.throws(() => uploads.name(other.upload_id, "m"), { code: "conflict" });
    uploads.name(one.upload_id, "m");
    await uploads.drop(one.upload_id);
    uploads.name(other.upload_id, "m");
    assert.equal(uploads.modelOf(other.upload_id), "m");
  });

  it("knows the model of one that may not be uploaded", async () => {
    const uploads = setUp();
    const [one, other] = [await uploads.open(door, "r1"), await uploads.open(door, "r2")];
    uploads.name(one.upload_id, "m");
    assert.throws(() => uploads.name(other.upload_id, "m"), { code: "conflict" });
    const dropped = { uploadId: other.upload_id, model: "m", requestId: "r2" };
    assert.deepEqual(await uploads.drop(other.upload_id), dropped);
    uploads.name(one.upload_id, "m");
  });

  it("drops what a front door that is gone has opened, and nothing else", async () => {
    const uploads = setUp();
    const other = {};
    const [one, two] = [await uploads.open(door, "r1"), await uploads.open(other, "r1")];
    uploads.name(one.upload_id, "m");
    const gone = { uploadId: one.upload_id, model: "m", requestId: "r1" };
    assert.deepEqual(await uploads.forget(door), [gone]);
    assert.deepEqual([existsSync(one.folder), existsSync(two.folder)], [false, true]);
    assert.throws(() => uploads.name(one.upload_id, "m"), { code: "conflict" });
  });

  it("keeps what is being installed when its front door goes", async () => {
    const uploads = setUp();
    const { upload_id: id, folder } = await uploads.open(door, "r1");
    uploads.take(id, "m");
    assert.deepEqual(await uploads.forget(door), []);
    assert.equal(await uploads.drop(id), undefined);
    assert.equal(existsSync(folder), true);
    await uploads.end(id);
    assert.equal(existsSync(folder), false);
  });

  it("leaves nothing of one whose front door goes while it is opened", async () => {
    const own = join(home, "own");
    mkdirSync(own);
    const uploads = new Uploads(new ModelStore(own));
    const refused = assert.rejects(uploads.open(door, "r1"), { code: "conflict" });
    await uploads.forget(door);
    await refused;
    const path = join(own, ".troupe", "work");
    const folders = readdirSync(path).map((name) => join(path, name, "uploads"));
    assert.deepEqual(
      folders.map((folder) => readdirSync(folder)),
      [[]],
    );
  });

  it("takes no more than sixteen at a time", async () => {
    const uploads = setUp();
    for (let count = 0; count < 16; count += 1) await uploads.open(door, "r1");
    await assert.rejects(uploads.open(door, "r1"), { code: "overloaded" });
  });
});
