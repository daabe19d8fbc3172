import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { forkFrom } from "../../supervisor/child-process.ts";

interface Outcome {
  readonly pid: number;
  readonly exits: readonly unknown[];
  readonly lines: readonly string[];
}

/** Where `tsx` is found, which runs these tests and so their children. */
const here = process.cwd();
const cadence = { beatMs: 1_000, restMs: 10_000 };

/** What is heard of a child until it is gone, and a little after. */
function run(entry: URL, folder: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const exits: unknown[] = [];
    const lines: string[] = [];
    const child = forkFrom<object>(
      entry,
      folder,
      cadence,
    )({
      onMessage: () => undefined,
      onLine: (_, line) => lines.push(line),
      onExit: (code, signal) => {
        exits.push([code, signal]);
        child.send({});
        child.kill();
        setTimeout(() => resolve({ pid: child.pid, exits, lines }), 100);
      },
    });
  });
}

describe("a child process", () => {
  let folder = "";
  const script = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(file, text);
    return pathToFileURL(file);
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "troupe-child-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("that ends is heard of once", async () => {
    const entry = await script("ends.mjs", "process.exit(3);");
    assert.deepEqual((await run(entry, here)).exits, [[3, null]]);
  });

  it("is heard without the colours of what it prints", async () => {
    const text =
      'console.error("\\u001b[1;31m2026 [E:onnxruntime] bad\\u001b[m"); process.exit(0);';
    const entry = await script("coloured.mjs", text);
    assert.deepEqual((await run(entry, here)).lines, ["2026 [E:onnxruntime] bad"]);
  });

  it("that the system does not start ends once, and says why", async () => {
    const entry = await script("never.mjs", "");
    const { pid, exits, lines } = await run(entry, join(folder, "missing"));
    assert.deepEqual([pid, exits, lines.length], [0, [[null, null]], 1]);
    assert.match(lines[0] ?? "", /^Cannot fork: .*ENOENT/);
  });

  it("that cannot be forked at all ends once, after it was returned", async () => {
    const { pid, exits, lines } = await run(new URL("http://example.test/x.mjs"), folder);
    assert.deepEqual([pid, exits, lines.length], [0, [[null, null]], 1]);
  });

  it("that dies without having taken a handle is heard of", async () => {
    const entry = await script("deaf.mjs", "for (;;);");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const exit = await new Promise((resolve) => {
      const listeners = {
        onMessage: () => undefined,
        onLine: () => undefined,
        onExit: (...how: unknown[]) => resolve(how),
      };
      const child = forkFrom<object>(entry, here, cadence)(listeners);
      child.send({ type: "listen" }, server);
      child.kill();
    });
    server.close();
    assert.deepEqual(exit, [null, "SIGKILL"]);
  });

  it("that prints without a newline is cut short", async () => {
    const text = 'process.stdout.write("x".repeat(1e6) + "\\nnext", () => process.exit(0));';
    const { lines } = await run(await script("prints.mjs", text), here);
    assert.deepEqual(lines, ["x".repeat(2_000), "next"]);
  });
});
