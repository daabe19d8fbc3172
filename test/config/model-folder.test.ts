import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import {
  discoverModel,
  discoverModels,
  foreseeModel,
  type ModelFolder,
} from "../../src/config/model-folder.ts";
import { TroupeError } from "../../src/protocol/errors.ts";

const root = mkdtempSync(join(tmpdir(), "troupe-model-folder-"));
after(() => rmSync(root, { recursive: true }));

/** A models folder with these files, which are empty but for those that are given a text. */
function folderWith(
  files: readonly string[],
  texts: Readonly<Record<string, string>> = {},
): string {
  const folder = mkdtempSync(join(root, "models-"));
  const all = { ...Object.fromEntries(files.map((file) => [file, ""])), ...texts };
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

async function discoverOne(folder: string): Promise<ModelFolder> {
  const [model, ...others] = await discoverModels(folder);
  assert.deepEqual(others, []);
  if (model === undefined) throw new Error("no model was found");
  return model;
}

/** Without how its files look, which is another thing every time. */
function unstamped<Found extends { readonly stamps?: unknown }>(
  found: readonly Found[] | undefined,
) {
  return found?.map(({ stamps, ...others }) => {
    assert.notEqual(stamps, undefined);
    return others;
  });
}

async function problemOf(folder: string): Promise<string | undefined> {
  const { problem, wanted } = await discoverOne(folder);
  assert.deepEqual(wanted, []);
  return problem;
}

describe("discoverModels", () => {
  it("finds a flat model, as version 1", async () => {
    const folder = folderWith(["iris/model.onnx"]);
    const version = { version: "1", file: join(folder, "iris/model.onnx"), beside: [] };
    const { name, config, versions, wanted } = await discoverOne(folder);
    assert.deepEqual([name, config], ["iris", defaultModelConfig]);
    assert.deepEqual([unstamped(versions), unstamped(wanted)], [[version], [version]]);
  });

  it("finds all versions and wants the newest", async () => {
    const folder = folderWith(["m/9/model.onnx", "m/10/net.onnx", "m/10/LICENSE"]);
    const { versions, wanted } = await discoverOne(folder);
    const nine = { version: "9", file: join(folder, "m/9/model.onnx"), beside: [] };
    const license = { name: "LICENSE", file: join(folder, "m/10/LICENSE") };
    const ten = { version: "10", file: join(folder, "m/10/net.onnx"), beside: [license] };
    assert.deepEqual([unstamped(versions), unstamped(wanted)], [[nine, ten], [ten]]);
  });

  for (const [wanted, expected] of [
    ["{ latest: 2 }", ["2", "3"]],
    ["all", ["1", "2", "3"]],
    ["[3, 1]", ["1", "3"]],
  ] as const) {
    it(`wants versions ${expected.join(" and ")} where model.yaml says ${wanted}`, async () => {
      const files = ["m/1/a.onnx", "m/2/a.onnx", "m/3/a.onnx"];
      const model = await discoverOne(folderWith(files, { "m/model.yaml": `versions: ${wanted}` }));
      assert.deepEqual(
        model.wanted.map(({ version }) => version),
        expected,
      );
    });
  }

  it("gives absolute paths for a relative folder", async () => {
    const folder = folderWith(["m/a.onnx"]);
    const { versions } = await discoverOne(relative(process.cwd(), folder));
    const version = { version: "1", file: join(folder, "m/a.onnx"), beside: [] };
    assert.deepEqual(unstamped(versions), [version]);
  });

  it("tells a file from what it was, and from one beside it, and knows one that was moved", async () => {
    const folder = folderWith(["m/1/a.onnx", "m/1/weights"]);
    const stamps = async () => Object.values((await discoverOne(folder)).versions[0]?.stamps ?? {});
    const [file, weights] = await stamps();
    assert.notEqual(file, weights);
    renameSync(join(folder, "m"), join(folder, "n"));
    assert.deepEqual(await stamps(), [file, weights]);
    writeFileSync(join(folder, "n/1/weights"), "others");
    const [same, other] = await stamps();
    assert.deepEqual([same === file, other === weights], [true, false]);
  });

  it("sorts by name and overlooks loose files, hidden folders and a volume's lost+found", async () => {
    const folder = folderWith(["b/a.onnx", "a/a.onnx", "a.onnx", ".git/a.onnx", "lost+found/x"]);
    const models = await discoverModels(folder);
    assert.deepEqual(
      models.map(({ name, problem }) => [name, problem]),
      [
        ["a", undefined],
        ["b", undefined],
      ],
    );
  });

  it("finds nothing in an empty folder", async () => {
    assert.deepEqual(await discoverModels(folderWith([])), []);
  });

  it("keeps what it can say of a model with an unreadable model.yaml", async () => {
    const folder = folderWith(["m/model.onnx"], { "m/model.yaml": "replicas: none" });
    const { config, versions, ...rest } = await discoverOne(folder);
    const words =
      'Cannot read m/model.yaml: replicas must be an integer from 1 to 64, got "none" (line 1)';
    const version = { version: "1", file: join(folder, "m/model.onnx"), beside: [] };
    assert.deepEqual(unstamped(versions), [version]);
    assert.deepEqual(rest, { name: "m", wanted: [], problem: words });
    assert.equal(config instanceof TroupeError && config.message, words);
  });

  it("serves a good version beside a bad one that is not wanted", async () => {
    const yaml = { "m/model.yaml": "versions: [1]" };
    const folder = folderWith(["m/1/a.onnx", "m/2/a.onnx", "m/2/b.onnx"], yaml);
    const { wanted, problem } = await discoverOne(folder);
    assert.deepEqual([wanted.length, problem], [1, undefined]);
  });

  const unservable: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["holds nothing", ["m/README.md"], /^holds no \.onnx file$/],
    ["holds several files", ["m/a.onnx", "m/b.onnx"], /^holds several \.onnx files/],
    ["holds version 1 twice", ["m/model.onnx", "m/1/a.onnx"], /^holds version 1 twice: model.onnx/],
    ["has a name that is none", ["m m/model.onnx"], /^has a name that is not 1 to 64 letters/],
    [
      "has a bad newest version",
      ["m/1/a.onnx", "m/2/a.onnx", "m/2/b.onnx"],
      /^version 2: holds sev/,
    ],
  ];
  for (const [behaviour, files, problem] of unservable) {
    it(`says why it cannot serve a model that ${behaviour}`, async () => {
      assert.match((await problemOf(folderWith(files))) ?? "", problem);
    });
  }

  it("reads the labels that a config.pbtxt names, a line each", async () => {
    const output = 'output { name: "y" data_type: TYPE_FP32 dims: 2 label_filename: "l.txt" }';
    const files = { "m/config.pbtxt": output, "m/l.txt": "a cat\r\na dog\n" };
    const { config, notes } = await discoverOne(folderWith(["m/1/model.onnx"], files));
    assert.ok(!(config instanceof TroupeError));
    assert.deepEqual([config.labels, notes?.warnings], [["a cat", "a dog"], []]);
  });

  it("serves a model whose labels are not there, and says so", async () => {
    const output = 'output { name: "y" data_type: TYPE_FP32 dims: 2 label_filename: "../l.txt" }';
    const folder = folderWith(["m/1/model.onnx"], { "m/config.pbtxt": output, "l.txt": "a" });
    const { problem, notes } = await discoverOne(folder);
    assert.deepEqual(
      [problem, notes?.warnings],
      [
        undefined,
        ["output.label_filename (line 1): answers have no labels: no file ../l.txt beside it"],
      ],
    );
  });

  it("says that a model is another backend's, rather than what of ONNX it lacks", async () => {
    const pbtxt = { "m/config.pbtxt": 'backend: "python"' };
    assert.match(
      (await problemOf(folderWith(["m/1/model.py"], pbtxt))) ?? "",
      /backend .*"python"/,
    );
  });

  it("names the listed versions that do not exist", async () => {
    const yaml = { "m/model.yaml": "versions: [1, 3, x]" };
    const problem = await problemOf(folderWith(["m/1/a.onnx", "m/2/a.onnx"], yaml));
    const words = "versions lists 3, x, which the folder does not hold; it holds 1, 2";
    assert.equal(problem, words);
  });

  it("names a default version that does not exist", async () => {
    const yaml = { "m/model.yaml": "default_version: 7" };
    const problem = await problemOf(folderWith(["m/1/a.onnx", "m/2/a.onnx"], yaml));
    const words = "default_version names 7, which the folder does not hold; it holds 1, 2";
    assert.equal(problem, words);
  });

  it("wants the default version beside the selected ones", async () => {
    const yaml = { "m/model.yaml": "default_version: 1" };
    const { wanted } = await discoverOne(
      folderWith(["m/a.onnx", "m/2/a.onnx", "m/3/a.onnx"], yaml),
    );
    assert.deepEqual(
      wanted.map(({ version }) => version),
      ["1", "3"],
    );
  });

  it("refuses a default version that cannot be served", async () => {
    const yaml = { "m/model.yaml": "default_version: 1" };
    const folder = folderWith(["m/1/a.onnx", "m/1/b.onnx", "m/2/a.onnx"], yaml);
    assert.match((await problemOf(folder)) ?? "", /^version 1: holds several/);
  });

  it("finds what stands beside a model, links left out", async () => {
    const folder = folderWith(["m/a.onnx", "m/b.bin", "m/README.md", "m/2/c.bin"], {
      "m/model.yaml": "",
    });
    symlinkSync("/etc/hostname", join(folder, "m/link.bin"));
    const { wanted } = await discoverOne(folder);
    assert.deepEqual(wanted[0]?.beside, [{ name: "b.bin", file: join(folder, "m/b.bin") }]);
  });

  it("refuses a model.yaml past its limit", async () => {
    const folder = folderWith(["m/a.onnx"], { "m/model.yaml": "#".repeat(65_537) });
    const words = "Cannot read m/model.yaml: it must have at most 65536 bytes, got 65537";
    assert.equal(await problemOf(folder), words);
  });

  it("follows no link to a file", async () => {
    const folder = folderWith(["m/README.md"]);
    symlinkSync("/etc/hostname", join(folder, "m/model.onnx"));
    assert.equal(await problemOf(folder), "model.onnx is a symbolic link");
  });

  it("follows no link to a model.yaml", async () => {
    const folder = folderWith(["m/a.onnx"], { "other.yaml": "" });
    symlinkSync("../other.yaml", join(folder, "m/model.yaml"));
    const words = "Cannot read m/model.yaml: model.yaml is a symbolic link";
    assert.equal(await problemOf(folder), words);
  });

  it("follows no link to a version", async () => {
    const folder = folderWith(["m/1/a.onnx"]);
    symlinkSync("1", join(folder, "m/latest"));
    assert.equal(await problemOf(folder), "version latest is a symbolic link");
  });

  it("follows no link to a model", async () => {
    const folder = folderWith(["a/a.onnx"]);
    symlinkSync("a", join(folder, "b"));
    const models = await discoverModels(folder);
    assert.deepEqual(
      models.map(({ name, problem }) => [name, problem]),
      [
        ["a", undefined],
        ["b", "is a symbolic link"],
      ],
    );
  });

  it("reads no pipe", async () => {
    const folder = folderWith(["m/README.md"]);
    execFileSync("mkfifo", [join(folder, "m/model.onnx")]);
    assert.equal(await problemOf(folder), "model.onnx is not a regular file");
    execFileSync("mkfifo", [join(folder, "m/model.yaml")]);
    const words = "Cannot read m/model.yaml: model.yaml is not a regular file";
    assert.equal(await problemOf(folder), words);
  });

  it("hides no good model behind a bad one", async () => {
    const folder = folderWith(["bad/README.md", "good/model.onnx"]);
    const models = await discoverModels(folder);
    assert.deepEqual(
      models.map(({ wanted }) => wanted.length),
      [0, 1],
    );
  });

  it("serves what is there of the versions that Triton's policy lists, and warns of the others", async () => {
    const policy = "version_policy { specific { versions: [ 1, 3 ] } }";
    const folder = folderWith(["m/1/a.onnx", "m/2/a.onnx"], { "m/config.pbtxt": policy });
    const { wanted, notes } = await discoverOne(folder);
    assert.deepEqual(
      wanted.map(({ version }) => version),
      ["1"],
    );
    const words = "version_policy lists 3, which the folder does not hold";
    assert.deepEqual(notes?.warnings, [words]);
  });

  it("refuses a folder that does not exist", async () => {
    const folder = join(root, "nowhere");
    await assert.rejects(discoverModels(folder), {
      code: "invalid-model",
      message: `Cannot serve models: ${folder} does not exist; --models names their folder`,
    });
  });

  it("refuses a file in the place of the folder", async () => {
    const file = join(folderWith(["a.txt"]), "a.txt");
    await assert.rejects(discoverModels(file), {
      code: "invalid-model",
      message: `Cannot serve models: ${file} is not a folder; --models names their folder`,
    });
  });
});

describe("discoverModel", () => {
  it("finds one model as discoverModels does", async () => {
    const folder = folderWith(["a/a.onnx", "b/1/b.onnx", "b/w.bin"], {
      "b/model.yaml": "replicas: 2",
    });
    const [, expected] = await discoverModels(folder);
    assert.deepEqual(await discoverModel(relative(process.cwd(), folder), "b"), expected);
  });

  for (const [name, problem] of [
    ["empty", "holds no .onnx file"],
    ["link", "is a symbolic link"],
    ["b b", /^has a name that is not/],
  ] as const) {
    it(`says why it cannot serve ${name}`, async () => {
      const folder = folderWith(["empty/README.md", "a/a.onnx", "b b/a.onnx"]);
      symlinkSync("a", join(folder, "link"));
      const found = await discoverModel(folder, name);
      assert.match(found?.problem ?? "", new RegExp(problem));
    });
  }

  for (const name of [
    "c",
    "file",
    "",
    ".",
    "..",
    ".git",
    "../other",
    "a/1",
    "lost+found",
    "a\0",
    "n".repeat(300),
  ]) {
    it(`finds nothing called ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const outer = folderWith([
        "other/a.onnx",
        "models/a/1/a.onnx",
        "models/.git/a.onnx",
        "models/file",
      ]);
      const folder = join(outer, "models");
      assert.equal(await discoverModel(folder, name), undefined);
    });
  }

  it("foresees another model.yaml and one more version", async () => {
    const folder = folderWith(["a/1/a.onnx", "a/2/a.onnx"], { "a/model.yaml": "replicas: 2" });
    const config = { ...defaultModelConfig, versions: { type: "listed", names: ["3"] } } as const;
    const problem = "versions lists 3, which the folder does not hold; it holds 1, 2";
    assert.equal((await discoverModel(folder, "a", { config }))?.problem, problem);
    const found = await discoverModel(folder, "a", { config, version: "3" });
    const file = join(folder, "a/3/model.onnx");
    assert.deepEqual(unstamped(found?.wanted), [{ version: "3", file, beside: [] }]);
    assert.deepEqual(foreseeModel(folder, "b", { version: "3" }).wanted.length, 1);
    assert.match(foreseeModel(folder, "b", { config, version: "4" }).problem ?? "", /lists 3/);
  });

  it("foresees what one more version does not mend", async () => {
    const folder = folderWith(["a/a.onnx", "a/b.onnx", "b/b.onnx"]);
    const several = await discoverModel(folder, "a", { version: "2" });
    assert.match(several?.problem ?? "", /holds several \.onnx files/);
    const twice = await discoverModel(folder, "b", { version: "1" });
    assert.match(twice?.problem ?? "", /holds version 1 twice/);
  });

  it("finds nothing where there is no models folder", async () => {
    assert.equal(await discoverModel(join(root, "nowhere"), "a"), undefined);
  });
});
