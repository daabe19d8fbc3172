import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { growingMemoryModel } from "../../models/growing-models.ts";
import { openModel, runModel, runSession, tensor } from "./runtime.ts";

function size(count: number) {
  return { size: tensor("int64", BigInt64Array.of(BigInt(count)), [1]) };
}

const childFlag = "TROUPE_TEST_GROWS";
const count = 30_000_000;
const settleRuns = 3;

/** Resident MiB before, and after a large run and small ones. */
async function measure(): Promise<readonly number[]> {
  const session = await openModel(growingMemoryModel());
  const run = (ones: number) => runSession(session, size(ones));
  const resident = () => process.memoryUsage().rss / 2 ** 20;
  await run(1);
  const before = resident();
  await run(count);
  for (let again = 0; again < settleRuns; again += 1) await run(1);
  return [before, resident()];
}

if (process.env[childFlag] === undefined) {
  describe("growingMemoryModel", () => {
    it("adds up as many ones as asked for", async () => {
      const { sum } = await runModel(growingMemoryModel(), size(1_000));
      assert.deepEqual(sum, { dims: [1], values: [1_000] });
    });

    it("keeps the memory that it took", () => {
      const args = [
        ...process.execArgv.filter((arg) => !arg.startsWith("--test")),
        import.meta.filename,
      ];
      const env = { ...process.env, [childFlag]: "1" };
      const [before = 0, after = 0] = JSON.parse(
        execFileSync(process.execPath, args, { env, encoding: "utf8" }),
      );
      const taken = (count * 4) / 2 ** 20;
      assert.ok(after - before > 0.9 * taken, `${before} MiB before, ${after} after`);
    });
  });
} else {
  process.stdout.write(JSON.stringify(await measure()));
}
