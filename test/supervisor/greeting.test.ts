import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Log } from "../../src/platform/log.ts";
import type { Datatype, ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { ModelView, VersionView } from "../../src/protocol/views.ts";
import { greet, greeting } from "../../supervisor/greeting.ts";

function metadata(...inputs: readonly (readonly [Datatype, readonly number[]])[]): ModelMetadata {
  return {
    inputs: inputs.map(([datatype, shape], at) => ({
      name: `x${at}`,
      datatype,
      shape,
      batchAxis: null,
    })),
    outputs: [],
    batching: { type: "unbatched", reason: "" },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  };
}

function version(fields: Partial<VersionView> = {}): VersionView {
  return {
    version: "1",
    state: "ready",
    reason: null,
    backAt: null,
    metadata: metadata(["FP32", [-1, 4]]),
    hosts: [],
    ...fields,
  };
}

function model(name: string, fields: Partial<ModelView> = {}): ModelView {
  return {
    name,
    description: "",
    labels: [],
    required: false,
    defaults: {},
    requestMs: null,
    defaultVersion: null,
    maxOutstandingRequests: 1,
    maxOutstandingBytes: 1,
    maxSequences: 1,
    versions: [version()],
    problem: null,
    drift: null,
    ...fields,
  };
}

const url = "http://127.0.0.1:8080";

describe("greeting", () => {
  it("shows every model with its state, and one request to paste", () => {
    const models = [
      model("digits", {
        description: "Digits",
        versions: [version({ metadata: metadata(["FP32", [-1, 28, 28]]) })],
      }),
      model("iris", { description: "Irises", versions: [version(), version({ version: "2" })] }),
      model("late", {
        description: "Late",
        versions: [version({ state: "loading", reason: "it is being loaded" })],
      }),
      model("bad", { versions: [], problem: "it has no version" }),
    ];
    assert.equal(
      greeting(url, models),
      [
        "",
        "Troupe serves at http://127.0.0.1:8080",
        "",
        "  digits  1  ready        Digits",
        "  iris    1  ready        Irises",
        "  iris    2  ready        Irises",
        "  late    1  loading      it is being loaded",
        "  bad     -  unavailable  it has no version",
        "",
        "Try it:",
        "",
        `  curl ${url}/predict/iris -d '{"features": [[1,1,1,1]]}'`,
        "",
      ].join("\n"),
    );
  });

  const hard: readonly (readonly [string, ModelView])[] = [
    ["of texts", model("m", { versions: [version({ metadata: metadata(["BYTES", [-1]]) })] })],
    [
      "of several inputs",
      model("m", {
        versions: [version({ metadata: metadata(["FP32", [-1]], ["FP32", [-1]]) })],
      }),
    ],
    [
      "of too many numbers",
      model("m", { versions: [version({ metadata: metadata(["FP32", [65]]) })] }),
    ],
    ["that is not ready", model("m", { versions: [version({ state: "unavailable" })] })],
    ["that has no version", model("m", { versions: [], problem: "no" })],
  ];
  for (const [name, one] of hard) {
    it(`shows no request for a model ${name}`, () =>
      assert.doesNotMatch(greeting(url, [one]), /curl/));
  }

  it("needs no models", () =>
    assert.equal(greeting(url, []), "\nTroupe serves at http://127.0.0.1:8080\n\n"));
});

function setUp(host: string, pretty: boolean) {
  const heard: unknown[] = [];
  const log = {
    info: (fields: unknown, words: string) => heard.push([words, fields]),
    warn: (words: string) => heard.push(words),
  };
  const listener = greet({
    host,
    grpcPort: host === "::1" ? 82 : null,
    pretty,
    log: log as unknown as Log,
    say: (text) => heard.push(text),
    refuse: (reason) => heard.push(["refused", reason]),
  });
  return { heard, listener };
}

describe("greet", () => {
  const urls: readonly (readonly [string, string])[] = [
    ["127.0.0.1", "http://127.0.0.1:81"],
    ["0.0.0.0", "http://localhost:81"],
    ["::", "http://localhost:81"],
    ["::1", "http://[::1]:81"],
    ["example.org", "http://example.org:81"],
  ];
  for (const [host, expected] of urls) {
    it(`logs the actual url on ${host}`, () => {
      const { heard, listener } = setUp(host, false);
      listener.onListening(81);
      const grpc = host === "::1" ? "[::1]:82" : undefined;
      assert.deepEqual(heard, [["listening", { url: expected, grpc }]]);
    });
  }

  it("greets a person when the models are there", () => {
    const { heard, listener } = setUp("127.0.0.1", true);
    listener.onListening(8_080);
    listener.onStarted([model("iris")]);
    assert.deepEqual(heard, [["started", { models: 1 }], greeting(url, [model("iris")])]);
  });

  it("greets no program", () => {
    const { heard, listener } = setUp("127.0.0.1", false);
    listener.onStarted([model("iris")]);
    assert.deepEqual(heard, [["started", { models: 1 }]]);
  });

  it("warns a program of what cannot be served", () => {
    const { heard, listener } = setUp("127.0.0.1", false);
    const unavailable = version({ state: "unavailable", reason: "no ONNX" });
    const bad = model("bad", { versions: [version(), unavailable] });
    listener.onStarted([bad, model("odd", { problem: "no file", versions: [] })]);
    assert.deepEqual(heard.slice(1), [
      { model: "bad", version: unavailable.version, reason: "no ONNX" },
      { model: "odd", reason: "no file" },
    ]);
  });

  it("warns once of a problem that all versions of a model have", () => {
    const { heard, listener } = setUp("127.0.0.1", false);
    const versions = [version({ state: "unavailable", reason: "unknown key" })];
    listener.onStarted([model("bad", { versions, problem: "unknown key" })]);
    assert.deepEqual(heard.slice(1), [{ model: "bad", reason: "unknown key" }]);
  });

  it("warns that there is nothing to serve", () => {
    const { heard, listener } = setUp("127.0.0.1", false);
    listener.onStarted([]);
    assert.deepEqual(heard, ["no models: the models folder is empty", ["started", { models: 0 }]]);
  });

  it("refuses to go on where the port cannot be listened on", () => {
    const { heard, listener } = setUp("127.0.0.1", false);
    listener.onListenFailed("EACCES");
    assert.deepEqual(heard, [["refused", "EACCES"]]);
  });
});
