import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { patchModelConfig } from "../../src/config/config-patch.ts";
import { snakeCase } from "../../src/config/key-name.ts";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import { configPatch } from "../../src/front-door/openapi-config.ts";
import { requestBodyOf } from "../../src/front-door/openapi-requests.ts";

interface Keys {
  readonly properties?: Readonly<Record<string, Keys>>;
}

function namesOf({ properties = {} }: Keys): readonly string[] {
  return Object.keys(properties).toSorted();
}

function keysOf(section: object): readonly string[] {
  return Object.keys(section).map(snakeCase).toSorted();
}

const whole: Keys = configPatch;
const fits = new Ajv2020({ allowUnionTypes: true }).compile(configPatch);

describe("the schema of a patch", () => {
  it("is that of the body", () =>
    assert.deepEqual(requestBodyOf("patch"), {
      required: true,
      content: { "application/json": { schema: configPatch } },
    }));

  it("has every key of a model.yaml", () =>
    assert.deepEqual(namesOf(whole), keysOf(defaultModelConfig)));

  const { batching, objective, queue, timeouts, breaker, restart, session, limits } =
    defaultModelConfig;
  const sections = { batching, objective, queue, timeouts, breaker, restart, session, limits };
  for (const [name, section] of Object.entries(sections)) {
    it(`has every key of ${name}`, () =>
      assert.deepEqual(namesOf(whole.properties?.[name] ?? {}), keysOf(section)));
  }

  const taken: readonly object[] = [
    { replicas: 2, description: "a", labels: ["b"], required: true, bake_ms: 0 },
    { versions: "all" },
    { versions: ["1", 2] },
    { versions: { latest: 2 }, default_version: 1 },
    { objective: { p99_ms: 20 }, session: { execution_providers: ["cpu"] } },
    { stream: { input: "x", window: 4, hop: 2, pad: "none" }, defaults: { sr: 16_000 } },
    { state: [{ input: "s", output: "t", initial: [[0]] }] },
    { warmup: [{ features: [[1]] }], golden: [{ inputs: { x: [1] }, outputs: { y: [2] } }] },
    { replicas: null, batching: null, objective: { p99_ms: null }, warmup: null, versions: null },
  ];
  for (const patch of taken) {
    it(`takes what is taken: ${JSON.stringify(patch)}`, () => {
      assert.ok(fits(patch), JSON.stringify(fits.errors));
      const { config } = patchModelConfig("", JSON.stringify(patch), "m/model.yaml");
      assert.equal(typeof config.replicas, "number");
    });
  }

  for (const patch of [{ replcas: 2 }, { replicas: "two" }, { objective: { p99: 20 } }, []]) {
    it(`refuses what is refused: ${JSON.stringify(patch)}`, () => {
      assert.ok(!fits(patch));
      const change = () => patchModelConfig("", JSON.stringify(patch), "m/model.yaml");
      assert.throws(change, { code: "invalid-request" });
    });
  }
});
