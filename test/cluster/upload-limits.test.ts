import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { assertError } from "./answers.ts";
import { type Cluster, startReady } from "./cluster.ts";
import type { Answer, Reply } from "./http-client.ts";
import { litterOf } from "./model-changes.ts";
import { formHeaders, formOf, HeldUpload, uploadParts } from "./multipart.ts";
import { waitFor } from "./wait.ts";

const echo = echoModel();
const row = [1, 2, 3, 4];
const mostUploads = 16;

const cluster = await startReady({ after }, {});

function upload(to: Cluster, id: string, onnx: Uint8Array = echo): Promise<Reply<Answer>> {
  const body = formOf(uploadParts({ id }, ["m.onnx", onnx]));
  return to.send({ method: "POST", path: "/models", body, headers: formHeaders });
}

function underWay(): number {
  return litterOf(cluster).filter((path) => /uploads\/[^/]+\/0$/.test(path)).length;
}

/** As many as there may be at once, none of them whole. */
async function holdAll(): Promise<readonly HeldUpload[]> {
  const held = Array.from({ length: mostUploads }, (_, at) => {
    const form = formOf(uploadParts({ id: `held-${at}` }, ["m.onnx", echo]));
    return new HeldUpload(cluster.url, form, 10);
  });
  await waitFor(() => underWay() === mostUploads, `${mostUploads} uploads to be under way`);
  return held;
}

function leavesNothing(of = cluster): Promise<true> {
  return waitFor(() => litterOf(of).length === 0, "the remains of uploads to be gone");
}

async function serves(model: string, by: Cluster): Promise<void> {
  assert.equal((await by.predict(model, { features: row })).status, 200);
}

describe("The seventeenth upload at once", () => {
  it("is to come again later, and has a place as soon as another one has ended", async () => {
    const held = await holdAll();
    const refused = await upload(cluster, "late");
    assertError(refused, 503, "overloaded");
    assert.ok(Number(refused.headers["retry-after"]) >= 1, refused.headers["retry-after"]);
    held[0]?.finish();
    assert.equal(await held[0]?.status, 201);
    assert.equal((await upload(cluster, "late")).status, 201);
    await serves("held-0", cluster);
    await serves("late", cluster);
    for (const one of held) one.leave();
    await leavesNothing();
  });
});

describe("A front door that is killed in the midst of uploads", () => {
  it("leaves nothing of them, and all their places", async () => {
    const held = await holdAll();
    const pidOf = async () => (await cluster.tree()).front_doors[0]?.pid ?? 0;
    const before = await pidOf();
    process.kill(before, "SIGKILL");
    for (const one of held) await assert.rejects(one.status);
    await leavesNothing();
    await waitFor(async () => (await pidOf()) !== before, "another front door");
    for (const one of await holdAll()) one.leave();
    await leavesNothing();
    assert.equal((await upload(cluster, "after")).status, 201);
    await serves("after", cluster);
  });
});

it("and nothing is left of that", () => cluster.endsCleanly());

/** A disk that is soon full, as the models folder of a cluster to be; undefined where nobody may mount one. */
function smallDisk(t: TestContext): string | undefined {
  const home = mkdtempSync("/tmp/trt-");
  const models = join(home, "models");
  mkdirSync(models);
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "none", models]);
  if (mount.status !== 0) return undefined;
  const unmount = () => void spawnSync("umount", ["--lazy", models]);
  process.once("exit", unmount);
  t.after(unmount);
  return home;
}

describe("An upload for which the disk has no room", () => {
  it("is refused with 507 and leaves nothing, and the server goes on", async (t) => {
    const home = smallDisk(t);
    if (home === undefined) return t.skip("needs the right to mount a small disk");
    const full = await startReady(t, { home, modelsFolder: join(home, "models") });
    assert.equal((await upload(full, "small")).status, 201);
    for (const id of ["large", "small"]) {
      const refused = await upload(full, id, Buffer.alloc(400_000));
      assertError(refused, 507, "storage-full");
      await leavesNothing(full);
    }
    const { models } = (await full.get<{ models: readonly { id: string }[] }>("/models")).json;
    assert.deepEqual(
      models.map(({ id }) => id),
      ["small"],
    );
    assert.equal((await upload(full, "next")).status, 201);
    for (const model of ["small", "next"]) await serves(model, full);
    await full.endsCleanly();
  });
});
