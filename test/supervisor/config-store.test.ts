import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { ConfigStore } from "../../supervisor/config-store.ts";
import { PrivateArea } from "../../supervisor/private-area.ts";

const base = mkdtempSync("/tmp/configs-");
after(() => rmSync(base, { recursive: true, force: true }));

/** Of the model `m`, which has that text where it has one. */
function setUp(text: string | null = null) {
  const models = resolve(mkdtempSync(join(base, "models-")));
  const path = join(models, "m", "model.yaml");
  mkdirSync(join(models, "m"));
  if (text !== null) writeFileSync(path, text);
  const configs = new ConfigStore(models, new PrivateArea(models));
  const now = () => (existsSync(path) ? readFileSync(path, "utf8") : null);
  return { models, path, configs, now };
}

describe("ConfigStore", () => {
  it("is empty where there is none, or no model", async () => {
    const { configs } = setUp();
    assert.deepEqual([await configs.read("m"), await configs.read("none")], ["", ""]);
  });

  it("is read as it was written, and leaves nothing beside it", async () => {
    const { configs, models } = setUp();
    await configs.write("m", "a: é\n");
    await configs.write("m", "b: é\n");
    assert.equal(await configs.read("m"), "b: é\n");
    assert.deepEqual(readdirSync(join(models, "m")), ["model.yaml"]);
  });

  it("is removed where nothing is written", async () => {
    const { configs, now } = setUp("a: 1\n");
    await configs.write("m", "");
    assert.equal(now(), null);
  });

  it("is written of no model that is not there", async () => {
    const { configs } = setUp();
    await assert.rejects(configs.write("none", ""), { code: "model-not-found" });
  });

  it("is neither read nor replaced where it is a link", async () => {
    const { configs, models, path } = setUp();
    writeFileSync(join(models, "elsewhere"), "secret");
    symlinkSync(join(models, "elsewhere"), path);
    await assert.rejects(configs.read("m"), { code: "conflict" });
    await assert.rejects(configs.write("m", "x"), { code: "conflict" });
    assert.equal(readFileSync(join(models, "elsewhere"), "utf8"), "secret");
  });

  it("is replaced where it is what it was when it was read", async () => {
    for (const before of [null, "old"]) {
      const { configs, now } = setUp(before);
      await configs.replace("m", { before: before ?? "", written: "new" });
      assert.equal(now(), "new");
    }
  });

  it("is not replaced where somebody has changed it meanwhile", async () => {
    for (const by of [null, "theirs"]) {
      const { configs, now } = setUp(by);
      const message = "Cannot change model 'm': somebody has changed its model.yaml meanwhile";
      const replaced = configs.replace("m", { before: "old", written: "new" });
      await assert.rejects(replaced, { code: "conflict", message });
      assert.equal(now(), by);
    }
  });

  it("is restored where it is what was written, and only then", async () => {
    const rewrite = { before: "old", written: "new" };
    for (const [is, becomes] of [
      ["new", "old"],
      ["theirs", "theirs"],
      [null, null],
    ] as const) {
      const { configs, now } = setUp(is);
      await configs.restore("m", rewrite);
      assert.equal(now(), becomes);
    }
  });
});
