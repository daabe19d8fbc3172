/* Which files a model may read, on real models: ONNX Runtime is loaded here. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import { chooseEngine } from "../../model-host/engine-choice.ts";
import { InlineEngine } from "../../model-host/inline-engine.ts";
import { currentStamp, giveBack, readModelFiles } from "../../model-host/model-file.ts";
import { ThreadEngine } from "../../model-host/thread-engine.ts";
import {
  type ExternalModel,
  externalConstant,
  externalScale,
} from "../../models/external-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import type { NamedFile } from "../../src/protocol/control.ts";
import { fp32, numbersOf } from "./fake-engine.ts";
import { it, settings } from "./real-engine.ts";

const root = mkdtempSync(join(tmpdir(), "model-file-"));
after(() => rmSync(root, { recursive: true }));

let folders = 0;

interface Folder {
  readonly file: string;
  readonly beside: readonly NamedFile[];
}

/** A model and the weights beside it, which `place` puts there. */
function folder(
  onnx: Uint8Array,
  place: (file: string) => void = () => undefined,
  name = "weights.bin",
): Folder {
  folders += 1;
  const path = join(root, String(folders));
  mkdirSync(path);
  const file = join(path, "model.onnx");
  writeFileSync(file, onnx);
  place(join(path, name));
  return { file, beside: [{ name, file: join(path, name) }] };
}

function whole({ onnx, data }: ExternalModel): Folder {
  return folder(onnx, (file) => writeFileSync(file, data));
}

function load({ file, beside }: Folder, engine = new InlineEngine()): Promise<unknown> {
  return engine.load(file, settings, beside);
}

const thread = new ThreadEngine(() => undefined);

for (const [name, engine] of [
  ["ThreadEngine", thread],
  ["InlineEngine", new InlineEngine()],
] as const) {
  describe(`the weights beside a model of a ${name}`, () => {
    it("are read", async () => {
      const { file, beside } = whole(externalScale());
      await engine.load(file, settings, beside);
      const { outputs } = await engine.run([{ name: "x", ...fp32([1, 4], [1, 1, 2, 2]) }], ["y"]);
      assert.deepEqual(outputs.map(numbersOf), [[1, 2, 6, 8]]);
    });

    it("are read for a node of the main graph", async () => {
      const { file, beside } = whole(externalConstant(0));
      await engine.load(file, settings, beside);
      const { outputs } = await engine.run([{ name: "x", ...fp32([1]) }], ["y0"]);
      assert.deepEqual(outputs.map(numbersOf), [[1, 2, 3, 4]]);
    });
  });
}

describe("chooseEngine", () => {
  it("takes the files beside the model along", async () => {
    const { metadata } = await chooseEngine({
      ...whole(externalScale()),
      settings,
      trial: { maxBatchSize: 8, skip: null, state: null, stream: null },
      onDeath: () => undefined,
      onLoaded: () => Promise.resolve(),
    });
    assert.deepEqual(metadata.batching, { type: "batched", maxBatchSize: 8 });
  });
});

describe("a model", () => {
  const { data } = externalScale();
  const secret = join(root, "secret");
  writeFileSync(secret, data);
  const onlyBeside = "and only files beside it are read";
  const rows: readonly (readonly [string, Folder, string | RegExp])[] = [
    [
      "a file above",
      folder(externalScale("../secret").onnx),
      `the model keeps data in '../secret', ${onlyBeside}`,
    ],
    ["an absolute path", folder(externalScale(secret).onnx), new RegExp(onlyBeside)],
    [
      "its own folder",
      folder(externalScale(".").onnx),
      `the model keeps data in '.', ${onlyBeside}`,
    ],
    ["no name", folder(externalScale("").onnx), `the model keeps data in '', ${onlyBeside}`],
    [
      "a file in a folder beside",
      folder(externalScale("a/b").onnx, (file) => writeFileSync(file, data), "a_b"),
      /only files beside/,
    ],
    [
      "a file that is not beside it",
      { ...folder(externalScale().onnx), beside: [] },
      "the model keeps data in 'weights.bin', which is not beside it",
    ],
    [
      "a file that is gone",
      folder(externalScale().onnx),
      "'weights.bin' cannot be opened: it is gone",
    ],
    [
      "a symbolic link",
      folder(externalScale().onnx, (file) => symlinkSync(secret, file)),
      "'weights.bin' cannot be opened: it is a symbolic link",
    ],
    [
      "a folder",
      folder(externalScale().onnx, (file) => mkdirSync(file)),
      "'weights.bin' is no regular file",
    ],
    [
      "a pipe",
      folder(externalScale().onnx, (file) => execFileSync("mkfifo", [file])),
      "'weights.bin' is no regular file",
    ],
    [
      "a file that is too short",
      folder(externalScale().onnx, (file) => writeFileSync(file, data.subarray(0, 8))),
      /w offset: 0 .* out of bounds/,
    ],
  ];
  for (const [place, files, message] of rows) {
    it(`is refused that keeps data in ${place}`, () =>
      assert.rejects(load(files), { code: "invalid-model", message }));
  }

  it("is refused that is a symbolic link itself", async () => {
    const { file } = folder(echoModel());
    const link = `${file}.link`;
    symlinkSync(file, link);
    await assert.rejects(load({ file: link, beside: [] }), {
      message: "the model cannot be opened: it is a symbolic link",
    });
  });

  // The working directory is what ONNX Runtime would look in.
  it("reads no file of the working directory, though it hides the location", async () => {
    const before = process.cwd();
    process.chdir(root);
    try {
      const { onnx } = externalConstant(18, "secret");
      await assert.rejects(load(folder(onnx)), { code: "invalid-model" });
    } finally {
      process.chdir(before);
    }
  });
});

describe("giveBack", () => {
  it("takes what was read from whoever holds it", () => {
    const bytes = Buffer.alloc(100_000);
    giveBack(bytes);
    assert.equal(bytes.length, 0);
  });

  it("leaves what shares its memory with others", () => {
    const bytes = Buffer.from("small");
    giveBack(bytes);
    assert.equal(bytes.toString(), "small");
  });
});

/** The clock of files ticks every few milliseconds on older kernels. */
function writeLater(file: string, bytes: Uint8Array): void {
  const changedAt = () => statSync(file, { bigint: true }).ctimeNs;
  const before = changedAt();
  while (changedAt() === before) writeFileSync(file, bytes);
}

describe("the stamp of a model's files", () => {
  const stampOf = async ({ file, beside }: Folder) => (await readModelFiles(file, beside)).stamp;
  const weightsOf = ({ beside }: Folder) => beside[0]?.file as string;
  const model = externalScale();

  it("stays while nobody touches them", async () => {
    const files = whole(model);
    assert.equal(await stampOf(files), await stampOf(files));
  });

  for (const [what, pathOf, bytes] of [
    ["the model", ({ file }: Folder) => file, model.onnx],
    ["its weights", weightsOf, model.data],
  ] as const) {
    it(`is another where the bytes of ${what} are written again`, async () => {
      const files = whole(model);
      const before = await stampOf(files);
      writeLater(pathOf(files), bytes);
      assert.notEqual(await stampOf(files), before);
    });

    it(`is another where another file takes the place of ${what}`, async () => {
      const files = whole(model);
      const before = await stampOf(files);
      writeFileSync(`${pathOf(files)}.new`, bytes);
      renameSync(`${pathOf(files)}.new`, pathOf(files));
      assert.notEqual(await stampOf(files), before);
    });
  }

  it("is that of the load until one of them is written anew or gone", async () => {
    const { file, beside } = whole(externalScale());
    const { stamp, externalFiles } = await new InlineEngine().load(file, settings, beside);
    const now = () => currentStamp(file, beside, externalFiles);
    assert.deepEqual([await now(), externalFiles], [stamp, ["weights.bin"]]);
    const [weights] = beside;
    writeLater(weights?.file ?? "", externalScale().data);
    assert.notEqual(await now(), stamp);
    rmSync(weights?.file ?? "");
    assert.equal(await now(), undefined);
  });
});
