import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type FoundConfig, readConfig, refuseTriton } from "../../src/config/config-file.ts";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { Entry } from "../../src/config/model-layout.ts";
import { TroupeError } from "../../src/protocol/errors.ts";

const root = mkdtempSync(join(tmpdir(), "troupe-config-file-"));
after(() => rmSync(root, { recursive: true }));

/** Of a model `m` with these files. */
function found(files: Readonly<Record<string, string>>): Promise<FoundConfig> {
  const folder = mkdtempSync(join(root, "models-"));
  mkdirSync(join(folder, "m"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, "m", name), text);
  const entries = Object.keys(files).map((name): Entry => ({ name, kind: "file" }));
  return readConfig(folder, "m", entries);
}

async function problemOf(files: Readonly<Record<string, string>>): Promise<string> {
  const { config } = await found(files);
  return config instanceof TroupeError ? config.message : "";
}

describe("readConfig", () => {
  it("takes the defaults where there is no file", async () => {
    assert.deepEqual(await found({}), { config: defaultModelConfig });
  });

  it("reads a model.yaml", async () => {
    const config = { ...defaultModelConfig, replicas: 2 };
    assert.deepEqual(await found({ "model.yaml": "replicas: 2" }), { config });
  });

  it("reads a config.pbtxt", async () => {
    const { config, notes } = await found({
      "config.pbtxt": "instance_group { count: 2 }\noptimization { }",
    });
    assert.ok(!(config instanceof TroupeError));
    assert.deepEqual([config.replicas, config.triton?.file], [2, "m/config.pbtxt"]);
    assert.match(notes?.warnings.join() ?? "", /^optimization \(line 2\): [^,]*$/);
    assert.deepEqual(
      [notes?.foreign?.file, notes?.foreign?.modelYaml.type],
      ["config.pbtxt", "map"],
    );
  });

  it("lets a model.yaml win over a config.pbtxt, unread, and says so", async () => {
    const config = { ...defaultModelConfig, replicas: 2 };
    const warnings = ["config.pbtxt is not read, as there is a model.yaml"];
    const files = { "model.yaml": "replicas: 2", "config.pbtxt": "{" };
    assert.deepEqual(await found(files), { config, notes: { warnings } });
  });

  it("says what is wrong with either", async () => {
    assert.match(await problemOf({ "model.yaml": "replicas: x" }), /^Cannot read m\/model\.yaml: /);
    assert.match(await problemOf({ "config.pbtxt": "{" }), /^Cannot read m\/config\.pbtxt: /);
    assert.match(await problemOf({ "config.pbtxt": "#".repeat(65_537) }), /at most 65536 bytes/);
  });
});

describe("refuseTriton", () => {
  const cases: readonly (readonly [string, string, readonly string[], boolean])[] = [
    ["a config.pbtxt alone", "", ["config.pbtxt", "1"], true],
    ["both files", "replicas: 1", ["config.pbtxt", "model.yaml"], false],
    ["an empty model.yaml beside it", "", ["config.pbtxt", "model.yaml"], false],
    ["neither", "", ["1"], false],
  ];
  for (const [what, text, names, isRefused] of cases) {
    it(`${isRefused ? "refuses" : "allows"} a change of ${what}`, () => {
      const change = () => refuseTriton("m", text, names);
      if (isRefused) assert.throws(change, /Cannot change model 'm': its configuration is config/);
      else change();
    });
  }
});
