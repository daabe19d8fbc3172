import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { discoverModel, discoverModels } from "../../src/config/model-folder.ts";

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const home = mkdtempSync("/tmp/trt-");
  t.after(() => rmSync(home, { recursive: true }));
  const folder = join(home, "models");
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const yaml = (name: string, file: string) =>
  `model:\n  name: ${name}\n  model_args: { model_file: ${file} }\n`;

describe("SchwiftServe's files in the models folder", () => {
  it("are models, with their files from the folder or from above it", async (t) => {
    const folder = folderOf(t, {
      "a.yaml": yaml("one", "one.onnx"),
      "b.yml": yaml("two", "models/nets/two.onnx"),
      "one.onnx": "",
      "one.onnx.data": "",
      "nets/two.onnx": "",
      "compose.yaml": "services: {}",
    });
    const found = (await discoverModels(folder)).filter(({ name }) => name !== "nets");
    assert.deepEqual(
      found.map(({ name, problem, wanted }) => [
        name,
        problem,
        wanted.map(({ stamps, ...version }) => version),
      ]),
      [
        [
          "one",
          undefined,
          [
            {
              version: "1",
              file: join(folder, "one.onnx"),
              beside: [{ name: "one.onnx.data", file: join(folder, "one.onnx.data") }],
            },
          ],
        ],
        ["two", undefined, [{ version: "1", file: join(folder, "nets/two.onnx"), beside: [] }]],
      ],
    );
    assert.deepEqual(Object.keys(found[0]?.wanted[0]?.stamps ?? {}), [
      join(folder, "one.onnx"),
      join(folder, "one.onnx.data"),
    ]);
    assert.deepEqual(found[0]?.notes?.foreign?.file, "a.yaml");
    assert.equal((await discoverModel(folder, "two"))?.name, "two");
    assert.equal(await discoverModel(folder, "three"), undefined);
  });

  const problems: readonly (readonly [string, RegExp])[] = [
    ["no.onnx", /^Cannot read m.yaml: model.model_args.model_file does not exist/],
    ["../out.onnx", /model_file must lie in the models folder/],
    ["m.pkl", /model_file must be the name of an .onnx file/],
    ["link.onnx", /model_file must be a regular file, and no link/],
  ];
  for (const [file, problem] of problems) {
    it(`cannot be served from ${file}`, async (t) => {
      const folder = folderOf(t, { "m.yaml": yaml("iris", file), "real.onnx": "", "m.pkl": "" });
      symlinkSync(join(folder, "real.onnx"), join(folder, "link.onnx"));
      const [model] = await discoverModels(folder);
      assert.equal(model?.name, "iris");
      assert.match(model?.problem ?? "", problem);
    });
  }

  it("hide nobody when one has a mistake, or names what another does", async (t) => {
    const folder = folderOf(t, {
      "a.yaml": "model:\n  name: bad\n  what: 1\n",
      "b.yaml": yaml("good", "good.onnx"),
      "c.yaml": yaml("twice", "good.onnx"),
      "d.yaml": yaml("twice", "good.onnx"),
      "good.onnx": "",
    });
    const found = await discoverModels(folder);
    assert.deepEqual(
      found.map(({ name, problem }) => [name, problem === undefined]),
      [
        ["bad", false],
        ["good", true],
        ["twice", false],
      ],
    );
    assert.match(found[0]?.problem ?? "", /^Cannot read a.yaml: unknown key "what".*\(line 3\)$/);
  });

  it("are read no further than they may be long", async (t) => {
    const folder = folderOf(t, {
      "data.yaml": `rows:\n${"  - a model\n".repeat(100_000)}`,
      "long.yaml": `${yaml("long", "x.onnx")}#${" ".repeat(100_000)}`,
      "x.onnx": "",
    });
    const [model, ...others] = await discoverModels(folder);
    assert.deepEqual([model?.name, others], ["long", []]);
    assert.match(
      model?.problem ?? "",
      /^Cannot read long.yaml: it must have at most 65536 bytes, got 100/,
    );
  });

  it("give way to a folder of the same name", async (t) => {
    const files = { "m.yaml": yaml("m", "x.onnx"), "x.onnx": "", "m/model.onnx": "" };
    const folder = folderOf(t, files);
    const found = await discoverModels(folder);
    assert.deepEqual([found.length, found[0]?.notes], [1, undefined]);
  });
});
