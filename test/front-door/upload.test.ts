import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import { request } from "node:http";
import { describe, it } from "node:test";
import type { DoorEvent } from "../../src/protocol/control.ts";
import { type ErrorCode, TroupeError } from "../../src/protocol/errors.ts";
import type { ModelChange, Question } from "../../src/protocol/questions.ts";
import { head, serveManagement } from "./management-server.ts";
import { codeOf } from "./raw-client.ts";
import { until } from "./until.ts";

const bounded = { timeout: 60_000 };
const boundary = "----b";
const formType = `content-type: multipart/form-data; boundary=${boundary}`;
const formEnd = `--${boundary}--\r\n`;

function part(field: string, content: string, fileName?: string): string {
  const file = fileName === undefined ? "" : `; filename="${fileName}"`;
  return `--${boundary}\r\ncontent-disposition: form-data; name="${field}"${file}\r\n\r\n${content}\r\n`;
}

function form(...parts: readonly string[]): string {
  return `${parts.join("")}${formEnd}`;
}

function post(path: string, body: string, length = Buffer.byteLength(body)): string {
  return head("POST", path, [formType, `content-length: ${length}`]) + body;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function kinds(asked: readonly Question[]): readonly string[] {
  return asked.map((question) => question.type);
}

function changeOf(asked: readonly Question[]): Extract<ModelChange, { type: "upload" }> {
  const last = asked.at(-1);
  assert.ok(last?.type === "change" && last.change.type === "upload");
  return last.change;
}

async function openFiles(folder: string): Promise<readonly string[]> {
  const fds = await readdir("/proc/self/fd");
  const paths = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return paths.filter((path) => path.startsWith(folder));
}

const model = part("file", "onnx!", "iris.onnx");
/** Whether the supervisor hears of it, and of why. */
function assertDropped(event: DoorEvent | undefined, code: ErrorCode, words: RegExp): void {
  assert.ok(event?.type === "upload-dropped", JSON.stringify(event));
  assert.deepEqual([event.uploadId, event.code], ["u1", code]);
  assert.match(event.reason, words);
}

describe("An upload", bounded, () => {
  for (const path of ["/models", "/models/upload"]) {
    it(`goes into the folder that was opened for it: ${path}`, async (t) => {
      const { connect, asked, told } = await serveManagement(t);
      const client = connect();
      client.write(post(path, form(part("id", "iris"), part("version", "2"), model)));
      const { status, headers, body } = await client.answer();
      assert.deepEqual([status, headers["content-type"]], [201, "application/json; charset=utf-8"]);
      const nexus = path === "/models" ? {} : { model: {}, info: { inputs: [], outputs: [] } };
      assert.deepEqual(JSON.parse(body), { ...asked.at(-1), ...nexus });
      const { files, ...change } = changeOf(asked);
      const [file] = files;
      assert.deepEqual(change, {
        type: "upload",
        uploadId: "u1",
        model: "iris",
        version: "2",
        config: null,
      });
      const { path: stored = "", ...rest } = file ?? {};
      assert.deepEqual(rest, { name: "model.onnx", bytes: 5, digest: digest("onnx!") });
      assert.equal(await readFile(stored, "utf8"), "onnx!");
      assert.deepEqual(told, [{ type: "upload-progress", uploadId: "u1", bytes: 5 }]);
    });
  }

  it("has several files, and a configuration that may be one too", async (t) => {
    const { connect, asked } = await serveManagement(t);
    const config = part("config", "required: true", "model.yaml");
    const weights = part("file", "w".repeat(100_000), "iris.onnx.data");
    const client = connect();
    client.write(post("/models?name=iris", form(config, model, weights)));
    assert.equal((await client.answer()).status, 201);
    const change = changeOf(asked);
    assert.deepEqual([change.model, change.config], ["iris", "required: true"]);
    const files = change.files.map(({ name, bytes }) => [name, bytes]);
    assert.deepEqual(files, [
      ["iris.onnx", 5],
      ["iris.onnx.data", 100_000],
    ]);
  });

  const orders: readonly (readonly [string, string, readonly string[], string | null])[] = [
    ["in the query", "/models?id=m&version=2", [model], "2"],
    ["before the file", "/models", [part("version", "2"), part("id", "m"), model], "2"],
    ["behind the file", "/models", [model, part("version", "2"), part("id", "m")], "2"],
    ["without a version", "/models?id=m", [model, part("file", "x", "w")], null],
  ];
  for (const [where, path, parts, version] of orders) {
    it(`is named once: ${where}`, async (t) => {
      const { connect, asked } = await serveManagement(t);
      const client = connect();
      client.write(post(path, form(...parts)));
      await client.answer();
      assert.deepEqual(kinds(asked), ["open-upload", "name-upload", "change"]);
      assert.deepEqual(asked[1], { type: "name-upload", uploadId: "u1", model: "m", version });
    });
  }

  it("of any size takes little memory, and tells how far it is", async (t) => {
    const { port, asked, told, clock } = await serveManagement(t, { maxUploadBytes: 2 ** 30 });
    const chunk = Buffer.alloc(1_048_576, "x");
    const chunks = 192;
    const headers = { host: "localhost", "content-type": formType.slice(14) };
    const options = { port, host: "127.0.0.1", method: "POST", path: "/models?id=m", headers };
    const sent = request(options);
    const answered = new Promise<number>((resolve) => {
      sent.on("response", (response) => resolve(response.resume().statusCode ?? 0));
    });
    const start = part("file", "", "m.onnx").slice(0, -2);
    sent.write(start);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let at = 0; at < chunks; at += 1) {
      if (!sent.write(chunk)) await new Promise((resolve) => sent.once("drain", resolve));
      clock.advance(100);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    sent.end(`\r\n${formEnd}`);
    assert.equal(await answered, 201);
    assert.equal(changeOf(asked).files[0]?.bytes, chunks * chunk.length);
    assert.ok(most < 64 * 1_048_576, `${most} bytes were held`);
    const progress = told.filter(({ type }) => type === "upload-progress");
    assert.ok(progress.length > 3 && progress.length <= (chunks * 100) / 250 + 2);
  });

  it("is invited only when it may come", async (t) => {
    const { connect } = await serveManagement(t);
    const client = connect();
    const body = form(part("id", "m"), model);
    const length = `content-length: ${Buffer.byteLength(body)}`;
    client.write(head("POST", "/models", [formType, length, "expect: 100-continue"]));
    await client.has("100 Continue\r\n\r\n");
    client.text = "";
    client.write(body);
    assert.equal((await client.answer()).status, 201);
  });
});

describe("An upload that is refused", bounded, () => {
  const whole: readonly (readonly [string, string, string, number, RegExp])[] = [
    ["a path", "/models?id=m", form(part("file", "x", "../m.onnx")), 400, /must be no path/],
    ["a name without @", "/models?id=m", form(part("file", "m.onnx")), 400, /: -F file=@m\.onnx$/],
    ["a long text", "/models?id=m", form(part("file", "x".repeat(65_537))), 400, /-F file=@model/],
    ["a file in the query", "/models?id=m&file=m.onnx", form(model), 400, /^unknown parameter/],
    ["two models", "/models?id=m", form(model, part("model", "x", "n.onnx")), 400, /exactly one/],
    ["no file", "/models?id=m", form(part("version", "1")), 400, /exactly one .* got none/],
    ["no id", "/models", form(model), 400, /^id must name the model/],
    ["a field unknown", "/models?id=m", form(part("x", "1"), model), 400, /^unknown field 'x'/],
    ["a field twice", "/models?id=m", form(part("id", "m"), model), 400, /^id was given twice/],
    ["a long field", "/models", form(part("config", "x".repeat(65_537))), 400, /^config must be/],
    ["a bad name", "/models", form(part("id", "a/b"), model), 400, /^id must be 1 to 64/],
    ["a query unknown", "/models?ID=m", form(model), 400, /^unknown parameter 'ID'/],
    ["a form cut off", "/models?id=m", model, 400, /ends too early/],
    ["a file cut off", "/models?id=m", model.slice(0, -4), 400, /ends too early/],
    ["no form", "/models?id=m", "nonsense", 400, /ends too early/],
    [
      "too many files",
      "/models?id=m",
      form(...Array.from({ length: 65 }, (_, at) => part("file", "x", `${at}`))),
      400,
      /too many files/,
    ],
  ];
  for (const [what, path, body, status, words] of whole) {
    it(`is dropped: ${what}`, async (t) => {
      const { connect, asked, told, folder } = await serveManagement(t);
      const client = connect();
      client.write(post(path, body));
      const answer = await client.answer();
      assert.equal(answer.status, status);
      assert.match(JSON.parse(answer.body).error, words);
      assert.equal(kinds(asked).includes("change"), false);
      if (kinds(asked).includes("open-upload")) {
        assertDropped(told.at(-1), "invalid-request", words);
      }
      assert.deepEqual(await openFiles(folder), []);
    });
  }

  it("is no form, before anything is asked", async (t) => {
    const { connect, asked } = await serveManagement(t);
    const client = connect();
    client.write(head("POST", "/models?id=m", ["content-length: 2"]), "{}");
    assert.deepEqual([(await client.answer()).status, asked], [415, []]);
  });

  const types: readonly (readonly [string, number])[] = [
    ["content-type: application/octet-stream", 415],
    ["content-type: application/x-www-form-urlencoded", 415],
    ["x-nothing: 1", 415],
    ["content-type: multipart/form-data", 400],
  ];
  for (const [type, status] of types) {
    it(`is no form: ${type}`, async (t) => {
      const { connect } = await serveManagement(t);
      const client = connect();
      client.write(head("POST", "/models?id=m", [type, "content-length: 2"]), "{}");
      assert.equal((await client.answer()).status, status);
    });
  }

  it("is too large by its own word, before anything is asked", async (t) => {
    const { connect, asked } = await serveManagement(t, { maxUploadBytes: 1_000 });
    const client = connect();
    client.write(post("/models?id=m", "", 1_001));
    const { status, body } = await client.answer();
    assert.deepEqual([status, asked], [413, []]);
    assert.match(JSON.parse(body).error, /at most 1000 bytes \(max_upload_bytes\)/);
  });

  it("is too large in the end", async (t) => {
    const { connect, told, folder } = await serveManagement(t, { maxUploadBytes: 100_000 });
    const client = connect();
    const chunked = [formType, "transfer-encoding: chunked"];
    client.write(head("POST", "/models?id=m", chunked));
    const start = part("file", "x".repeat(90_000), "m.onnx").slice(0, -2);
    client.write(`${start.length.toString(16)}\r\n${start}\r\n`);
    client.write(`${(20_000).toString(16)}\r\n${"x".repeat(20_000)}\r\n`);
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [413, "payload-too-large"]);
    assertDropped(told.at(-1), "payload-too-large", /max_upload_bytes/);
    assert.deepEqual(await openFiles(folder), []);
  });

  it("is one too many of its model, and hears of it before its bytes are sent", async (t) => {
    const conflict = new TroupeError("conflict", "another upload of 'm' is under way");
    const answer = (question: Question) => (question.type === "name-upload" ? conflict : undefined);
    const { connect, told, asked } = await serveManagement(t, {}, answer);
    const client = connect();
    client.write(post("/models?id=m", part("file", "x".repeat(1_000), "m.onnx"), 900_000));
    const { status, headers } = await client.answer();
    assert.deepEqual([status, headers["connection"]], [409, "close"]);
    assertDropped(told.at(-1), "conflict", /another upload of 'm'/);
    assert.deepEqual(kinds(asked), ["open-upload", "name-upload"]);
  });

  it("finds no folder open to it", async (t) => {
    const full = new TroupeError("storage-full", "no room");
    const { connect, told } = await serveManagement(t, {}, () => full);
    const client = connect();
    client.write(post("/models?id=m", form(model)));
    assert.deepEqual([(await client.answer()).status, told], [507, []]);
  });

  it("finds a folder too late, which is given back", async (t) => {
    const silent = new TroupeError("model-unavailable", "the supervisor did not answer");
    const { connect, told, late } = await serveManagement(t, {}, () => silent);
    const client = connect();
    client.write(post("/models?id=m", form(model)));
    assert.deepEqual([(await client.answer()).status, told], [503, []]);
    late[0]?.('{"upload_id":"u1","folder":"/x"}');
    assert.equal(told.length, 1);
    assertDropped(told[0], "model-unavailable", /too late/);
  });

  it("cannot be written", async (t) => {
    const opened = '{"upload_id":"u1","folder":"/nowhere/at/all"}';
    const answer = ({ type }: Question) => (type === "open-upload" ? opened : undefined);
    const { connect, told } = await serveManagement(t, {}, answer);
    const client = connect();
    client.write(post("/models?id=m", form(model)));
    const { status, body } = await client.answer();
    assert.deepEqual([status, JSON.parse(body).error], [500, "internal error"]);
    assert.equal(told.length, 1);
    assertDropped(told[0], "internal", /^internal error$/);
  });

  it("is not dropped where the change itself fails, which is the supervisor's", async (t) => {
    const broken = new TroupeError("invalid-model", "no ONNX");
    const answer = ({ type }: Question) => (type === "change" ? broken : undefined);
    const { connect, told } = await serveManagement(t, {}, answer);
    const client = connect();
    client.write(post("/models?id=m", form(model)));
    assert.equal((await client.answer()).status, 422);
    assert.equal(
      told.some(({ type }) => type === "upload-dropped"),
      false,
    );
  });
});

describe("An upload whose client", bounded, () => {
  const start = part("file", "x".repeat(200_000), "m.onnx").slice(0, -2);
  /** So few that nobody waits for the disk. */
  const few = part("file", "x".repeat(10_000), "m.onnx").slice(0, -2);

  it("has left is dropped, and leaves no file open", async (t) => {
    const { connect, told, folder, asked, lines, metrics } = await serveManagement(t);
    const client = connect();
    client.write(post("/models?id=m", start, 900_000));
    await until(() => told.length > 0, "some bytes");
    assert.equal((await openFiles(folder)).length, 1);
    client.socket.destroy();
    await until(() => told.at(-1)?.type === "upload-dropped", "the drop");
    assertDropped(told.at(-1), "cancelled", /the client left/);
    await until(() => lines.length > 0, "its line");
    const [line = {}] = lines;
    const { method, path, status, code } = line;
    assert.deepEqual([method, path, status, code], ["POST", "/models", 499, "cancelled"]);
    const counted = metrics.route("POST", "/models", 499).requests.value;
    assert.equal(counted, 1);
    assert.deepEqual(await openFiles(folder), []);
    assert.equal(kinds(asked).includes("change"), false);
  });

  it("has left before its folder was there is dropped", async (t) => {
    let open = () => {};
    const opened = new Promise<undefined>((resolve) => {
      open = () => resolve(undefined);
    });
    const answer = ({ type }: Question) => (type === "open-upload" ? opened : undefined);
    const { connect, told, asked, server } = await serveManagement(t, {}, answer);
    let isGone = false;
    server.on("connection", (socket) => {
      socket.on("close", () => {
        isGone = true;
      });
    });
    const client = connect();
    client.write(post("/models?id=m", "", 900_000));
    await until(() => asked.length > 0, "the question");
    client.socket.destroy();
    await until(() => isGone, "the end");
    open();
    await until(() => told.length > 0, "the drop");
    assert.equal(told.length, 1);
    assertDropped(told[0], "cancelled", /the client left/);
  });

  it("says nothing for 30 s is too slow", async (t) => {
    const { connect, told, clock, folder } = await serveManagement(t);
    const client = connect();
    client.write(post("/models?id=m", few, 900_000));
    await until(() => told.length > 0, "some bytes");
    clock.advance(29_500);
    await new Promise(setImmediate);
    assert.equal(client.text, "");
    clock.advance(500);
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [408, "request-timeout"]);
    assertDropped(told.at(-1), "request-timeout", /behind 16384 bytes a second/);
    assert.deepEqual(await openFiles(folder), []);
  });

  it("sends a byte now and then is too slow, and hears how fast it must be", async (t) => {
    const { connect, told, clock } = await serveManagement(t);
    const client = connect();
    client.write(post("/models?id=m", few, 900_000));
    await until(() => told.length > 0, "some bytes");
    for (let second = 0; second < 30; second += 5) {
      const before = told.length;
      clock.advance(5_000 - 10);
      client.write("x");
      await until(() => told.length > before, "a byte");
    }
    clock.advance(5_000);
    const answer = await client.answer();
    assert.equal(answer.status, 408);
    assert.match(
      JSON.parse(answer.body).error,
      /behind 16384 bytes a second; it did, with 10\d+ bytes/,
    );
    assertDropped(told.at(-1), "request-timeout", /behind 16384 bytes a second/);
  });

  it("has a line of 64 kB a second gets through", async (t) => {
    const { connect, told, clock } = await serveManagement(t, { maxUploadBytes: 10_000_000 });
    const client = connect();
    const second = "x".repeat(64_000);
    const body = `${few}${second.repeat(60)}\r\n${formEnd}`;
    client.write(post("/models?id=m", few, body.length));
    await until(() => told.length > 0, "some bytes");
    for (let at = 0; at < 60; at += 1) {
      const before = told.length;
      clock.advance(1_000);
      client.write(second);
      await until(() => told.length > before, "a second's bytes");
    }
    client.write(body.slice(few.length + 60 * second.length));
    assert.equal((await client.answer()).status, 201);
  });
});
