import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { matchPredictPath } from "../../src/front-door/predict-path.ts";

const plain = { codec: "predict", hurried: true, endpoint: "/predict/{model}" } as const;
const batched = { codec: "predict", hurried: false, endpoint: "/predict_batched/{model}" } as const;
const plainVersioned = {
  codec: "predict",
  hurried: true,
  endpoint: "/predict/{model}/versions/{version}",
} as const;
const v2 = { codec: "v2", hurried: false, endpoint: "/v2/models/{model}/infer" } as const;
const v2Versioned = {
  codec: "v2",
  hurried: false,
  endpoint: "/v2/models/{model}/versions/{version}/infer",
} as const;

describe("matchPredictPath", () => {
  const rows: readonly (readonly [string, object, string, string | undefined])[] = [
    ["/predict/iris", plain, "iris", undefined],
    ["/predict/iris?x=1", plain, "iris", undefined],
    ["/predict/iris?/versions/1", plain, "iris", undefined],
    ["/predict/iris/versions/2", plainVersioned, "iris", "2"],
    ["/predict/versions", plain, "versions", undefined],
    ["/predict/versions/versions/versions", plainVersioned, "versions", "versions"],
    ["/predict/a%2Fb", plain, "a/b", undefined],
    ["/predict/gr%C3%B6%C3%9Fe/versions/1%20a", plainVersioned, "größe", "1 a"],
    ["/predict_batched/iris?x=1", batched, "iris", undefined],
    ["/v2/models/iris/infer", v2, "iris", undefined],
    ["/v2/models/infer/infer", v2, "infer", undefined],
    ["/v2/models/iris/versions/2/infer", v2Versioned, "iris", "2"],
    ["/v2/models/iris/versions/2/infer?x", v2Versioned, "iris", "2"],
  ];
  for (const [url, shared, model, version] of rows) {
    it(`finds ${url}`, () =>
      assert.deepEqual(matchPredictPath(url), { ...shared, model, version }));
  }

  const others = [
    "",
    "/",
    "/predict",
    "/predict/",
    "/predict//",
    "/predict/iris/",
    "/predict/iris/2",
    "/predict/iris/version/2",
    "/predict/iris/versions",
    "/predict/iris/versions/",
    "/predict/iris/versions/2/",
    "/predict/iris/versions/2/infer",
    "/predict/%",
    "/predict/%C3",
    "//predict/iris",
    "/Predict/iris",
    "/v2/models/infer",
    "/v2/models//infer",
    "/v2/models/iris",
    "/v2/models/iris/infer/",
    "/v2/models/iris/versions/infer",
    "/v2/models/iris/versions//infer",
    "/v1/models/iris/infer",
    "/v2/model/iris/infer",
    "?",
    "*",
  ];
  for (const url of others) {
    it(`leaves ${JSON.stringify(url)} to others`, () =>
      assert.equal(matchPredictPath(url), undefined));
  }
});
