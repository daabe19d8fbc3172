import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";

const dist = join(import.meta.dirname, "..", "..", "dist");
const entries = ["model-host/start.js", "src/front-door/main.js"];

describe("A process whose supervisor ends before it has begun", () => {
  for (const entry of entries) {
    it(`ends too: ${entry}`, async () => {
      const child = fork(join(dist, entry), ["1000", "30000"], {
        stdio: ["ignore", "ignore", "ignore", "ipc", "ignore"],
      });
      const ended = once(child, "exit");
      child.disconnect();
      assert.deepEqual(await ended, [null, "SIGKILL"]);
    });
  }
});
