import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kinds, pictureModel, pictureRequest } from "../../bench/binary-work.ts";
import { openModel } from "../models/runtime.ts";

const pictureBytes = 4 * 3 * 240 * 320;

describe("pictureRequest", () => {
  for (const kind of kinds) {
    it(`declares how long it is: ${kind}`, () => {
      const { headers, body } = pictureRequest(kind);
      assert.equal(Number(headers["content-length"]), body.length);
      const jsonBytes = Number(headers["inference-header-content-length"] ?? body.length);
      const { inputs } = JSON.parse(body.toString("utf8", 0, jsonBytes));
      assert.equal(inputs.length, 2);
      assert.equal(body.length - jsonBytes, kind === "json" ? 0 : pictureBytes + 1);
    });
  }

  it("has the picture at the start of the tensors, or behind one byte", () => {
    const first = (["aligned", "askew"] as const).map((kind) => {
      const { headers, body } = pictureRequest(kind);
      return body[Number(headers["inference-header-content-length"])];
    });
    assert.deepEqual(first, [0, 1]);
  });
});

describe("pictureModel", () => {
  it("loads", async () => {
    const { inputNames } = await openModel(pictureModel());
    assert.deepEqual(inputNames, ["x", "flag"]);
  });
});
