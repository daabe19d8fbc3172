import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { PNG } from "pngjs";
import { drawDigit } from "../../models/digits/draw.ts";
import { seededRandom } from "../../models/random.ts";
import { startReady } from "./cluster.ts";
import { type RunOptions, troupe, troupeEntry } from "./command-line.ts";

const repository = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync("/tmp/trt-cli-");
after(() => rmSync(folder, { recursive: true }));

const { onnx, yaml } = await readSamples();
const cluster = await startReady(
  { after },
  {
    models: {
      iris: { onnx: onnx("iris"), yaml: yaml("iris") },
      digits: { onnx: onnx("digits"), yaml: yaml("digits") },
      smoother: { onnx: onnx("smoother"), yaml: yaml("smoother") },
    },
  },
);

async function readSamples() {
  const { readFileSync } = await import("node:fs");
  const path = (name: string, file: string) => join(repository, "models", name, file);
  return {
    onnx: (name: string) => readFileSync(path(name, "model.onnx")),
    yaml: (name: string) => readFileSync(path(name, "model.yaml"), "utf8"),
  };
}

function run(argv: readonly string[], options: RunOptions = {}) {
  return troupe(argv, { url: cluster.url, ...options });
}

const fullDisk = "/dev/full";
const noFullDisk = existsSync(fullDisk) ? false : "there is no full disk here";

const flower = "[5.1,3.5,1.4,0.2]";

describe("the command line, looking", () => {
  it("shows the server's processes", async () => {
    const { code, out } = await run(["status"]);
    assert.equal(code, 0);
    assert.match(out, /^troupe \S+ is ok, up \d+ s\n/);
    assert.match(out, /^host of iris +1 +0 +\d+ +ready/m);
  });

  it("lists models, and one of them as JSON", async () => {
    const { out } = await run(["models"]);
    assert.match(out, /^iris +1 +ready +stateless +1 .*x FP32\[-1,4\]/m);
    const { out: text } = await run(["models", "iris", "--json"]);
    assert.equal((JSON.parse(text) as { name: string }).name, "iris");
  });

  it("follows events until Ctrl-C", async () => {
    const { code, out } = await run(["logs", "--since", "0"], { interruptAt: "digits 1  ready" });
    assert.equal(code, 130);
    assert.match(out, /^\d\d:\d\d:\d\d {2}host {2}digits 1 {2}starting$/m);
  });
});

describe("the command line, asking", () => {
  it("predicts what is typed", async () => {
    const { code, out } = await run(["predict", "iris", flower]);
    assert.equal(code, 0);
    assert.match(out, /^ROW +LABEL +SCORE +VALUES\n +1 +setosa +0\.9995 +\[/);
  });

  it("reads a drawn digit from a PNG of another size", async () => {
    const pixels = drawDigit(3, seededRandom(42));
    const png = new PNG({ width: 56, height: 56 });
    for (let at = 0; at < 56 * 56; at += 1) {
      const [x, y] = [(at % 56) >> 1, Math.floor(at / 112)];
      const paper = Math.round(255 * (1 - (pixels[y * 28 + x] ?? 0)));
      png.data.set([paper, paper, paper, 255], at * 4);
    }
    const file = join(folder, "digit.png");
    writeFileSync(file, PNG.sync.write(png));
    const { code, out, err } = await run(["predict", "digits", `@${file}`, "--invert", "--json"]);
    assert.equal(code, 0, err);
    const { labels } = JSON.parse(out) as { labels: readonly { readonly label: string }[] };
    assert.equal(labels[0]?.label, "3");
    assert.match(err, /digit\.png is 56 × 56, scaled to 28 × 28/);
  });

  it("says the server's reason in one line", async () => {
    const { code, out, err } = await run(["predict", "iris", "[1]"]);
    assert.deepEqual([code, out], [1, ""]);
    assert.equal(
      err,
      "troupe: unexpected shape for input 'x' for model 'iris'. Expected [-1,4], got [1,1] (invalid-request)\n",
    );
  });

  it("streams lines, and exits with 1 where one fails", async () => {
    const whole = await run(["stream", "iris"], { input: `${flower}\n${flower}\n` });
    assert.deepEqual(whole, { code: 0, out: "1  setosa 0.9995\n2  setosa 0.9995\n", err: "" });
    const { code, out } = await run(["stream", "iris", "--json"], { input: `[1]\n${flower}\n` });
    assert.equal(code, 1);
    assert.deepEqual(
      out
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { type: string }).type)
        .sort(),
      ["done", "failed"],
    );
  });

  it("answers the lines before one that it cannot read, and exits with 2", async () => {
    assert.deepEqual(await run(["stream", "iris"], { input: `${flower}\n${flower}\nhello\n` }), {
      code: 2,
      out: "1  setosa 0.9995\n2  setosa 0.9995\n",
      err: "troupe: line 3 must be a list or an object in JSON\n",
    });
  });

  it("streams a WAV file to a model of signals", async () => {
    const samples = Buffer.alloc(400);
    for (let at = 0; at < 200; at += 1) samples.writeInt16LE(at === 150 ? 30_000 : at % 7, at * 2);
    const file = join(folder, "sound.wav");
    writeFileSync(file, Buffer.concat([wavHead(samples.length), samples]));
    const { code, out, err } = await run(["stream", "smoother", file]);
    assert.deepEqual([code, out.trim().split("\n").length], [0, 200], err);
    assert.match(err, /sound\.wav has 200 samples at 1000 Hz/);
  });
});

/** One channel of 16 bits, 1000 in a second. */
function wavHead(bytes: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(1_000, 24);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}

describe("the command line, changing", () => {
  it("uploads, unloads and loads", async () => {
    const file = join(repository, "models/iris/model.onnx");
    const sent = await run(["upload", file, "--id", "flowers", "--version", "3"]);
    assert.equal(sent.code, 0, sent.err);
    assert.match(sent.out, /^flowers +3 +ready +282 B/m);
    const unloaded = await run(["unload", "flowers"]);
    assert.match(unloaded.out, /^flowers +3 +unloaded/m);
    const { code, err } = await run(["predict", "flowers", flower]);
    assert.deepEqual([code, err.endsWith("(model-unavailable)\n")], [4, true]);
    const loaded = await run(["load", "flowers", "--json"]);
    assert.equal((JSON.parse(loaded.out) as { state: string }).state, "ready");
  });

  it("is refused what cannot be served, in the server's words", async () => {
    const file = join(folder, "broken.onnx");
    writeFileSync(file, "this is no model");
    const { code, err } = await run(["upload", file]);
    assert.equal(code, 1);
    assert.match(err, /^troupe: .*\(invalid-model\)\n$/);
  });
});

describe("the command line's server", () => {
  it("fails where its output cannot be written", { skip: noFullDisk }, () => {
    const full = openSync(fullDisk, "w");
    const argv = [troupeEntry, "completion", "bash"];
    const { status, stderr } = spawnSync(process.execPath, argv, {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    assert.equal(status, 1);
    assert.match(stderr, /^troupe: cannot write the output: ENOSPC/);
  });

  it("answers a line with an id of its own, and ends", async () => {
    const line = `{"features": ${flower}, "id": 77}\n`;
    const { code, out, err } = await run(["stream", "iris"], { input: line });
    assert.deepEqual([code, out], [0, "1  setosa 0.9995\n"], err);
  });

  it("is the same by `serve` as without it", async () => {
    for (const argv of [["serve"], []]) {
      const { code, err } = await troupe([...argv, "--models", join(folder, "nowhere")]);
      assert.equal(code, 1);
      assert.match(err, /^troupe: .*nowhere/);
    }
  });

  it("ends cleanly", () => cluster.endsCleanly());
});
