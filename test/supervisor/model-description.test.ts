import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Descriptions } from "../../supervisor/descriptions.ts";
import { Digests } from "../../supervisor/file-digest.ts";
import { noFacts } from "../../supervisor/journal-facts.ts";
import { describeModel } from "../../supervisor/model-description.ts";
import { FakeClock } from "../fake-clock.ts";
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
  const { file } = put("iris.onnx", 7);
  const beside = [put("iris.csv", 500), put("weights.bin", 40)];
  known.folder = {
    ...known.folder,
    versions: [{ version: "1", file, beside }],
  } as typeof known.folder;
  const digests = new Digests(new FakeClock());
  const journal = { facts: noFacts, append: () => Promise.reject(new Error("read-only")) };
  const descriptions = new Descriptions({ journal, digests });
  const ready = async (externalFiles: readonly string[]) => {
    await descriptions.note({ model: "m", version: "1", file }, { ...metadata, externalFiles });
    forks.child.says({ type: "booted" });
    forks.child.says({ type: "loaded" });
    forks.child.says({ type: "ready", metadata: { ...metadata, externalFiles } });
  };
  const describers = { digests, descriptions };
  const read = () =>
    describeModel(known, { ...describers, view: registry.view(known), change: null });
  return { ...parts, descriptions, ready, read };
}

describe("the size of a model", () => {
  it("is that of its file, where nobody knows what else it needs", async () => {
    const { read } = begin();
    assert.equal((await read())["size_bytes"], 7);
  });

  it("does not count what lies beside it and is not its own", async () => {
    const { read, ready } = begin();
    await ready([]);
    assert.equal((await read())["size_bytes"], 7);
  });

  it("counts the files that it keeps its weights in", async () => {
    const { read, ready } = begin();
    await ready(["weights.bin"]);
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
    await ready([]);
    const ended = life.end();
    await settled();
    forks.child.exits(0);
    await ended;
    assert.deepEqual((await read())["memory"], { rss_bytes: 0, limit_bytes: null });
  });
});

describe("a model that is not loaded", () => {
  it("shows what was found out of it, while its file is the same", async () => {
    const { read, ready, life, forks, known } = begin();
    await ready(["weights.bin"]);
    await settled();
    const ended = life.end();
    await settled();
    forks.child.exits(0);
    await ended;
    assert.deepEqual([(await read())["kind"], (await read())["inputs"]], ["stateless", []]);
    for (const { file } of known.folder.versions) writeFileSync(file, "another one");
    assert.deepEqual([(await read())["kind"], (await read())["inputs"]], [null, null]);
  });
});
