import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { lineOf } from "../../supervisor/journal-text.ts";
import { type Cluster, startReady } from "./cluster.ts";
import { litterOf } from "./model-changes.ts";
import { formOf, HeldUpload, uploadParts } from "./multipart.ts";
import { waitFor } from "./wait.ts";

const entry = resolve(import.meta.dirname, "../../dist/src/main.js");
const folder = mkdtempSync("/tmp/trt-");
after(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end, which must come soon. */
function run(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const env = { PATH: process.env["PATH"], TMPDIR: folder, ...environment };
  const child = spawn(process.execPath, [entry, ...flags], { cwd: folder, env, timeout: 20_000 });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (chunk: Buffer) => {
      said[stream] += chunk;
    });
  }
  return new Promise((done) => child.on("close", (code) => done({ code, ...said })));
}

/** One line that says what is wrong, and nothing left. */
function assertRefused(outcome: Outcome, code: number, words: RegExp): void {
  assert.equal(outcome.code, code, outcome.stderr);
  assert.match(outcome.stderr, words);
  assert.match(outcome.stderr, /^troupe: [^\n]+\n$/);
  assert.equal(outcome.stdout, "");
  const left = readdirSync(folder).filter((name) => name.startsWith("troupe-"));
  assert.deepEqual(left, []);
}

mkdirSync(join(folder, "models"));

describe("The command", () => {
  it("says how it is used, and which version it is", async () => {
    const help = await run(["--help"]);
    assert.equal(help.code, 0);
    for (const flag of ["--models", "--port", "--front-doors", "--drain-ms", "--log-level"]) {
      assert.ok(help.stdout.includes(flag), flag);
    }
    const version = await run(["--version"]);
    assert.deepEqual([version.code, /^troupe \d+\.\d+\.\d+\S*\n$/.test(version.stdout)], [0, true]);
  });

  const usage: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["an unknown flag", ["--prot", "1"], /"--prot".*nearest.*--port/],
    ["a value out of range", ["--port", "70000"], /port.*65535.*70000/],
    ["a value that is none of the known", ["--log-level", "loud"], /log-level.*loud/],
    ["a flag without its value", ["--models"], /--models needs a value/],
    ["a stray word", ["serv"], /"serv"/],
  ];
  for (const [what, flags, words] of usage) {
    it(`refuses ${what} with code 2`, async () => {
      assertRefused(await run(flags), 2, words);
    });
  }

  it("refuses an unknown variable of its environment, and an unknown key of its file", async () => {
    assertRefused(await run([], { TROUPE_PROT: "1" }), 2, /"TROUPE_PROT".*TROUPE_PORT/);
    writeFileSync(join(folder, "other.yaml"), "prot: 1\n");
    const outcome = await run(["--config", "other.yaml"]);
    assertRefused(outcome, 2, /prot.*port/);
  });

  it("refuses a folder of models that is not there", async () => {
    assertRefused(await run(["--port", "0", "--models", "nowhere"]), 1, /nowhere does not exist/);
    writeFileSync(join(folder, "file"), "");
    assertRefused(await run(["--port", "0", "--models", "file"]), 1, /file is not a folder/);
  });

  it("refuses a journal that cannot be read, and starts again when it is out of the way", async (t) => {
    const models = join(folder, "journalled");
    const journal = join(models, ".troupe", "journal");
    mkdirSync(journal, { recursive: true });
    const outcome = await run(["--port", "0", "--grpc-port", "0", "--models", models]);
    assertRefused(outcome, 1, /Cannot read the journal \S+\.troupe\/journal: it is not a file; /);
    assert.deepEqual(readdirSync(join(models, ".troupe")), ["journal"]);
    renameSync(journal, `${journal}.away`);
    await (await startReady(t, { modelsFolder: models })).endsCleanly();
  });

  it("refuses a port that somebody has, bound or listening", async (t) => {
    const server = createServer();
    const port = await new Promise<number>((listens) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        listens(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    t.after(() => void server.close());
    const outcome = await run(["--port", String(port), "--models", "models"]);
    assertRefused(outcome, 1, new RegExp(`port ${port} of 127.0.0.1 is in use`));
  });

  it("refuses the port of a server that runs, which does not mind", async (t) => {
    const cluster = await startReady(t, { models: { echo: { onnx: echoModel() } } });
    const { port } = new URL(cluster.url);
    const outcome = await run(["--port", port, "--models", "models"]);
    assertRefused(outcome, 1, new RegExp(`port ${port} of 127.0.0.1 is in use`));
    assert.equal((await cluster.predict("echo", { features: [1, 2, 3, 4] })).status, 200);
    await cluster.endsCleanly();
  });

  it("refuses an address that is not this machine's", async () => {
    const outcome = await run(["--port", "0", "--models", "models", "--host", "192.0.2.1"]);
    assertRefused(outcome, 1, /192\.0\.2\.1/);
  });
});

describe("A server", () => {
  it("starts without any model, and is ready", async (t) => {
    const cluster = await startReady(t, {});
    assert.deepEqual((await cluster.get("/readyz")).json, { ready: true, live: true, reasons: [] });
    await cluster.endsCleanly();
  });

  it("says which lines of a damaged journal do not count, and keeps a copy", async (t) => {
    const home = mkdtempSync("/tmp/trt-");
    const troupe = join(home, "models", ".troupe");
    mkdirSync(troupe, { recursive: true });
    const journal = `damage\n${lineOf({ type: "unloaded", model: "echo", version: null })}`;
    writeFileSync(join(troupe, "journal"), `${journal}0123`);
    const cluster = await startReady(t, { home, modelsFolder: join(home, "models") });
    const told = cluster.logs.filter(({ msg }) => String(msg).includes("journal"));
    assert.deepEqual(
      told.map(({ level, lines, bytes }) => [level, lines, bytes]),
      [
        ["info", undefined, 4],
        ["warn", 1, 7],
        ["warn", undefined, undefined],
      ],
    );
    assert.equal(readFileSync(join(troupe, String(told[2]?.["copy"])), "utf8"), `${journal}0123`);
    await cluster.endsCleanly();
  });

  it("leaves a models folder to the one that has it, and can have it when that was killed", async (t) => {
    const first = await startReady(t, { models: { echo: { onnx: echoModel() } } });
    const modelsFolder = join(first.home, "models");
    const second = await startReady(t, { modelsFolder });
    const seen = second.logs.filter(({ other_pid }) => other_pid === first.pid);
    assert.deepEqual(
      seen.map(({ level }) => level),
      ["warn"],
    );
    const health = async (of: Cluster) =>
      (await of.get<{ status: string; changes_refused: string | null }>("/health")).json;
    assert.equal((await health(first)).changes_refused, null);
    const { status, changes_refused } = await health(second);
    assert.equal(status, "ok");
    assert.match(changes_refused ?? "", new RegExp(`another server \\(process ${first.pid}\\)`));
    const unload = { method: "POST", path: "/models/echo/unload" };
    const refused = await second.send(unload);
    assert.deepEqual([refused.status, refused.json.code], [409, "conflict"], refused.text);
    assert.match(refused.json.error, new RegExp(`another server \\(process ${first.pid}\\)`));
    assert.equal((await second.predict("echo", { features: [1, 2, 3, 4] })).status, 200);
    await second.endsCleanly();
    assert.equal((await first.send({ ...unload, path: "/models/echo/load" })).status, 200);
    first.signal("SIGKILL");
    await first.ended();
    const third = await startReady(t, { modelsFolder });
    assert.equal((await third.send(unload)).status, 200);
    await third.endsCleanly();
  });

  it("says that it removes uploads that another one has left half done", async (t) => {
    const first = await startReady(t, {});
    const form = formOf(uploadParts({ id: "left" }, ["m.onnx", echoModel()]));
    const held = new HeldUpload(first.url, form, 10);
    await waitFor(() => litterOf(first).length > 0, "the upload to be under way");
    first.signal("SIGKILL");
    await first.ended();
    await assert.rejects(held.status);
    const second = await startReady(t, {
      home: first.home,
      modelsFolder: join(first.home, "models"),
    });
    const told = second.logs.filter(({ uploads }) => uploads !== undefined);
    assert.deepEqual(
      told.map(({ level, uploads }) => [level, uploads]),
      [["info", 1]],
    );
    await second.endsCleanly();
  });

  it("logs one JSON object a line, the line with its address among them", async (t) => {
    const cluster = await startReady(t, {
      models: { echo: { onnx: echoModel() } },
      flags: ["--access-log-sample", "1", "--host", "localhost"],
    });
    const id = { "x-request-id": "for-the-log" };
    await cluster.predict("echo", { features: [1, 2, 3, 4] }, id);
    await cluster.predict("echo", { features: "secret" }, id);
    await cluster.endsCleanly();
    const listening = cluster.logs.filter(({ msg }) => msg === "listening");
    assert.deepEqual(
      listening.map(({ url }) => url),
      [cluster.url],
    );
    const requests = cluster.logs.filter(({ request_id }) => request_id === "for-the-log");
    assert.deepEqual(
      requests.map(({ level, status, code, model, version }) => [
        level,
        status,
        code,
        model,
        version,
      ]),
      [
        ["info", 200, undefined, "echo", "1"],
        ["info", 400, "invalid-request", "echo", "1"],
      ],
    );
    for (const field of ["pid", "route", "admission_ms", "decode_ms", "run_ms", "total_ms"]) {
      assert.ok(requests[0] !== undefined && field in requests[0], field);
    }
    assert.deepEqual(cluster.stderr, []);
  });
});
