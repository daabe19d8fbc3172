import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  type Dirent,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { crashOnLoadModel } from "../../models/crash-models.ts";
import { externalScale } from "../../models/external-models.ts";
import { heavyModel } from "../../models/loop-models.ts";
import {
  brokenModel,
  constantOutputModel,
  echoModel,
  gatherModel,
} from "../../models/odd-models.ts";
import { assertError } from "./answers.ts";
import { type Cluster, type Owner, startReady } from "./cluster.ts";
import type { Answer, Reply } from "./http-client.ts";
import { litterOf } from "./model-changes.ts";
import { formHeaders, formOf, HeldUpload, type Part, uploadParts } from "./multipart.ts";
import { waitFor } from "./wait.ts";

const maxUploadBytes = 100_000;
const row = [1, 2, 3, 4];
const echo = echoModel();
const echoFile = ["net.onnx", echo] as const;

interface VersionJson extends Answer {
  readonly id: string;
  readonly state: string;
  readonly is_loaded: boolean;
  readonly kind: string | null;
  readonly inputs: unknown;
  readonly batching: unknown;
  readonly digest: string;
  readonly size_bytes: number;
}

interface ModelJson extends VersionJson {
  readonly default: string | null;
  readonly versions: readonly VersionJson[];
  readonly replicas: { readonly wanted: number; readonly ready: number };
}

const cluster = await startReady(
  { after },
  {
    models: { flat: { onnx: echo }, pair: { onnx: echo, yaml: "bake_ms: 0" } },
    flags: ["--max-upload-bytes", String(maxUploadBytes)],
  },
);
const modelsFolder = join(cluster.home, "models");

interface SendOptions {
  readonly to?: Cluster;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly chunked?: boolean;
}

function sendForm(
  parts: readonly Part[],
  { to = cluster, path = "/models", headers = {}, chunked = false }: SendOptions = {},
): Promise<Reply<VersionJson>> {
  const body = formOf(parts);
  const all = { ...formHeaders, ...headers };
  return to.send({ method: "POST", path, body, headers: all, chunked, agent: false });
}

function upload(fields: Readonly<Record<string, string>>, options?: SendOptions) {
  return sendForm(uploadParts(fields, echoFile), options);
}

async function uploads(id: string, options?: SendOptions): Promise<VersionJson> {
  const { status, json, text } = await upload({ id }, options);
  assert.equal(status, 201, text);
  return json;
}

function change(path: string, method = "POST", to = cluster): Promise<Reply<ModelJson>> {
  return to.send({ method, path: `/models/${path}`, headers: {} });
}

function patch(model: string, body: unknown, to = cluster): Promise<Reply<ModelJson>> {
  return to.send({ method: "PATCH", path: `/models/${model}`, body });
}

async function show(path: string, to = cluster): Promise<ModelJson> {
  const { status, json, text } = await to.get<ModelJson>(`/models/${path}`);
  assert.equal(status, 200, text);
  return json;
}

async function serves(model: string, to = cluster): Promise<void> {
  const { status, json, text } = await to.predict(model, { features: row });
  assert.deepEqual([status, json.predictions], [200, [row]], text);
}

/** All of a folder with what its files hold, but for Troupe's own. */
function contentOf(folder: string): Record<string, string> {
  const entries: readonly Dirent[] = readdirSync(folder, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const own = files.filter((path) => !path.startsWith(join(folder, ".troupe")));
  return Object.fromEntries(own.map((path) => [path, readFileSync(path, "latin1")]));
}

async function leavesNothing(of = cluster): Promise<void> {
  await waitFor(() => litterOf(of).length === 0, "the remains of uploads to be gone");
}

/** Refused, and neither the folder nor what is known has changed. */
async function changesNothing(act: () => Promise<void>): Promise<void> {
  const before = contentOf(cluster.home);
  const known = await filesKnown();
  await act();
  await leavesNothing();
  const files = contentOf(cluster.home);
  const journal = join(modelsFolder, ".troupe");
  const strange = Object.keys(files).filter((path) => before[path] !== files[path]);
  assert.deepEqual(
    strange.filter((path) => !path.startsWith(journal)),
    [],
  );
  assert.deepEqual(await filesKnown(), known);
}

/** Each model's versions and what is in them; what earlier uploads are still about does not matter. */
async function filesKnown(): Promise<readonly string[]> {
  const { models } = (await cluster.get<{ readonly models: readonly ModelJson[] }>("/models")).json;
  return models.flatMap(({ id, versions }) =>
    versions.map(({ version, digest }) => `${id}/${version} ${digest}`),
  );
}

describe("An upload", () => {
  it("makes a model that is described, lies in the folder and predicts at once", async () => {
    const { id, version, state, kind, inputs, outputs, batching, digest, size_bytes } =
      await uploads("fresh");
    await serves("fresh");
    assert.deepEqual([id, version, state, kind], ["fresh", "1", "ready", "stateless"]);
    assert.deepEqual(inputs, [{ name: "x", datatype: "FP32", shape: [-1, 4] }]);
    assert.deepEqual(outputs, [{ name: "y", datatype: "FP32", shape: [-1, 4] }]);
    assert.deepEqual(batching, { type: "batched", max_batch_size: 64 });
    assert.equal(digest, `sha256:${createHash("sha256").update(echo).digest("hex")}`);
    assert.equal(size_bytes, echo.length);
    const stored = readFileSync(join(modelsFolder, "fresh", "1", "model.onnx"));
    assert.deepEqual([...stored], [...echo]);
    await leavesNothing();
  });

  it("says when a model cannot be batched", async () => {
    const parts = uploadParts({ id: "unbatched" }, ["m.onnx", constantOutputModel()]);
    const { status, json } = await sendForm(parts);
    assert.equal(status, 201);
    assert.deepEqual((json.batching as { readonly type: string }).type, "unbatched");
  });

  it("takes the next number for its version, beside a model without folders too", async () => {
    assert.equal((await uploads("flat")).version, "2");
    assert.equal((await uploads("flat")).version, "3");
    const { status, json } = await upload({ id: "flat", version: "10" });
    assert.deepEqual([status, json.version], [201, "10"]);
    assert.equal((await uploads("flat")).version, "11");
    const { default: chosen, versions } = await show("flat");
    assert.equal(chosen, "11");
    assert.deepEqual(
      versions.map(({ version }) => version),
      ["1", "2", "3", "10", "11"],
    );
    assert.equal((await cluster.predict("flat", { features: row })).json.version, "11");
  });

  it("is taken at /models/upload, with its name as a parameter or after the file", async () => {
    const byQuery = await sendForm(uploadParts({}, echoFile), {
      path: "/models/upload?name=by-query&version=v1.2",
    });
    assert.deepEqual([byQuery.status, byQuery.json.version], [201, "v1.2"], byQuery.text);
    const [file, id] = uploadParts({ id: "after" }, echoFile).toReversed();
    assert.ok(file !== undefined && id !== undefined);
    assert.equal((await sendForm([file, id])).status, 201);
    await serves("by-query");
    await serves("after");
  });

  const configs: readonly (readonly [string, string])[] = [
    ["json", '{"labels": ["a", "b", "c", "d"], "batching": {"max_batch_size": 8}}'],
    ["yaml", "labels: [a, b, c, d]\nbatching: {max_batch_size: 8}\n"],
  ];
  for (const [id, config] of configs) {
    it(`brings its configuration as ${id}`, async () => {
      const { status, json, text } = await upload({ id, config });
      assert.equal(status, 201, text);
      assert.deepEqual(json.batching, { type: "batched", max_batch_size: 8 });
      const { json: shown } = await cluster.get<{ config: { labels: unknown } }>(
        `/models/${id}/config`,
      );
      assert.deepEqual(shown.config.labels, ["a", "b", "c", "d"]);
      assert.match(readFileSync(join(modelsFolder, id, "model.yaml"), "utf8"), /^labels:/m);
    });
  }

  it("brings the file of its weights", async () => {
    const { onnx, data } = externalScale();
    const files = [["net.onnx", onnx] as const, ["weights.bin", data] as const];
    const { status, json, text } = await sendForm(uploadParts({ id: "external" }, ...files));
    assert.equal(status, 201, text);
    assert.equal(json.size_bytes, onnx.length + data.length);
    const { json: answer } = await cluster.predict("external", { features: row });
    assert.deepEqual(answer.predictions, [[1, 4, 9, 16]]);
  });

  it("of a model that is there replaces it without a folder of its own being touched", async () => {
    const before = readFileSync(join(modelsFolder, "pair", "model.onnx"));
    const parts = uploadParts({ id: "pair" }, ["m.onnx", gatherModel()]);
    assert.equal((await sendForm(parts)).status, 201);
    const { json } = await cluster.predict("pair", { inputs: { index: [3] } });
    assert.equal(json.version, "2", JSON.stringify(json));
    assert.deepEqual(readFileSync(join(modelsFolder, "pair", "model.onnx")), before);
  });
});

describe("A file that is no good", () => {
  const { onnx } = externalScale();
  const bad: readonly (readonly [string, readonly Part[], RegExp])[] = [
    ["is no model", uploadParts({ id: "no" }, ["m.onnx", brokenModel()]), /protobuf/i],
    ["is empty", uploadParts({ id: "no" }, ["m.onnx", Buffer.alloc(0)]), /./],
    ["is cut off", uploadParts({ id: "no" }, ["m.onnx", echo.subarray(0, 60)]), /protobuf|graph/i],
    ["lacks its weights", uploadParts({ id: "no" }, ["m.onnx", onnx]), /weights\.bin/],
    [
      "fails its golden sample",
      uploadParts(
        {
          id: "no",
          config: JSON.stringify({
            golden: [{ inputs: { x: [row] }, outputs: { y: [[9, 9, 9, 9]] } }],
          }),
        },
        echoFile,
      ),
      /golden/,
    ],
    [
      "has a configuration that names versions which are not there",
      uploadParts({ id: "no", config: "versions: [7]" }, echoFile),
      /7/,
    ],
  ];
  for (const [what, parts, words] of bad) {
    it(`is refused where it ${what}`, () =>
      changesNothing(async () => {
        const reply = await sendForm(parts);
        assertError(reply, 422, "invalid-model");
        assert.match(reply.json.error, words);
        assert.doesNotMatch(reply.json.error, /\/tmp\/|\.troupe|model\.onnx/);
        assertError(await cluster.predict("no", { features: row }), 404, "model-not-found");
      }));
  }

  const isTrapped = process.arch === "x64";
  it("ends only the process that tries it", { skip: !isTrapped }, () =>
    changesNothing(async () => {
      const restarts = await cluster.restarts();
      const reply = await sendForm(uploadParts({ id: "no" }, ["m.onnx", crashOnLoadModel()]));
      assertError(reply, 422, "invalid-model");
      assert.match(reply.json.error, /SIGFPE/);
      assert.equal(await cluster.restarts(), restarts);
    }),
  );

  const malformed: readonly (readonly [string, readonly Part[], number])[] = [
    ["no file", uploadParts({ id: "no" }), 400],
    ["no name", uploadParts({}, echoFile), 400],
    ["two models", uploadParts({ id: "no" }, echoFile, ["other.onnx", echo]), 400],
    ["a field nobody knows", uploadParts({ id: "no", versoin: "1" }, echoFile), 400],
    ["a title alone", uploadParts({ name: "No such name" }, echoFile), 400],
    ["a misspelt configuration", uploadParts({ id: "no", config: "lables: [a]" }, echoFile), 422],
    ["a configuration that is no YAML", uploadParts({ id: "no", config: "{" }, echoFile), 422],
  ];
  for (const [what, parts, status] of malformed) {
    it(`is refused with ${what}`, () =>
      changesNothing(async () => {
        const reply = await sendForm(parts);
        assert.equal(reply.status, status, reply.text);
      }));
  }

  it("is refused where its form is cut off, and where it is no form", () =>
    changesNothing(async () => {
      const whole = formOf(uploadParts({ id: "no" }, echoFile));
      const body = whole.subarray(0, whole.length - 30);
      const ask = { method: "POST", path: "/models", agent: false } as const;
      const cut = await cluster.send({ ...ask, body, headers: formHeaders });
      assertError(cut, 400, "invalid-request");
      const none = await cluster.send({ ...ask, body: "{}" });
      assertError(none, 415, "unsupported-media-type");
    }));
});

describe("A name that could lead elsewhere", () => {
  const names = [
    "../x",
    ".x",
    "..",
    "",
    "x".repeat(65),
    "a/b",
    "a\\b",
    "/tmp/x",
    "a b",
    "é",
    "a\n",
  ];
  for (const field of ["id", "name", "version"]) {
    for (const name of names) {
      it(`is refused: ${field} ${JSON.stringify(name)}`, () =>
        changesNothing(async () => {
          const id = field === "version" ? { id: "no" } : {};
          assertError(await upload({ ...id, [field]: name }), 400, "invalid-request");
          const path = `/models?${field}=${encodeURIComponent(name)}`;
          assertError(await upload(id, { path }), 400, "invalid-request");
        }));
    }
  }

  for (const file of ["../w.bin", ".w", "a/w.bin", "/tmp/w.bin", "model.yaml"]) {
    it(`is refused: a second file ${file}`, () =>
      changesNothing(async () => {
        const parts = uploadParts({ id: "no" }, echoFile, [file, Buffer.from("w")]);
        assert.equal((await sendForm(parts)).status, 400);
      }));
  }

  it("is not followed where the folder has a link of that name", async (t) => {
    const outside = mkdtempSync("/tmp/trt-outside-");
    t.after(() => rmSync(outside, { recursive: true }));
    symlinkSync(outside, join(modelsFolder, "linked"));
    assertError(await upload({ id: "linked" }), 409, "conflict");
    assert.deepEqual(readdirSync(outside), []);
    rmSync(join(modelsFolder, "linked"));
    await leavesNothing();
  });
});

describe("An upload over what is there", () => {
  it("is refused, and the live one serves throughout, untouched", () =>
    changesNothing(async () => {
      const other = uploadParts({ id: "fresh", version: "1" }, ["m.onnx", gatherModel()]);
      const { pid } = await cluster.host("fresh");
      let isOver = false;
      const serving = (async () => {
        while (!isOver) await serves("fresh");
      })();
      for (const parts of [other, other.toReversed()]) {
        assertError(await sendForm(parts), 409, "conflict");
      }
      isOver = true;
      await serving;
      assert.equal((await cluster.host("fresh")).pid, pid);
    }));

  const formFor = (id: string, isNamedFirst: boolean) => {
    const parts = uploadParts({ id, version: "1" }, echoFile);
    return formOf(isNamedFirst ? parts : parts.toReversed());
  };
  const underWay = () => litterOf(cluster).filter((path) => /uploads\/[^/]+\/0$/.test(path)).length;

  it("at the same time is refused before its bytes are sent, where its name comes first", async () => {
    const form = formFor("early", true);
    const first = new HeldUpload(cluster.url, form, 10);
    await waitFor(() => underWay() === 1, "the first to be under way");
    const second = new HeldUpload(cluster.url, form, 10);
    assert.equal(await second.status, 409);
    first.finish();
    assert.equal(await first.status, 201);
    await serves("early");
    await leavesNothing();
  });

  it("at the same time is refused at the end, where its name comes last", async () => {
    const form = formFor("late", false);
    const pair = [0, 1].map(() => new HeldUpload(cluster.url, form, 10));
    await waitFor(() => underWay() === 2, "both to be under way");
    for (const one of pair) one.finish();
    const statuses = await Promise.all(pair.map(({ status }) => status));
    assert.deepEqual(statuses.toSorted(), [201, 409]);
    await serves("late");
    await leavesNothing();
  });
});

describe("An upload that is too large", () => {
  const parts = uploadParts({ id: "large" }, ["m.onnx", Buffer.alloc(maxUploadBytes + 1)]);
  for (const chunked of [false, true]) {
    it(`is refused ${chunked ? "without" : "with"} its length`, () =>
      changesNothing(async () => {
        const reply = await sendForm(parts, { chunked });
        assertError(reply, 413, "payload-too-large");
        assert.match(reply.json.error, /max_upload_bytes/);
      }));
  }
});

describe("A client that leaves midway", () => {
  it("leaves nothing", () =>
    changesNothing(async () => {
      const large = ["m.onnx", Buffer.alloc(50_000)] as const;
      const held = new HeldUpload(cluster.url, formOf(uploadParts({ id: "left" }, large)), 20_000);
      await waitFor(() => litterOf(cluster).length > 1, "a part of the file to be stored");
      held.leave();
      await leavesNothing();
    }));
});

describe("A page of somebody else", () => {
  const own = () => new URL(cluster.url).host;
  const refused: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["a foreign host", { host: "evil.example" }],
    ["a foreign host that looks like ours", { host: "127.0.0.1.evil.example" }],
    ["a foreign origin", { origin: "https://evil.example" }],
    ["an opaque origin", { origin: "null" }],
    ["a foreign host and the same origin", { host: "evil.example", origin: "http://evil.example" }],
    ["another port's origin", { origin: "http://127.0.0.1:1" }],
    ["a cross-site fetch", { "sec-fetch-site": "cross-site" }],
  ];
  for (const [what, headers] of refused) {
    it(`changes nothing: ${what}`, () =>
      changesNothing(async () => {
        assertError(await upload({ id: "no" }, { headers }), 403, "forbidden");
        const changes = [
          ["POST", "/models/fresh/unload"],
          ["POST", "/models/fresh/load"],
          ["POST", "/models/fresh/restart"],
          ["PATCH", "/models/fresh"],
          ["DELETE", "/models/fresh"],
          ["DELETE", "/models/fresh/versions/1"],
        ] as const;
        for (const [method, path] of changes) {
          const reply = await cluster.send({ method, path, headers, body: "{}" });
          assertError(reply, 403, "forbidden");
        }
      }));
  }

  it("is not mistaken for the server's own", async () => {
    const origin = `http://${own()}`;
    await uploads("same-origin", { headers: { origin, "sec-fetch-site": "same-origin" } });
    const host = `localhost:${new URL(cluster.url).port}`;
    await uploads("same-origin", { headers: { host, origin: `http://${host}` } });
  });
});

describe("A server beyond this machine", () => {
  const models = { echo: { onnx: echo } };

  it("lets nobody change its models, and serves them", async (t) => {
    const open = await startReady(t, { models, flags: ["--host", "0.0.0.0"] });
    assertError(await upload({ id: "no" }, { to: open }), 403, "forbidden");
    for (const method of ["PATCH", "DELETE"]) {
      assertError(await change("echo", method, open), 403, "forbidden");
    }
    assertError(await change("echo/unload", "POST", open), 403, "forbidden");
    await serves("echo", open);
    assert.equal((await show("echo", open)).state, "ready");
    await open.endsCleanly();
  });

  it("lets everybody with --insecure-no-auth", async (t) => {
    const flags = ["--host", "0.0.0.0", "--insecure-no-auth"];
    const open = await startReady(t, { models, flags });
    await uploads("new", { to: open, headers: { host: "models.example" } });
    await serves("new", open);
    const headers = { origin: "https://evil.example" };
    assertError(await upload({ id: "no" }, { to: open, headers }), 403, "forbidden");
    await open.endsCleanly();
  });
});

describe("A change", () => {
  it("is of a model and a version that are there", async () => {
    const paths = [
      ["GET", "none"],
      ["GET", "none/config"],
      ["GET", "fresh/versions/9"],
      ["GET", "none/versions/1"],
      ["GET", "..%2Fx"],
      ["POST", "none/load"],
      ["POST", "none/unload"],
      ["POST", "none/restart"],
      ["POST", "fresh/load?version=9"],
      ["POST", "fresh/unload?version=9"],
      ["DELETE", "none"],
      ["DELETE", "fresh/versions/9"],
    ] as const;
    for (const [method, path] of paths) {
      assertError(await change(path, method), 404, "model-not-found");
    }
    assertError(await patch("none", { replicas: 2 }), 404, "model-not-found");
    assertError(await patch("fresh", { replica: 2 }), 400, "invalid-request");
  });

  it("to unloaded ends the process, and to loaded brings it back", async () => {
    await uploads("lazy");
    const [pid] = await cluster.pidsOf("lazy");
    assert.ok(pid !== undefined);
    const unloaded = await change("lazy/unload");
    assert.deepEqual([unloaded.status, unloaded.json.state], [200, "unloaded"]);
    assert.equal(existsSync(`/proc/${pid}`), false);
    assertError(await cluster.predict("lazy", { features: row }), 503, "model-unavailable");
    assert.equal((await show("lazy")).is_loaded, false);
    assert.equal((await cluster.get("/readyz")).status, 200);
    assert.equal((await change("lazy/unload")).status, 200);
    const loaded = await change("lazy/load");
    assert.deepEqual([loaded.status, loaded.json.state], [200, "ready"]);
    await serves("lazy");
  });

  it("to deleted takes the last version's files, process and name", async () => {
    await uploads("gone");
    await uploads("gone");
    const removed = await change("gone/versions/2", "DELETE");
    assert.equal(removed.status, 200, removed.text);
    assert.deepEqual(readdirSync(join(modelsFolder, "gone")), ["1"]);
    assert.equal((await show("gone")).default, "1");
    await serves("gone");
    const [pid] = await cluster.pidsOf("gone");
    assert.equal((await change("gone", "DELETE")).status, 200);
    assert.equal(existsSync(`/proc/${pid}`), false);
    assert.equal(existsSync(join(modelsFolder, "gone")), false);
    assertError(await change("gone", "GET"), 404, "model-not-found");
    assertError(await cluster.predict("gone", { features: row }), 404, "model-not-found");
    await leavesNothing();
    assert.equal((await uploads("gone")).version, "1");
    await serves("gone");
  });

  it("waits for no other: a second one is refused while the first runs", async () => {
    await uploads("busy");
    const slow = ["m.onnx", heavyModel({ size: 256, repeats: 12_000 })] as const;
    const config = "batching: {max_batch_size: 1}";
    let isDone = false;
    const first = sendForm(uploadParts({ id: "busy", config }, slow)).finally(() => {
      isDone = true;
    });
    const isTried = ({ step, model, version }: Readonly<Record<string, unknown>>) =>
      step === "trial" && model === "busy" && version === "2";
    await waitFor(() => cluster.logs.some(isTried), "the trial of version 2");
    const before = contentOf(join(modelsFolder, "busy"));
    const changes = [
      ["POST", "busy/load"],
      ["POST", "busy/unload"],
      ["POST", "busy/restart"],
      ["DELETE", "busy"],
      ["DELETE", "busy/versions/1"],
    ] as const;
    for (const [method, path] of changes) assertError(await change(path, method), 409, "conflict");
    assertError(await patch("busy", { replicas: 2 }), 409, "conflict");
    assertError(await upload({ id: "busy", version: "7" }), 409, "conflict");
    await serves("busy");
    assert.equal(isDone, false);
    assert.deepEqual(contentOf(join(modelsFolder, "busy")), before);
    const { status, json, text } = await first;
    assert.deepEqual([status, json.version], [201, "2"], text);
    assert.equal((await change("busy", "DELETE")).status, 200);
  });
});

it("and nothing is left of all that", () => cluster.endsCleanly());

describe("A server that is killed", () => {
  const again = (owner: Owner, home: string) =>
    startReady(owner, { home, modelsFolder: join(home, "models") });

  it("still has what was uploaded, changed and unloaded", async (t) => {
    const first = await startReady(t, { models: { flat: { onnx: echo } } });
    for (const id of ["kept", "scaled", "resting", "removed"]) await uploads(id, { to: first });
    await uploads("kept", { to: first });
    await uploads("flat", { to: first });
    const changes = { replicas: 2, labels: ["a", "b", "c", "d"], bake_ms: 0 };
    const scaled = await patch("scaled", changes, first);
    assert.equal(scaled.status, 200, scaled.text);
    assert.equal((await change("resting/unload", "POST", first)).status, 200);
    assert.equal((await change("removed", "DELETE", first)).status, 200);
    const pinned = await patch("kept", { default_version: "1" }, first);
    assert.equal(pinned.status, 200, pinned.text);
    first.signal("SIGKILL");
    await first.ended();

    const second = await again(t, first.home);
    for (const id of ["kept", "scaled", "flat"]) await serves(id, second);
    assert.equal((await show("kept", second)).default, "1");
    assert.equal((await show("flat", second)).default, "2");
    assert.equal((await second.hosts("scaled")).length, 2);
    const { labels } = (await second.predict("scaled", { features: row })).json;
    assert.equal(labels[0]?.label, "d");
    assert.equal((await show("resting", second)).state, "unloaded");
    assertError(await second.predict("resting", { features: row }), 503, "model-unavailable");
    assertError(await change("removed", "GET", second), 404, "model-not-found");
    assert.equal((await change("resting/load", "POST", second)).status, 200);
    await serves("resting", second);
    await second.endsCleanly();
  });

  interface Moment {
    readonly name: string;
    readonly isNow: (at: Cluster, id: string) => boolean;
    /** What is there after the restart; undefined where it may be either. */
    readonly isThere?: boolean;
  }

  const stepOf = (step: string) => (at: Cluster, id: string) =>
    at.lines.some((line) => line.includes(`"step":"${step}"`) && line.includes(`"${id}"`));
  const rollsOut = (at: Cluster, id: string) =>
    at.lines.some((line) => line.includes('"rollout":"starting"') && line.includes(`"${id}"`));
  const begins = (at: Cluster, id: string) =>
    readFileSync(join(at.home, "models", ".troupe", "journal"), "utf8").includes(
      `{"type":"installing","model":"${id}"`,
    );
  const moments: readonly Moment[] = [
    {
      name: "bytes-come",
      isNow: (at) => litterOf(at).some((path) => /uploads\/[^/]+\/0$/.test(path)),
      isThere: false,
    },
    { name: "trial", isNow: stepOf("trial"), isThere: false },
    { name: "warm-up", isNow: stepOf("warmup") },
    { name: "installing", isNow: begins },
    { name: "renamed", isNow: (at, id) => existsSync(join(at.home, "models", id)), isThere: true },
    { name: "installed", isNow: stepOf("installed"), isThere: true },
    { name: "rollout", isNow: rollsOut, isThere: true },
  ];
  const config = "labels: [a, b, c, d]\n";

  /** Looks far more often than `waitFor` does: some moments last a millisecond. */
  async function killAt(at: Cluster, { name, isNow }: Moment): Promise<void> {
    const held = new HeldUpload(at.url, formOf(uploadParts({ id: name, config }, echoFile)), 10);
    if (name !== "bytes-come") held.finish();
    const until = performance.now() + 10_000;
    while (!isNow(at, name)) {
      assert.ok(performance.now() < until, name);
      await turn();
    }
    at.signal("SIGKILL");
    await at.ended();
    await assert.rejects(held.status);
  }

  async function isWholeOrAbsent(at: Cluster, name: string): Promise<boolean> {
    const folder = join(at.home, "models", name);
    if (!existsSync(folder)) {
      assertError(await at.predict(name, { features: row }), 404, "model-not-found");
      return false;
    }
    await serves(name, at);
    assert.deepEqual(contentOf(folder), {
      [join(folder, "1", "model.onnx")]: Buffer.from(echo).toString("latin1"),
      [join(folder, "model.yaml")]: config,
    });
    return true;
  }

  it("in an upload has all of it or none, and no litter, when it is back", async (t) => {
    let at = await startReady(t, { models: { steady: { onnx: echo } } });
    // Makes the journal.
    await uploads("first", { to: at });
    for (const moment of moments) {
      await killAt(at, moment);
      at = await again(t, at.home);
      await serves("steady", at);
      const isThere = await isWholeOrAbsent(at, moment.name);
      assert.equal(isThere, moment.isThere ?? isThere, moment.name);
      const models = join(at.home, "models");
      const known = ["steady", "first", ...(isThere ? [moment.name] : [])];
      assert.deepEqual(readdirSync(models).toSorted(), [".troupe", ...known].toSorted());
      assert.deepEqual(readdirSync(join(models, ".troupe")).toSorted(), ["journal", "work"]);
      const [own = "", ...others] = readdirSync(join(models, ".troupe", "work"));
      assert.deepEqual([own.startsWith(`${at.pid}-`), others], [true, []]);
      // Each would be started again after every moment that follows.
      if (isThere) assert.equal((await change(moment.name, "DELETE", at)).status, 200);
    }
    await at.endsCleanly();
  });
});
