import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { after, describe, it } from "node:test";
import type { UploadedFile } from "../../src/protocol/questions.ts";
import { ModelStore } from "../../supervisor/model-store.ts";

const base = mkdtempSync("/tmp/store-");
after(() => rmSync(base, { recursive: true, force: true }));

/** A models folder with these files. */
function freshFolder(files: Readonly<Record<string, string>> = {}): string {
  const models = mkdtempSync(join(base, "models-"));
  for (const [path, content] of Object.entries(files)) put(join(models, path), content);
  return models;
}

function put(path: string, content = ""): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** All files but those of Troupe itself, with their content. */
function filesOf(folder: string, root = folder): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => name !== ".troupe")
      .flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return Object.entries(filesOf(path, root));
        return [[relative(root, path), readFileSync(path, "utf8")]];
      }),
  );
}

function uploaded(folder: string, name: string, stored = name): UploadedFile {
  const path = join(folder, stored);
  put(path, `content of ${name}`);
  return { name, path, bytes: 1, digest: "" };
}

async function staged(store: ModelStore, id = "u", names = ["net.onnx", "weights.bin"]) {
  const folder = await store.openUpload(id);
  return store.stage(
    id,
    names.map((name, at) => uploaded(folder, name, String(at))),
  );
}

const given = { "1/model.onnx": "content of net.onnx", "1/weights.bin": "content of weights.bin" };

function under(model: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [`${model}/${path}`, text]),
  );
}

function stored(models: string, model: string, path: string, external: readonly string[] = []) {
  const version = dirname(path) === "." ? "1" : dirname(path);
  return { version, file: join(models, model, path), external };
}

describe("ModelStore: uploads", () => {
  it("opens a folder for this user alone, and drops it with what it holds", async () => {
    const store = new ModelStore(freshFolder());
    const path = await store.openUpload("u");
    assert.equal(statSync(path).mode & 0o777, 0o700);
    uploaded(path, "model.onnx");
    await store.dropUpload("u");
    await store.dropUpload("u");
    assert.equal(existsSync(path), false);
  });

  it("stages the .onnx file as model.onnx and the others under their names", async () => {
    const { file, beside } = await staged(new ModelStore(freshFolder()));
    const folder = dirname(file);
    assert.deepEqual(filesOf(folder), {
      "model.onnx": "content of net.onnx",
      "weights.bin": "content of weights.bin",
    });
    assert.equal(file, join(folder, "model.onnx"));
    assert.deepEqual(beside, [{ name: "weights.bin", file: join(folder, "weights.bin") }]);
  });

  const refused: readonly (readonly [string, readonly string[]])[] = [
    ["no .onnx file", ["weights.bin"]],
    ["two .onnx files", ["a.onnx", "b.onnx"]],
    ["two files of one name", ["a.onnx", "w", "w"]],
    ["a name that leads out", ["a.onnx", "../w"]],
    ["a name with a folder", ["a.onnx", "data/w"]],
    ["a hidden name", ["a.onnx", ".w"]],
    ["a name with a zero", ["a.onnx", "w\0"]],
    ["an empty name", ["a.onnx", ""]],
  ];
  for (const [name, names] of refused) {
    it(`refuses ${name}`, async () => {
      const store = new ModelStore(freshFolder());
      await assert.rejects(staged(store, "u", [...names]), { code: "invalid-request" });
    });
  }

  it("refuses a file outside of the upload's folder, and a link in it", async () => {
    const models = freshFolder({ "m/1/model.onnx": "theirs" });
    const store = new ModelStore(models);
    const folder = await store.openUpload("u");
    const path = join(models, "m", "1", "model.onnx");
    symlinkSync(path, join(folder, "0"));
    const file = { name: "a.onnx", bytes: 1, digest: "" };
    await assert.rejects(store.stage("u", [{ ...file, path }]), { code: "invalid-request" });
    rmSync(join(folder, "version"), { recursive: true });
    const link = { ...file, path: join(folder, "0") };
    await assert.rejects(store.stage("u", [link]), { code: "invalid-request" });
    assert.deepEqual(filesOf(models), { "m/1/model.onnx": "theirs" });
  });

  for (const id of ["", "..", "a/b", ".x", "/etc"]) {
    it(`has no upload called '${id}'`, async () => {
      const models = freshFolder();
      const store = new ModelStore(models);
      await assert.rejects(store.openUpload(id), { code: "invalid-request" });
      await assert.rejects(store.dropUpload(id), { code: "invalid-request" });
    });
  }
});

describe("ModelStore: install", () => {
  it("makes a new model at once, with its configuration", async () => {
    const models = freshFolder();
    const store = new ModelStore(models);
    await staged(store);
    await store.install({ id: "u", model: "m", version: "1", config: "a: 1\n", before: "" });
    assert.deepEqual(filesOf(models), under("m", { ...given, "model.yaml": "a: 1\n" }));
    await store.dropUpload("u");
  });

  it("makes one without where none is given", async () => {
    const models = freshFolder();
    const store = new ModelStore(models);
    await staged(store);
    await store.install({ id: "u", model: "m", version: "1", config: null, before: "" });
    assert.deepEqual(filesOf(models), under("m", given));
  });

  const before = { "m/0/model.onnx": "old", "m/model.yaml": "old" };
  for (const config of [null, "new"]) {
    it(`adds a version, ${config === null ? "leaving" : "replacing"} the configuration`, async () => {
      const models = freshFolder(before);
      const store = new ModelStore(models);
      await staged(store);
      await store.install({ id: "u", model: "m", version: "1", config, before: "old" });
      const yaml = { "m/model.yaml": config ?? "old" };
      assert.deepEqual(filesOf(models), { ...before, ...under("m", given), ...yaml });
    });
  }

  it("replaces no configuration that is another one by now", async () => {
    const models = freshFolder(before);
    const store = new ModelStore(models);
    await staged(store);
    const installation = { id: "u", model: "m", version: "1", config: "new", before: "older" };
    await assert.rejects(store.install(installation), { code: "conflict" });
    assert.deepEqual(filesOf(models), before);
  });

  const conflicts: readonly (readonly [string, (models: string) => void, string])[] = [
    ["a version", (at) => put(join(at, "m/1/x")), "model 'm' has a version '1' already"],
    [
      "an empty folder of a version",
      (at) => mkdirSync(join(at, "m/1"), { recursive: true }),
      "model 'm' has a version '1' already",
    ],
    [
      "a file called like the version",
      (at) => put(join(at, "m/1")),
      "model 'm' has a version '1' already",
    ],
    [
      "a model that is a link",
      (at) => symlinkSync(base, join(at, "m")),
      "model 'm' is a symbolic link",
    ],
    [
      "a link that leads nowhere",
      (at) => symlinkSync("none", join(at, "m")),
      "model 'm' is a symbolic link",
    ],
    ["a file called like the model", (at) => put(join(at, "m")), "model 'm' is not a folder"],
  ];
  for (const [name, prepare, message] of conflicts) {
    it(`replaces nothing: ${name}`, async () => {
      const models = freshFolder();
      prepare(models);
      const store = new ModelStore(models);
      await staged(store);
      const installation = { id: "u", model: "m", version: "1", config: "a", before: "" };
      await assert.rejects(store.install(installation), { code: "conflict", message });
      assert.equal(existsSync(join(models, "m", "model.yaml")), false);
    });
  }

  for (const name of ["", "..", "a/b", ".troupe", "x".repeat(65)]) {
    it(`does not take '${name}' for a name`, async () => {
      const models = freshFolder();
      const store = new ModelStore(models);
      await staged(store);
      const installation = { id: "u", model: "m", version: "1", config: null, before: "" };
      const invalid = { code: "invalid-request" };
      await assert.rejects(store.install({ ...installation, model: name }), invalid);
      await assert.rejects(store.install({ ...installation, version: name }), invalid);
      assert.deepEqual(filesOf(models), {});
    });
  }
});

for (const version of ["x.onnx", "model.yaml"]) {
  it(`ModelStore installs no version ${version}, as nobody would look into it`, async () => {
    const store = new ModelStore(freshFolder({ "m/1/model.onnx": "" }));
    await staged(store);
    const installation = { id: "u", model: "m", version, config: null, before: "" };
    await assert.rejects(store.install(installation), { code: "invalid-request" });
  });
}

describe("ModelStore: removal", () => {
  const two = { "m/1/model.onnx": "", "m/1/w": "", "m/2/model.onnx": "", "m/model.yaml": "" };

  it("takes one version of several", async () => {
    const models = freshFolder(two);
    await new ModelStore(models).removeVersion("m", stored(models, "m", "1/model.onnx", ["w"]));
    assert.deepEqual(filesOf(models), { "m/2/model.onnx": "", "m/model.yaml": "" });
    assert.equal(existsSync(join(models, "m", "1")), false);
  });

  const last: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ["in a folder", { "m/1/model.onnx": "", "m/model.yaml": "", "m/docs/x": "" }, "1/model.onnx"],
    ["without a folder", { "m/net.onnx": "", "m/w": "", "m/model.yaml": "" }, "net.onnx"],
  ];
  for (const [name, files, path] of last) {
    it(`takes the whole model with its last version ${name}`, async () => {
      const models = freshFolder(files);
      await new ModelStore(models).removeVersion("m", stored(models, "m", path, ["w"]));
      assert.deepEqual(readdirSync(models), [".troupe"]);
    });
  }

  it("takes the model's files where others stand beside them", async () => {
    const files = { "m/model.onnx": "", "m/w": "", "m/other.onnx": "", "m/model.yaml": "" };
    const models = freshFolder(files);
    await new ModelStore(models).removeVersion(
      "m",
      stored(models, "m", "model.onnx", ["w", "gone"]),
    );
    assert.deepEqual(filesOf(models), { "m/other.onnx": "", "m/model.yaml": "" });
  });

  it("leaves what is not the model's, beside it or elsewhere", async () => {
    const files = {
      "m/net.onnx": "",
      "m/w": "",
      "m/data.csv": "",
      "m/2/model.onnx": "",
      "n/x": "",
    };
    const models = freshFolder(files);
    const version = stored(models, "m", "net.onnx", ["w", "../n/x", "/etc/hostname"]);
    await new ModelStore(models).removeVersion("m", version);
    assert.deepEqual(filesOf(models), { "m/data.csv": "", "m/2/model.onnx": "", "n/x": "" });
  });

  it("takes back what was installed, and nothing beside it", async () => {
    const models = freshFolder({ ...two, "m/3/model.onnx": "", "n/1/model.onnx": "" });
    const store = new ModelStore(models);
    await store.takeBack("m", "3", "version");
    assert.deepEqual(filesOf(models), { ...two, "n/1/model.onnx": "" });
    await store.takeBack("n", "1", "model");
    assert.equal(existsSync(join(models, "n")), false);
    await store.takeBack("m", "2", "model");
    assert.deepEqual(Object.keys(filesOf(models)), ["m/1/model.onnx", "m/1/w", "m/model.yaml"]);
  });

  it("takes a whole model, and does not mind where there is none", async () => {
    const models = freshFolder({ ...two, "n/model.onnx": "" });
    const store = new ModelStore(models);
    await store.removeModel("m");
    await store.removeModel("m");
    assert.deepEqual(filesOf(models), { "n/model.onnx": "" });
  });

  it("does not take what a link leads to", async () => {
    const models = freshFolder({ "m/1/model.onnx": "" });
    symlinkSync(join(models, "m"), join(models, "link"));
    const store = new ModelStore(models);
    await assert.rejects(store.removeModel("link"), { code: "conflict" });
    const version = stored(models, "link", "1/model.onnx");
    await assert.rejects(store.removeVersion("link", version), { code: "conflict" });
    assert.equal(existsSync(join(models, "m", "1", "model.onnx")), true);
  });

  it("leaves no trash", async () => {
    const models = freshFolder(two);
    await new ModelStore(models).removeModel("m");
    const work = join(models, ".troupe", "work");
    assert.deepEqual(filesOf(work), {});
  });
});

describe("ModelStore: sweep", () => {
  const begun = { model: "m", version: "1", config: "new", before: "old" };

  it("creates nothing where there is nothing to do", async () => {
    const models = freshFolder();
    assert.deepEqual((await new ModelStore(models).sweep([begun])).finished, []);
    assert.deepEqual(readdirSync(models), []);
  });

  /** What is there when a server is killed after each step of an installation. */
  const steps: readonly (readonly [string, Readonly<Record<string, string>>, boolean])[] = [
    ["before the rename, of a new model", {}, false],
    ["before the rename, of an old one", { "m/0/model.onnx": "", "m/model.yaml": "old" }, false],
    ["between both renames", { "m/1/model.onnx": "", "m/model.yaml": "old" }, true],
    ["after both", { "m/1/model.onnx": "", "m/model.yaml": "new" }, true],
  ];
  for (const [name, files, isThere] of steps) {
    it(`goes on after a kill ${name}`, async () => {
      const models = freshFolder(files);
      const dead = spawnSync(process.execPath, ["--version"]).pid;
      const left = join(models, ".troupe", "work", `${dead}-abc123`);
      put(join(left, "uploads", "u", "version", "model.onnx"));
      put(join(left, "staging", "abc123"), "new");
      const { finished } = await new ModelStore(models).sweep([begun]);
      assert.deepEqual(finished, isThere ? [begun] : []);
      assert.deepEqual(filesOf(models), isThere ? { ...files, "m/model.yaml": "new" } : files);
      assert.equal(existsSync(left), false);
    });
  }

  it("writes a configuration where there was none before", async () => {
    const models = freshFolder({ "m/1/model.onnx": "" });
    await new ModelStore(models).sweep([{ ...begun, before: "" }]);
    assert.deepEqual(filesOf(models), { "m/1/model.onnx": "", "m/model.yaml": "new" });
  });

  it("leaves a configuration that somebody has edited since", async () => {
    const files = { "m/1/model.onnx": "", "m/model.yaml": "by hand" };
    const models = freshFolder(files);
    assert.deepEqual((await new ModelStore(models).sweep([begun])).finished, [begun]);
    assert.deepEqual(filesOf(models), files);
  });

  it("leaves the configuration of one that brought none", async () => {
    const files = { "m/1/model.onnx": "", "m/model.yaml": "old" };
    const models = freshFolder(files);
    const one = { ...begun, config: null };
    assert.deepEqual((await new ModelStore(models).sweep([one])).finished, [one]);
    assert.deepEqual(filesOf(models), files);
  });

  it("finishes nothing under names that are none", async () => {
    const models = freshFolder({ "m/1/model.onnx": "" });
    const names = [
      { ...begun, model: "." },
      { ...begun, version: ".." },
    ];
    assert.deepEqual((await new ModelStore(models).sweep(names)).finished, []);
  });
});

describe("ModelStore: a disk of its own", () => {
  const script = `
    import { existsSync, rmSync, writeFileSync } from "node:fs";
    import { execFileSync } from "node:child_process";
    import { ModelStore } from "${new URL("../../supervisor/model-store.ts", import.meta.url)}";
    const store = new ModelStore(process.cwd());
    const said = (work) => work.then(() => "done", (thrown) => thrown.code + ": " + thrown.message);
    const folder = await store.openUpload("u");
    writeFileSync(folder + "/0", "x");
    await store.stage("u", [{ name: "a.onnx", path: folder + "/0", bytes: 1, digest: "" }]);
    await store.install({ id: "u", model: "m", version: "1", config: "old" });
    try { writeFileSync("filler", Buffer.alloc(2 ** 20)); } catch {}
    const full = await said(store.configs.write("m", "x".repeat(9_000)));
    const kept = await store.configs.read("m");
    execFileSync("mount", ["-o", "remount,ro", process.cwd()]);
    const readOnly = await said(store.configs.write("m", "new"));
    const removal = await said(store.removeModel("m"));
    console.log(JSON.stringify({ full, kept, readOnly, removal, isThere: existsSync("m/1/model.onnx") }));
  `;
  const mount =
    'mount -t tmpfs -o size=64k none "$1" && cd "$1" && exec "$2" --import "$3" --input-type=module -e "$4"';

  it("says that it is full or read-only, and keeps what was there", (test) => {
    const trial = spawnSync("/usr/bin/unshare", ["-rm", "mount", "-t", "tmpfs", "none", base]);
    if (trial.status !== 0) return test.skip("needs a mount of its own");
    const args = [base, process.execPath, import.meta.resolve("tsx"), script];
    const run = spawnSync("/usr/bin/unshare", ["-rm", "sh", "-c", mount, "sh", ...args], {
      encoding: "utf8",
    });
    assert.equal(run.stderr, "");
    assert.deepEqual(JSON.parse(run.stdout), {
      full: "storage-full: Cannot store: the disk is full",
      kept: "old",
      readOnly: "forbidden: Cannot store: the models folder cannot be written",
      removal: "forbidden: Cannot store: the models folder cannot be written",
      isThere: true,
    });
  });
});
