/* What fails, or is cut off, is taken back: exactly what the change has made, and nothing that was there before. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { externalScale } from "../../models/external-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { assertError } from "./answers.ts";
import { type Cluster, type Owner, startReady } from "./cluster.ts";
import type { Reply } from "./http-client.ts";
import {
  addVersion,
  assertServes,
  hostsOfVersion,
  longBake,
  type ModelDescription,
  modelsFolder,
  patch,
  post,
  upload,
  versionOf,
  yamlOf,
} from "./model-changes.ts";
import { waitFor } from "./wait.ts";

const onnx = echoModel();
const features = [1, 2, 3, 4];

const cluster = await startReady(
  { after },
  {
    models: { live: { onnx }, flat: { onnx }, lasting: { onnx, yaml: longBake } },
    flags: ["--front-doors", "1"],
  },
);

function pathOf(...path: readonly string[]): string {
  return join(modelsFolder(cluster), ...path);
}

function remove(path: string): Promise<Reply<ModelDescription>> {
  return cluster.send({ method: "DELETE", path: `/models/${path}`, headers: {} });
}

async function killHostsOf(at: Cluster, model: string, version: string): Promise<boolean> {
  const pids = (await hostsOfVersion(at, model, version)).flatMap(({ pid }) => pid ?? []);
  for (const pid of pids) if (isThere(pid)) process.kill(pid, "SIGKILL");
  return pids.length > 0;
}

function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`).length > 0;
}

/** Its trial passes, but no host of it is let live. */
async function uploadsInVain(model: string, version: string): Promise<Reply<ModelDescription>> {
  let answer: Reply<ModelDescription> | undefined;
  const sent = upload(cluster, { id: model, version }, onnx).then((reply) => {
    answer = reply;
  });
  await waitFor(async () => {
    await killHostsOf(cluster, model, version);
    return answer !== undefined;
  }, "the upload to be refused");
  await sent;
  return answer ?? assert.fail();
}

describe("An upload whose hosts do not live", () => {
  it("leaves nothing of a new model, in the folder or in front doors", async () => {
    const reply = await uploadsInVain("ghost", "1");
    assert.equal(reply.status, 422, reply.text);
    assert.match(reply.json.error, /its host ended \(SIGKILL\)/);
    assert.equal(existsSync(pathOf("ghost")), false);
    assertError(await cluster.predict("ghost", { features }), 404, "model-not-found");
    assertError(await cluster.get("/models/ghost"), 404, "model-not-found");
    assert.equal((await upload(cluster, { id: "ghost" }, onnx)).status, 201);
    await assertServes(cluster, "ghost", "1");
  });

  it("leaves a live model as it was", async () => {
    const reply = await uploadsInVain("live", "2");
    assert.equal(reply.status, 422, reply.text);
    assert.deepEqual(readdirSync(pathOf("live")), ["model.onnx"]);
    await assertServes(cluster, "live", "1");
    const again = await upload(cluster, { id: "live", version: "2" }, onnx);
    assert.equal(again.status, 201, again.text);
    await assertServes(cluster, "live", "2");
  });
});

describe("An upload to a folder that cannot be served", () => {
  it("is refused before it is tried, and leaves the folder alone", async () => {
    mkdirSync(pathOf("broken"));
    for (const name of ["a.onnx", "b.onnx"]) writeFileSync(pathOf("broken", name), onnx);
    const { status, json } = await upload(cluster, { id: "broken" }, onnx);
    assert.equal(status, 422);
    assert.match(json.error, /^Cannot serve model 'broken': holds several \.onnx files/);
    assert.deepEqual(readdirSync(pathOf("broken")), ["a.onnx", "b.onnx"]);
  });
});

describe("A change that names what is not there", () => {
  for (const versions of [["9"], ["1", "9"]]) {
    it(`is refused: versions ${JSON.stringify(versions)}`, async () => {
      const { status, json } = await patch(cluster, "flat", { versions });
      assert.equal(status, 400);
      const words = "versions lists 9, which the folder does not hold; it holds 1";
      assert.equal(json.error, `Cannot change model: ${words}`);
      assert.equal(existsSync(pathOf("flat", "model.yaml")), false);
      await assertServes(cluster, "flat", "1");
    });
  }
});

describe("A version that was rolled back and then removed by hand", () => {
  it("can be uploaded again", async () => {
    assert.equal((await upload(cluster, { id: "lasting", version: "2" }, onnx)).status, 201);
    await killHostsOf(cluster, "lasting", "2");
    await waitFor(
      async () => (await versionOf(cluster, "lasting", "2")).state === "unavailable",
      "the rollback",
    );
    await assertServes(cluster, "lasting", "1");
    rmSync(pathOf("lasting", "2"), { recursive: true });
    const { status, text } = await upload(cluster, { id: "lasting", version: "2" }, onnx);
    assert.equal(status, 201, text);
    await assertServes(cluster, "lasting", "2");
  });
});

describe("A deletion", () => {
  it("of a version without a folder leaves what is not the model's", async () => {
    writeFileSync(pathOf("flat", "data.csv"), "1,2\n");
    addVersion(cluster, "flat", "2", onnx);
    assert.equal((await post(cluster, "flat", "load")).status, 200);
    const { status, text } = await remove("flat/versions/1");
    assert.equal(status, 200, text);
    assert.deepEqual(readdirSync(pathOf("flat")).toSorted(), ["2", "data.csv"]);
    await assertServes(cluster, "flat", "2");
  });

  it("of such a version takes its weights along", async () => {
    const { onnx: scale, data } = externalScale();
    mkdirSync(pathOf("heavy"));
    const files = { "model.onnx": scale, "weights.bin": data, "notes.txt": "" };
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(pathOf("heavy", name), content);
    }
    assert.equal((await upload(cluster, { id: "heavy" }, onnx)).status, 201);
    assert.equal((await post(cluster, "heavy", "load?version=1")).status, 200);
    assert.equal((await remove("heavy/versions/1")).status, 200);
    assert.deepEqual(readdirSync(pathOf("heavy")).toSorted(), ["2", "notes.txt"]);
  });

  it("that cannot be carried out leaves the version serving", async () => {
    assert.equal((await upload(cluster, { id: "flat", version: "3" }, onnx)).status, 201);
    const [work = ""] = readdirSync(pathOf(".troupe", "work"));
    const trash = pathOf(".troupe", "work", work, "trash");
    rmSync(trash, { recursive: true });
    writeFileSync(trash, "");
    for (const path of ["flat/versions/3", "flat"]) {
      assert.equal((await remove(path)).status, 500, path);
      await assertServes(cluster, "flat", "3");
    }
    rmSync(trash);
    mkdirSync(trash);
    assert.equal((await remove("flat/versions/3")).status, 200);
    await assertServes(cluster, "flat", "2");
  });
});

it("and nothing is left of all that", () => cluster.endsCleanly());

describe("A server that is killed before a rollout has lasted", () => {
  async function restarted(owner: Owner, at: Cluster): Promise<Cluster> {
    at.signal("SIGKILL");
    await at.ended();
    return startReady(owner, { home: at.home, modelsFolder: modelsFolder(at) });
  }

  async function rollsBack(at: Cluster, isBack: () => boolean | Promise<boolean>): Promise<void> {
    const states = async () => (await at.get<ModelDescription>("/models/echo")).json.rollout;
    await waitFor(async () => (await states()) === "baking", "the new one to serve");
    const [host] = (await at.hosts("echo")).toSorted((a, b) => Number(b.pid) - Number(a.pid));
    assert.ok(host?.pid);
    process.kill(host.pid, "SIGKILL");
    await waitFor(isBack, "the old one to be back");
  }

  it("rolls the version out once more, and can go back", async (t) => {
    const models = { echo: { onnx, yaml: longBake } };
    const first = await startReady(t, { models });
    assert.equal((await upload(first, { id: "echo" }, onnx)).status, 201);
    const second = await restarted(t, first);
    await rollsBack(second, async () => (await versionOf(second, "echo", "2")).state !== "ready");
    await assertServes(second, "echo", "1");
    const third = await restarted(t, second);
    await assertServes(third, "echo", "1");
    assert.match(
      (await versionOf(third, "echo", "2")).reason ?? "",
      /^rolled back: its host ended/,
    );
    await third.endsCleanly();
  });

  it("rolls the configuration out once more, and can go back to the one before", async (t) => {
    const first = await startReady(t, { models: { echo: { onnx, yaml: longBake } } });
    const changes = { batching: { max_batch_size: 8 } };
    assert.equal((await patch(first, "echo", changes)).status, 200);
    assert.match(yamlOf(first, "echo"), /max_batch_size: 8/);
    const second = await restarted(t, first);
    await rollsBack(second, () => yamlOf(second, "echo") === longBake);
    await assertServes(second, "echo", "1");
    await second.endsCleanly();
  });
});
