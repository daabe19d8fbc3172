import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Digests } from "../../supervisor/file-digest.ts";
import { describeModel } from "../../supervisor/model-description.ts";
import { planFor, settled, startLife } from "./life-parts.ts";
import { metadata } from "./metadata.ts";

const folder = mkdtempSync("/tmp/description-");
after(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, bytes: number) {
  const file = join(folder, name);
  writeFileSync(file, Buffer.alloc(bytes));
  return { name, file };
}

/** A model whose files lie flat beside others, and how it is described. */
function begin() {
  const parts = startLife(planFor({}, "1"), ["1"]);
  const { known, forks, registry } = parts;
  const beside = [put("iris.csv", 500), put("weights.bin", 40)];
  known.folder = {
    ...known.folder,
    versions: [{ version: "1", file: put("iris.onnx", 7).file, beside }],
  } as typeof known.folder;
  const digests = new Digests();
  const ready = (externalFiles: readonly string[]) => {
    forks.child.says({ type: "booted" });
    forks.child.says({ type: "loaded" });
    forks.child.says({ type: "ready", metadata: { ...metadata, externalFiles } });
  };
  const read = () => describeModel(known, { digests, view: registry.view(known), change: null });
  return { ...parts, ready, read };
}

describe("the size of a model", () => {
  it("is that of its file, where nobody knows what else it needs", async () => {
    const { read } = begin();
    assert.equal((await read())["size_bytes"], 7);
  });

  it("does not count what lies beside it and is not its own", async () => {
    const { read, ready } = begin();
    ready([]);
    assert.equal((await read())["size_bytes"], 7);
  });

  it("counts the files that it keeps its weights in", async () => {
    const { read, ready } = begin();
    ready(["weights.bin"]);
    assert.equal((await read())["size_bytes"], 47);
  });
});

describe("the memory of a model", () => {
  it("is unknown before anybody has seen it", async () => {
    const { read, rss } = begin();
    const before = await read();
    rss.set(1, 4_096);
    const memories = [before, await read()].map((json) => json["memory"]);
    assert.deepEqual(memories, [
      { rss_bytes: null, limit_bytes: null },
      { rss_bytes: 4_096, limit_bytes: null },
    ]);
  });

  it("is none where nothing of it runs", async () => {
    const { read, ready, life, forks } = begin();
    ready([]);
    const ended = life.end();
    await settled();
    forks.child.exits(0);
    await ended;
    assert.deepEqual((await read())["memory"], { rss_bytes: 0, limit_bytes: null });
  });
});
