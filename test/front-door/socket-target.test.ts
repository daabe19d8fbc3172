import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  addressOf,
  checkSamples,
  matchSocketPath,
  type SocketTarget,
} from "../../src/front-door/socket-target.ts";

const anyModel: SocketTarget = {
  endpoint: "/ws",
  model: undefined,
  version: undefined,
  samples: undefined,
};

const oneModel: SocketTarget = {
  ...anyModel,
  endpoint: "/v2/models/{model}/stream",
  model: "m",
};

const oneVersion: SocketTarget = {
  ...oneModel,
  endpoint: "/v2/models/{model}/versions/{version}/stream",
  version: "2",
};

describe("matchSocketPath", () => {
  const rows: readonly (readonly [string, SocketTarget | undefined])[] = [
    ["/ws", anyModel],
    ["/ws?x=1", anyModel],
    ["/v2/models/m/stream", oneModel],
    ["/v2/models/m/stream?", oneModel],
    ["/v2/models/a%20b/versions/2/stream", { ...oneVersion, model: "a b" }],
    ["/v2/models/m/stream?samples=int16", { ...oneModel, samples: "int16" }],
    ["/v2/models/m/stream?samples=int32&x=1", { ...oneModel, samples: "int32" }],
    ["/v2/models/m/versions/2/stream?x=1&samples=float32", { ...oneVersion, samples: "float32" }],
    ["/v2/models/m/stream?samples=mp3", oneModel],
    ["/v2/models/m/stream?samples=", oneModel],
    ["/v2/models/m/versions/stream", undefined],
    ["/v2/models/m/stream/", undefined],
    ["/v2/models//stream", undefined],
    ["/v2/models/%zz/stream", undefined],
    ["/ws/", undefined],
    ["/", undefined],
    ["", undefined],
  ];
  for (const [url, expected] of rows) {
    it(`reads ${JSON.stringify(url)}`, () => assert.deepEqual(matchSocketPath(url), expected));
  }
});

describe("checkSamples", () => {
  const check = (url: string) => checkSamples(url, matchSocketPath(url) ?? anyModel);

  for (const url of ["/ws", "/ws?x=samples", "/v2/models/m/stream", "/v2/models/m/stream?x=1"]) {
    it(`takes ${url}, which asks for none`, () => check(url));
  }

  for (const codec of ["int16", "int32", "float32"]) {
    it(`takes ${codec}`, () => check(`/v2/models/m/stream?samples=${codec}`));
  }

  const unknown = "samples must be one of int16, int32, float32, got";
  const nowhere = "samples belong to one model: ask for '?samples=' at /v2/models/{model}/stream";
  const refusals: readonly (readonly [string, string])[] = [
    ["/v2/models/m/stream?samples=mp3", `${unknown} 'mp3'`],
    ["/v2/models/m/stream?samples=INT16", `${unknown} 'INT16'`],
    ["/v2/models/m/versions/2/stream?samples=", `${unknown} ''`],
    ["/ws?samples=int16", nowhere],
    ["/ws?samples=mp3", nowhere],
  ];
  for (const [url, message] of refusals) {
    it(`refuses ${url}`, () =>
      assert.throws(() => check(url), { code: "invalid-request", message }));
  }
});

describe("addressOf", () => {
  const rows: readonly (readonly [SocketTarget, Parameters<typeof addressOf>[0], unknown[]])[] = [
    [anyModel, { model: "n", version: undefined }, ["n", undefined]],
    [anyModel, { model: "n", version: "3" }, ["n", "3"]],
    [oneModel, { model: undefined, version: undefined }, ["m", undefined]],
    [oneModel, { model: "m", version: "3" }, ["m", "3"]],
    [oneVersion, { model: undefined, version: undefined }, ["m", "2"]],
    [oneVersion, { model: "m", version: "3" }, ["m", "2"]],
  ];
  for (const [target, frame, expected] of rows) {
    it(`on ${target.endpoint} is ${expected.join(" ")} for ${JSON.stringify(frame)}`, () => {
      const { model, version } = addressOf(frame, target);
      assert.deepEqual([model, version], expected);
    });
  }

  const refusals: readonly (readonly [SocketTarget, string | undefined, string])[] = [
    [anyModel, undefined, "model must name a model on this socket, got nothing"],
    [oneModel, "n", "model must be 'm' on this socket, got 'n'"],
  ];
  for (const [target, model, message] of refusals) {
    it(`on ${target.endpoint} is nobody for ${model ?? "no model"}`, () =>
      assert.throws(() => addressOf({ model, version: undefined }, target), {
        code: "invalid-request",
        message,
      }));
  }
});
