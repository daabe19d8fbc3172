import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Digests } from "../../supervisor/file-digest.ts";
import { FakeClock } from "../fake-clock.ts";

const base = mkdtempSync("/tmp/digest-");
after(() => rmSync(base, { recursive: true, force: true }));

function put(name: string, content: string | Buffer): string {
  const path = join(base, name);
  writeFileSync(path, content);
  return path;
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Other content that a look at the file does not tell from the one before. */
function swapUnseen(path: string, content: string): void {
  const { atime, mtime } = statSync(path);
  writeFileSync(path, content);
  utimesSync(path, atime, mtime);
}

describe("Digests", () => {
  const contents = {
    empty: "",
    small: "a model",
    "larger than a chunk": Buffer.alloc(2_500_000, 7),
  };
  for (const [name, content] of Object.entries(contents)) {
    it(`hashes a file that is ${name}`, async () => {
      assert.equal(
        await new Digests(new FakeClock()).of(put("model.onnx", content)),
        sha256(content),
      );
    });
  }

  it("does not read a file again that looks the same", async () => {
    const digests = new Digests(new FakeClock());
    const path = put("same", "before");
    utimesSync(path, 1, 1);
    await digests.of(path);
    swapUnseen(path, "after!");
    assert.equal(await digests.of(path), sha256("before"));
  });

  it("reads a file again that has another time or size", async () => {
    const digests = new Digests(new FakeClock());
    const path = put("other", "before");
    utimesSync(path, 1, 1);
    await digests.of(path);
    put("other", "after!");
    utimesSync(path, 2, 2);
    assert.equal(await digests.of(path), sha256("after!"));
    swapUnseen(path, "longer");
    swapUnseen(path, "even longer");
    assert.equal(await digests.of(path), sha256("even longer"));
  });

  it("answers all who ask at once", async () => {
    const digests = new Digests(new FakeClock());
    const paths = [put("a", "a"), put("b", "b"), put("a", "a")];
    const answers = await Promise.all(paths.map((path) => digests.of(path)));
    assert.deepEqual(answers, ["a", "b", "a"].map(sha256));
  });

  it("fails where there is no file, and works on", async () => {
    const digests = new Digests(new FakeClock());
    await assert.rejects(digests.of(join(base, "none")), { code: "ENOENT" });
    assert.equal(await digests.of(put("c", "c")), sha256("c"));
  });

  it("knows a file again that was moved", async () => {
    const digests = new Digests(new FakeClock());
    const path = put("staged", "before");
    utimesSync(path, 1, 1);
    await digests.of(path);
    const moved = join(base, "placed");
    renameSync(path, moved);
    swapUnseen(moved, "after!");
    assert.equal(await digests.of(moved), sha256("before"));
  });

  it("says null in a moment of a file that is being read, and soon what it holds", async () => {
    const clock = new FakeClock();
    const digests = new Digests(clock);
    const content = Buffer.alloc(20_000_000, 7);
    const [large, small] = [put("large", content), put("late", "late")];
    const [first, second] = [digests.soon(large), digests.soon(small)];
    clock.advance(250);
    assert.deepEqual([await first, await second], [null, null]);
    assert.equal(await digests.inTime(large), sha256(content));
    assert.equal(await digests.soon(large), sha256(content));
    assert.equal(await digests.soon(join(base, "none")), null);
    assert.equal(clock.armed, 0);
  });

  it("lets no file wait that is known already", async () => {
    const clock = new FakeClock();
    const digests = new Digests(clock);
    const known = put("known", "known");
    await digests.of(known);
    const large = digests.inTime(put("larger", Buffer.alloc(20_000_000, 8)));
    assert.equal(await digests.soon(known), sha256("known"));
    await large;
  });
});
