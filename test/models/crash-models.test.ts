import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { crashModel, crashOnLoadModel } from "../../models/crash-models.ts";
import { openModel, runModel, tensor } from "./runtime.ts";

const childFlag = "TROUPE_TEST_CRASH";
const skip = process.arch === "x64" ? false : "its processor does not trap";

function divide(x: number) {
  return runModel(crashModel(), { x: tensor("int32", Int32Array.of(x), [1, 1]) });
}

/** How a process ends that does so: by a signal, or with 0. */
function endOf(what: "load" | "run"): unknown {
  const args = [...process.execArgv.filter((arg) => !arg.startsWith("--test"))];
  const env = { ...process.env, [childFlag]: what };
  const { signal, status } = spawnSync(process.execPath, [...args, import.meta.filename], { env });
  return signal ?? status;
}

const what = process.env[childFlag];
if (what === "load") await openModel(crashOnLoadModel());
else if (what === "run") await divide(-2);
else {
  describe("crashModel", () => {
    it("divides", async () => {
      assert.deepEqual((await divide(1))["y"], { dims: [1, 1], values: [-(2 ** 30)] });
    });

    it("makes ONNX Runtime throw at -1", () =>
      assert.rejects(divide(-1), /Integer division by zero/));

    it("kills its process at -2", { skip }, () => assert.equal(endOf("run"), "SIGFPE"));
  });

  describe("crashOnLoadModel", () => {
    it("kills the process that loads it", { skip }, () => assert.equal(endOf("load"), "SIGFPE"));
  });
}
