import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { processStart } from "../../supervisor/process-start.ts";

describe("processStart", { skip: !existsSync("/proc/self/stat") }, () => {
  it("is the same each time, and later for those that begin later", () => {
    const [own, parent] = [process.pid, process.ppid].map(processStart);
    assert.match(own ?? "", /^[1-9]\d*$/);
    assert.equal(processStart(process.pid), own);
    assert.ok(Number(parent) <= Number(own));
  });

  it("has nothing for a process that has ended", () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    assert.equal(processStart(pid), undefined);
  });

  it("has nothing for one that is dead and not buried", async (test) => {
    // The shell becomes a process that does not wait for its child.
    const script = "sleep 0 & echo $!; exec sleep 30";
    const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
    test.after(() => parent.kill());
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    // A busy machine takes its time; the runner's limit ends what never comes.
    while (processStart(pid) !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(processStart(pid), undefined);
    assert.equal(existsSync(`/proc/${pid}`), true);
  });
});
