import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { LineSink } from "../../src/platform/line-sink.ts";

function openFile(test: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "line-sink-"));
  const file = join(folder, "log");
  const fd = openSync(file, "a");
  test.after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return { fd, text: () => readFileSync(file, "utf8") };
}

const source = join(import.meta.dirname, "../../src/platform/line-sink.ts");

/** A process that runs the script with a `sink` of its standard output, as others see it. */
function spawnWith(test: TestContext, script: string) {
  const code = `import { LineSink } from ${JSON.stringify(source)};
    const sink = new LineSink({ fd: 1, gatherBytes: 0 });
    ${script}`;
  const flags = ["--import", "tsx", "--input-type=module", "--eval", code];
  const child = spawn(process.execPath, flags, { stdio: ["pipe", "pipe", "inherit"] });
  test.after(() => child.kill("SIGKILL"));
  return child;
}

describe("LineSink", () => {
  it("gathers lines, and writes them when there are enough or when it is told", (test) => {
    const { fd, text } = openFile(test);
    const sink = new LineSink({ fd, gatherBytes: 6 });
    sink.write("one\n");
    assert.equal(text(), "");
    sink.write("zwö\n");
    assert.equal(text(), "one\nzwö\n");
    sink.write("3\n");
    sink.flush();
    assert.equal(text(), "one\nzwö\n3\n");
  });

  it("goes on when its reader is gone", async (test) => {
    const child = spawnWith(
      test,
      `process.stdin.once("data", () => {
        for (let line = 0; line < 10_000; line += 1) sink.write("x".repeat(100) + "\\n");
        sink.end();
        process.exit(7);
      });
      sink.write("ready\\n");`,
    );
    await once(child.stdout, "data");
    child.stdout.destroy();
    await once(child.stdout, "close");
    child.stdin.write("go\n");
    assert.deepEqual(await once(child, "exit"), [7, null]);
  });

  it("keeps lines whole for a reader that is slow", async (test) => {
    const child = spawnWith(
      test,
      `for (let line = 0; line < 40_000; line += 1) sink.write(line + "x".repeat(100) + "\\n");
      process.stdin.once("data", () => {
        sink.end();
        process.exit(0);
      });`,
    );
    child.stdin.write("go\n");
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    const lines = Buffer.concat(chunks).toString("utf8").trimEnd().split("\n");
    for (const line of lines) assert.match(line, /^\d+x{100}$/);
    assert.match(lines.at(-1) ?? "", /^39999x/);
  });
});
