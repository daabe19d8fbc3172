import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { differenceOf, type FolderLook, judgeLook, lookAt } from "../../supervisor/folder-look.ts";

const base = mkdtempSync("/tmp/look-");
after(() => rmSync(base, { recursive: true, force: true }));

function put(path: string, content = ""): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, 1, 1);
}

function freshFolder(): string {
  const models = mkdtempSync(join(base, "models-"));
  for (const path of ["m/1/model.onnx", "m/model.yaml", "n/model.onnx"]) put(join(models, path));
  return models;
}

describe("lookAt", () => {
  it("knows folders and links as models, and neither loose files nor hidden folders", async () => {
    const models = freshFolder();
    put(join(models, "loose.onnx"));
    put(join(models, ".troupe", "journal"));
    symlinkSync("m", join(models, "link"));
    assert.deepEqual([...(await lookAt(models)).keys()], ["link", "m", "n"]);
  });

  it("sees when SchwiftServe's file changes, or the model's that it names", async () => {
    const models = freshFolder();
    const write = (more: string) =>
      put(
        join(models, "s.yaml"),
        `model:\n  name: swift\n  model_args: { model_file: net.onnx }\n${more}`,
      );
    put(join(models, "net.onnx"));
    write("");
    const looks = [(await lookAt(models)).get("swift")];
    appendFileSync(join(models, "net.onnx"), "x");
    looks.push((await lookAt(models)).get("swift"));
    write("  wrong: 1\n");
    looks.push((await lookAt(models)).get("swift"));
    rmSync(join(models, "s.yaml"));
    looks.push((await lookAt(models)).get("swift"));
    assert.equal(new Set(looks).size, 4);
    assert.equal(looks[3], undefined);
  });

  const seen: readonly (readonly [string, (model: string) => void])[] = [
    ["a file that grew", (at) => appendFileSync(join(at, "1/model.onnx"), "x")],
    ["a file of another time", (at) => utimesSync(join(at, "1/model.onnx"), 2, 2)],
    [
      "a file that was replaced",
      (at) => {
        put(join(at, "..", "new"));
        renameSync(join(at, "..", "new"), join(at, "model.yaml"));
      },
    ],
    ["a new file", (at) => put(join(at, "1/weights"))],
    ["a new folder", (at) => mkdirSync(join(at, "2"))],
    ["a file that is gone", (at) => rmSync(join(at, "model.yaml"))],
    ["a file that moved", (at) => renameSync(join(at, "model.yaml"), join(at, "other.yaml"))],
    [
      "a link in the place of a file",
      (at) => {
        rmSync(join(at, "model.yaml"));
        symlinkSync("1/model.onnx", join(at, "model.yaml"));
      },
    ],
    [
      "a link in the place of the model",
      (at) => {
        renameSync(at, `${at}2`);
        symlinkSync(`${at}2`, at);
      },
    ],
  ];
  for (const [name, change] of seen) {
    it(`sees ${name}, and only that model's`, async () => {
      const models = freshFolder();
      const before = await lookAt(models);
      change(join(models, "m"));
      const current = await lookAt(models);
      assert.notEqual(current.get("m"), before.get("m"));
      assert.equal(current.get("n"), before.get("n"));
    });
  }

  const unseen: readonly (readonly [string, (model: string) => void])[] = [
    ["nothing", () => undefined],
    ["a hidden file", (at) => put(join(at, ".model.yaml.swp"))],
    ["a hidden file of a version", (at) => put(join(at, "1/.part"))],
    ["what lies deeper", (at) => put(join(at, "1/docs/readme"))],
  ];
  for (const [name, change] of unseen) {
    it(`does not mind ${name}`, async () => {
      const models = freshFolder();
      mkdirSync(join(models, "m/1/docs"));
      const before = await lookAt(models);
      change(join(models, "m"));
      assert.deepEqual(await lookAt(models), before);
    });
  }

  it("does not take names for one another that hold line ends", async () => {
    const models = freshFolder();
    put(join(models, "m", "a\nb"));
    const one = (await lookAt(models)).get("m") ?? "";
    assert.equal(one.split("\n").length, 5);
  });

  it("says of a model that cannot be read no more than that", async (test) => {
    if (process.getuid?.() === 0) return test.skip("root reads everything");
    const models = freshFolder();
    chmodSync(join(models, "m", "1"), 0);
    const look = await lookAt(models);
    chmodSync(join(models, "m", "1"), 0o700);
    assert.match(look.get("m") ?? "", /EACCES/);
  });

  it("fails where there is no folder, rather than to see none of the models", async () => {
    await assert.rejects(lookAt(join(base, "none")), { code: "ENOENT" });
  });
});

interface Row {
  readonly name: string;
  readonly previous: FolderLook | undefined;
  readonly settled: FolderLook;
  readonly current: FolderLook;
  readonly changed?: readonly string[];
  readonly removed?: readonly string[];
  /** As settled before, where it is left out. */
  readonly after?: FolderLook;
}

function look(models: Readonly<Record<string, string>>): FolderLook {
  return new Map(Object.entries(models));
}

const [none, old, next] = [look({}), look({ m: "1" }), look({ m: "2" })];

describe("judgeLook", () => {
  const rows: readonly Row[] = [
    { name: "nothing, where all is the same", previous: old, settled: old, current: old },
    { name: "nothing at the first look", previous: undefined, settled: none, current: old },
    { name: "nothing while it changes", previous: old, settled: old, current: next },
    {
      name: "nothing while it goes on changing",
      previous: look({ m: "x" }),
      settled: old,
      current: next,
    },
    {
      name: "a change that came to rest",
      previous: next,
      settled: old,
      current: next,
      changed: ["m"],
      after: next,
    },
    { name: "nothing when it is as it was", previous: next, settled: old, current: old },
    { name: "nothing of a new model at first", previous: none, settled: none, current: old },
    {
      name: "a new model that came to rest",
      previous: old,
      settled: none,
      current: old,
      changed: ["m"],
      after: old,
    },
    { name: "nothing when a model is missing once", previous: old, settled: old, current: none },
    {
      name: "a removed model, when it is missing twice",
      previous: none,
      settled: old,
      current: none,
      removed: ["m"],
      after: none,
    },
    { name: "nothing when a model is back", previous: none, settled: old, current: old },
    { name: "nothing of a model that came and went", previous: next, settled: none, current: none },
    {
      name: "each model for itself",
      previous: look({ a: "2", b: "1", c: "2", e: "1" }),
      settled: look({ a: "1", b: "1", c: "1", d: "1" }),
      current: look({ a: "2", b: "2", c: "1", e: "1" }),
      changed: ["a", "e"],
      removed: ["d"],
      after: look({ a: "2", b: "1", c: "1", e: "1" }),
    },
  ];
  for (const {
    name,
    previous,
    settled,
    current,
    changed = [],
    removed = [],
    after: then,
  } of rows) {
    it(`sees ${name}`, () => {
      const verdict = judgeLook(previous, settled, current);
      assert.deepEqual(verdict, { changed, removed, settled: then ?? settled });
    });
  }
});

describe("differenceOf", () => {
  const rows: readonly (readonly [string, (model: string) => void, string])[] = [
    ["is new", (at) => put(join(at, "2/model.onnx")), "2/model.onnx added"],
    [
      "is another one",
      (at) => appendFileSync(join(at, "1/model.onnx"), "x"),
      "1/model.onnx changed",
    ],
    ["is gone", (at) => rmSync(join(at, "model.yaml")), "model.yaml removed"],
    ["is only a folder", (at) => mkdirSync(join(at, "2")), "its folders changed"],
    [
      "is one of many",
      (at) => {
        for (const name of ["2", "10", "3", "4", "5", "6"]) put(join(at, name, "m.onnx"));
      },
      "2/m.onnx added, 3/m.onnx added, 4/m.onnx added, 5/m.onnx added, 6/m.onnx added, and 1 more",
    ],
  ];
  for (const [what, act, words] of rows) {
    it(`names what ${what}`, async () => {
      const models = freshFolder();
      const before = (await lookAt(models)).get("m");
      act(join(models, "m"));
      assert.equal(differenceOf("m", before, (await lookAt(models)).get("m")), words);
    });
  }

  it("says that a model has come or gone", () => {
    assert.equal(differenceOf("m", undefined, "x"), "its folder is there");
    assert.equal(differenceOf("m", "", "x"), "its folder is there");
    assert.equal(differenceOf("m", "x", undefined), "its folder is gone");
  });
});
