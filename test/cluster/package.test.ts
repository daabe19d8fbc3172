/* What `npm pack` makes, in the hands of somebody who has nothing else. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";

const repository = resolve(import.meta.dirname, "../..");
const home = mkdtempSync("/tmp/trt-pack-");
const app = join(home, "app");
const sources = ["src", "supervisor", "model-host"];
const settings = ["package.json", ".npmrc", "tsconfig.json", "tsconfig.build.json"];
after(() => rmSync(home, { recursive: true }));

/** Without what `npm test` adds, as the tarball's users type at a shell of their own. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD|NODE_OPTIONS)/.test(name)),
);

async function run(command: string, argv: readonly string[], cwd = app): Promise<string> {
  const options = { cwd, env: { ...env, ONNXRUNTIME_NODE_INSTALL: "skip" }, timeout: 180_000 };
  const { stdout } = await promisify(execFile)(command, argv, options);
  return stdout;
}

/** Undefined where the registry cannot be reached; then nothing can be said. */
async function install(): Promise<string | undefined> {
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  const packed = await run("npm", ["pack", "--json", "--pack-destination", home], repository);
  const [{ filename }] = JSON.parse(packed) as [{ readonly filename: string }];
  try {
    await run("npm", ["install", "--prefer-offline", "--no-audit", join(home, filename)]);
    return packed;
  } catch (thrown) {
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(String(thrown))) return;
    throw thrown;
  }
}

const packed = await install();
const skip = packed === undefined ? "no registry can be reached" : false;

describe("packing", () => {
  it("takes what was built, and nothing of an older build", async () => {
    const copy = join(home, "copy");
    mkdirSync(join(copy, "dist/src/client"), { recursive: true });
    for (const name of [...sources, ...settings]) {
      cpSync(join(repository, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"));
    writeFileSync(join(copy, "dist/src/client/left-over.js"), "");
    await run("npm", ["run", "-s", "build"], copy);
    const built = readdirSync(join(copy, "dist/src/client"));
    assert.ok(built.includes("node.js") && !built.includes("left-over.js"), built.join());
  });
});

describe("the packed tarball", { skip }, () => {
  it("holds what runs, the sample models, the proto files and the client's types, and nothing else", () => {
    const [{ files }] = JSON.parse(packed ?? "") as [
      { readonly files: readonly { readonly path: string }[] },
    ];
    const strangers = files
      .map(({ path }) => path)
      .filter(
        (path) =>
          !/^dist\/(src|supervisor|model-host)\/.*\.js$/.test(path) &&
          !/^dist\/src\/(client|protocol|tensors)\/[\w-]+\.d\.ts$/.test(path) &&
          !/^proto\/[\w/]+\.proto$/.test(path) &&
          !/^models\/(digits|iris|smoother)\/(model\.onnx|model\.yaml|README\.md)$/.test(path) &&
          !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
      );
    assert.deepEqual(strangers, []);
  });

  it("gives npx its command", async () => {
    assert.match(await run("npx", ["troupe", "--version"]), /^troupe \d+\.\d+\.\d+\n$/);
    const model = "node_modules/troupe/models/iris/model.onnx";
    const command = join(app, "node_modules/.bin/troupe");
    assert.match(await run(command, ["doctor", model]), /^model\.onnx can be served/);
  });

  it("serves, its client asks, and the files of its page are there", async () => {
    const models = "node_modules/troupe/models";
    const flags = ["serve", "--port", "0", "--grpc-port", "0", "--models", models];
    const server = spawn(join(app, "node_modules/.bin/troupe"), flags, {
      cwd: app,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const url = await urlOf(createInterface({ input: server.stdout }));
      const script = `
        import { TroupeClient } from "troupe/client";
        const model = new TroupeClient(process.argv[1]).model("iris");
        const { labels } = await model.predict([5.1, 3.5, 1.4, 0.2]);
        console.log(labels[0].label);
        const session = model.stream();
        await session.send({ features: [6.7, 3.0, 5.2, 2.3] });
        await session.finish();
        for await (const { labels } of session) console.log(labels[0].label);`;
      const said = await run(process.execPath, ["--input-type=module", "--eval", script, url]);
      assert.equal(said, "setosa\nvirginica\n");
      const { status } = await fetch(`${url}/docs/swagger-ui-bundle.js`);
      assert.equal(status, 200);
    } finally {
      const ended = new Promise((resolveEnd) => server.once("exit", resolveEnd));
      server.kill("SIGTERM");
      assert.equal(await ended, 0);
    }
  });

  it("has types for TypeScript, without those of Node", async () => {
    writeFileSync(
      join(app, "use.ts"),
      `import { type Datatype, type Nested, type PredictAnswer, TroupeClient, TroupeClientError } from "troupe/client";
       const model = new TroupeClient("http://localhost").model("iris");
       const answer: PredictAnswer = await model.predict([1, 2]);
       const values: Nested = answer.predictions;
       const datatype: Datatype = "FP16";
       console.log(values, datatype);
       const { outputs } = await model.infer({ x: { data: new Float32Array(4), shape: [1, 4] } });
       for await (const { type } of model.stream()) if (type === "failed") console.log(answer, outputs);
       const code = (error: TroupeClientError) => error.code === "overloaded";
       // @ts-expect-error: a name is a text.
       new TroupeClient("http://localhost").model(1, code);`,
    );
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false"];
    const flags = [...strict, "--noEmit", "--target", "es2023"];
    const libraries = ["--lib", "es2023,dom,dom.asynciterable", "--types", ""];
    const tsc = join(repository, "node_modules/.bin/tsc");
    for (const [module, resolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ] as const) {
      const modules = ["--module", module, "--moduleResolution", resolution];
      assert.equal(await run(tsc, [...flags, ...modules, ...libraries, "use.ts"]), "");
    }
  });

  it("gives browsers a client that asks for nothing but its own files", async () => {
    const script = 'console.log(Object.keys(await import("troupe/client")).join());';
    const flags = ["--conditions=browser", "--input-type=module", "--eval", script];
    assert.equal(await run(process.execPath, flags), "TroupeClient,TroupeClientError\n");
    const entry = join(app, "node_modules/troupe/dist/src/client/browser.js");
    const foreign = [...importsBelow(entry)].filter((name) => !name.startsWith("/"));
    assert.deepEqual(foreign, []);
  });
});

/** Paths of files, and the names of what is no file. */
function importsBelow(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, name = ""] of readFileSync(file, "utf8").matchAll(
    /(?:from|import\() ?"([^"]+)"/g,
  )) {
    if (name.startsWith(".")) importsBelow(resolve(dirname(file), name), found);
    else found.add(name);
  }
  return found;
}

/** Resolves when the models are ready. */
async function urlOf(lines: AsyncIterable<string>): Promise<string> {
  let url = "";
  for await (const line of lines) {
    const { msg, url: said } = JSON.parse(line) as { readonly msg: string; readonly url?: string };
    if (msg === "listening") url = said ?? "";
    if (msg === "started") return url;
  }
  return assert.fail("the server has ended");
}
