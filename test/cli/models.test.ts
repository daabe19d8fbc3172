import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { modelsText } from "../../src/cli/models.ts";
import type { ModelView, VersionView } from "../../src/client/answers.ts";
import { plainPaint } from "./paint.ts";

const tensor = { name: "x", datatype: "FP32", shape: [-1, 4] };
const version = {
  version: "1",
  state: "ready",
  reason: null,
  kind: "stateless",
  replicas: 1,
  inputs: [tensor],
  outputs: [tensor],
  memory: { rss_bytes: 2_097_152, limit_bytes: null },
} as unknown as VersionView;

function model(versions: readonly VersionView[], fields: object = {}): ModelView {
  return { name: "iris", default: "2", versions, ...fields } as unknown as ModelView;
}

describe("modelsText", () => {
  it("has a line for each version, with a star at the default one", () => {
    const second = { ...version, version: "2", state: "unloaded", replicas: 0 };
    assert.equal(
      modelsText([model([version, second])], plainPaint),
      `MODEL  VERSION  STATE     KIND       HOSTS   MEMORY  TAKES         GIVES
iris   1        ready     stateless      1  2.0 MiB  x FP32[-1,4]  x FP32[-1,4]
iris   2 *      unloaded  stateless      0        -  x FP32[-1,4]  x FP32[-1,4]
`,
    );
  });

  it("tells why a folder with versions is not served", () => {
    const wrong = { state: "unavailable", reason: "unknown key" };
    const versions = ["1", "2"].map((name) => ({ ...version, ...wrong, version: name }));
    const table = modelsText([model(versions, wrong)], plainPaint);
    for (const line of table.trim().split("\n").slice(1)) {
      assert.match(line, /unavailable .* unknown key$/);
    }
  });

  it("tells at the default version what is to be said of the model", () => {
    const drift = { state: "ready", reason: "its folder has changed" };
    const versions = [version, { ...version, version: "2" }];
    const [, first, second] = modelsText([model(versions, drift)], plainPaint).split("\n");
    assert.match(first ?? "", / -$/);
    assert.match(second ?? "", / its folder has changed$/);
  });

  it("tells of a model that has nothing to serve", () => {
    const empty = model([], { state: "unavailable", reason: "holds no .onnx file" });
    assert.equal(
      modelsText([empty], plainPaint),
      "MODEL  STATE        REASON\niris   unavailable  holds no .onnx file\n",
    );
  });

  it("says that there are none", () => assert.equal(modelsText([], plainPaint), "no models\n"));
});
