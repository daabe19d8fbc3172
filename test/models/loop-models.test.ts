import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { batchedLoopModel, heavyModel, loopModel, totalModel } from "../../models/loop-models.ts";
import { openModel, runFrames, runModel, runSession, signature, tensor } from "./runtime.ts";

function integers(values: readonly (number | bigint)[], dims: readonly number[]) {
  return tensor("int64", BigInt64Array.from(values, BigInt), dims);
}

function trips(values: readonly number[], dims: readonly number[]) {
  return { trips: integers(values, dims) };
}

/** Says "running" and then makes 2^62 trips; what else it takes is zero. */
const endless = `
  import { InferenceSession, Tensor } from "onnxruntime-node";
  const [model, dims] = process.argv.slice(1);
  const session = await InferenceSession.create(Buffer.from(model, "base64"), { logSeverityLevel: 3 });
  const feeds = session.inputNames.map((name) => {
    const value = name === "trips" ? 2n ** 62n : 0n;
    return [name, new Tensor("int64", BigInt64Array.of(value), JSON.parse(dims))];
  });
  process.stdout.write("running");
  await session.run(Object.fromEntries(feeds));
  process.stdout.write("done");
`;

/** How the child ended that was killed after it had been making its trips for a second. */
async function watchEndlessRun(model: Uint8Array, dims: readonly number[]): Promise<unknown[]> {
  const base64 = Buffer.from(model).toString("base64");
  const child = spawn(
    process.execPath,
    ["--input-type=module", "--eval", endless, base64, JSON.stringify(dims)],
    {
      cwd: new URL("../..", import.meta.url),
      env: { ORT_DISABLE_TELEMETRY: "1" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exit = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), exit]);
  await Promise.race([delay(1000), exit]);
  child.kill("SIGKILL");
  return exit;
}

/** In milliseconds, of several, so that what else the machine does matters little. */
async function quickestRun(model: Uint8Array): Promise<number> {
  const session = await openModel(model);
  const x = tensor("float32", new Float32Array(4), [1, 4]);
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const start = performance.now();
    await runSession(session, { x });
    times.push(performance.now() - start);
  }
  await session.release();
  return Math.min(...times);
}

describe("heavyModel", () => {
  it("gives back what it got", async () => {
    const x = tensor("float32", Float32Array.of(1, -2.5, 3e8, 0, 5, 6, 7, 8), [2, 4]);
    const { y } = await runModel(heavyModel({ size: 16, repeats: 10 }), { x });
    assert.deepEqual(y, { dims: [2, 4], values: [1, -2.5, 3e8, 0, 5, 6, 7, 8] });
  });

  it("takes the longer the more repeats there are", async () => {
    const few = await quickestRun(heavyModel({ size: 64, repeats: 200 }));
    const many = await quickestRun(heavyModel({ size: 64, repeats: 20_000 }));
    assert.ok(many > 10 * few, `${many} ms against ${few} ms`);
  });
});

describe("loopModel", () => {
  for (const [asked, count] of [
    [1, 1n],
    [1000, 1000n],
    [0, 0n],
    [-5, 0n],
  ] as const) {
    it(`counts to ${count} when asked for ${asked} trips`, async () => {
      const answer = await runModel(loopModel(), trips([asked], [1]));
      assert.deepEqual(answer["count"], { dims: [1], values: [count] });
    });
  }

  it("does not end when asked for a huge number of trips", async () => {
    assert.deepEqual(await watchEndlessRun(loopModel(), [1]), [null, "SIGKILL"]);
  });
});

describe("batchedLoopModel", () => {
  it("counts for each row by itself", async () => {
    const { count } = await runModel(batchedLoopModel(), trips([1, 5, -3], [3, 1]));
    assert.deepEqual(count, { dims: [3, 1], values: [1n, 5n, 0n] });
  });

  it("does not end when one row asks for a huge number of trips", async () => {
    assert.deepEqual(await watchEndlessRun(batchedLoopModel(), [1, 1]), [null, "SIGKILL"]);
  });
});

describe("totalModel", () => {
  /** What each frame of one column of trips is answered with: the count, and the state, which is the same. */
  function runColumns(columns: readonly (readonly number[])[], totals: readonly bigint[]) {
    const dims = [totals.length, 1];
    const frames = columns.map((column) => trips(column, dims));
    const first = { total: integers(totals, dims) };
    return runFrames(totalModel(), frames, { first, next: { total: "total_out" } });
  }

  function answers(dims: readonly number[], ...frames: (readonly bigint[])[]) {
    return frames.map((values) => ({ count: { dims, values }, total_out: { dims, values } }));
  }

  it("takes rows of trips and of totals, and gives rows of counts and of totals", async () =>
    assert.deepEqual(await signature(totalModel()), [
      ["trips int64 [batch,1]", "total int64 [batch,1]"],
      ["count int64 [batch,1]", "total_out int64 [batch,1]"],
    ]));

  it("counts on, frame by frame, from what it has counted", async () =>
    assert.deepEqual(
      await runColumns([[1], [5], [0], [-3], [1000]], [0n]),
      answers([1, 1], [1n], [6n], [6n], [6n], [1006n]),
    ));

  it("begins with the total that it is given, however large", async () =>
    assert.deepEqual(
      await runColumns([[2], [3]], [2n ** 60n]),
      answers([1, 1], [2n ** 60n + 2n], [2n ** 60n + 5n]),
    ));

  it("counts for each row by itself, from the row's own total", async () => {
    const columns = [
      [1, 5],
      [7, -3],
      [0, 2],
    ];
    assert.deepEqual(
      await runColumns(columns, [100n, -40n]),
      answers([2, 1], [101n, -35n], [108n, -35n], [108n, -33n]),
    );
  });

  it("does not end when one row asks for a huge number of trips", async () => {
    assert.deepEqual(await watchEndlessRun(totalModel(), [1, 1]), [null, "SIGKILL"]);
  });
});
