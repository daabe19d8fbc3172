import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { growingMemoryModel } from "../../models/growing-models.ts";
import { startReady } from "./cluster.ts";
import { openFeed } from "./event-feed.ts";
import { modelsFolder, patch, post, upload, versionOf, yamlOf } from "./model-changes.ts";
import { inLoops, waitFor } from "./wait.ts";

const mebibyte = 2 ** 20;
const limitMb = 400;
const yaml = `limits: { memory_mb: ${limitMb} }\n`;

const cluster = await startReady(
  { after },
  {
    models: {
      growing: { onnx: growingMemoryModel(), yaml },
      bursting: { onnx: growingMemoryModel(), yaml },
      free: { onnx: growingMemoryModel() },
      // No process of ours is so small.
      needy: { onnx: growingMemoryModel(), yaml: "limits: { memory_mb: 16 }\n" },
      steady: { onnx: growingMemoryModel(), yaml },
    },
  },
);
const feed = await openFeed(cluster);

interface Described {
  readonly memory: { readonly rss_bytes: number | null; readonly limit_bytes: number | null };
}

/** Asks for so much memory, which the host then keeps. */
async function take(model: string, mebibytes: number): Promise<void> {
  const size = (mebibytes * mebibyte) / 4;
  const { status, text } = await cluster.predict(model, { inputs: { size: [size] } });
  assert.equal(status, 200, text);
}

async function rssMbOf(model: string): Promise<number | null> {
  const { json } = await cluster.get<Described>(`/models/${model}`);
  return json.memory.rss_bytes === null ? null : json.memory.rss_bytes / mebibyte;
}

function replacements(reason: string, model: string): Promise<number> {
  return cluster.metric("troupe_host_replacements_total", { model_id: model, reason });
}

describe("A host above its memory limit", () => {
  it("gives way to another one, without a loss", async () => {
    const { pid: before } = await cluster.host("growing");
    const odd: string[] = [];
    let isOver = false;
    const load = inLoops(
      2,
      () => isOver,
      async () => {
        const { status, text } = await cluster.predict("growing", { inputs: { size: [10] } });
        if (status !== 200) odd.push(`${status} ${text}`);
      },
    );
    // A host alone takes less than a hundred: above the limit, and not one and a half times.
    await take("growing", 380);
    const pid = await waitFor(async () => {
      const [only, ...others] = await cluster.hosts("growing");
      return others.length === 0 && only?.state === "ready" && only.pid !== before && only.pid;
    }, "another host alone");
    isOver = true;
    await load;
    assert.deepEqual(odd, []);
    assert.ok(before !== null && !cluster.children.includes(before), `${before} is not gone`);
    assert.ok(((await rssMbOf("growing")) ?? 0) < limitMb, `${pid} is as large`);
  });

  it("is told of in the feed, the log and the metrics", async () => {
    const { reason } = await feed.event({ model: "growing", state: "memory" });
    assert.match(reason ?? "", /its memory is \d+ MiB, over the limit of 400/);
    assert.equal(await replacements("memory", "growing"), 1);
    assert.ok(
      cluster.logs.some(({ msg, reason: why, words }) => {
        return msg === "memory" && why === "memory" && String(words).includes("over the limit");
      }),
      "no line in the log",
    );
  });
});

describe("A host far above its memory limit", () => {
  it("is killed, and starts anew", async () => {
    const { pid } = await cluster.host("bursting");
    const inputs = { size: [(700 * mebibyte) / 4] };
    const { status, json } = await cluster.predict("bursting", { inputs });
    // Where it is seen before it has answered, the request is sent again, and to the same end.
    assert.ok(status === 200 || json.code === "host-crashed", `${status} ${json.code}`);
    await cluster.replaced("bursting", pid);
    await waitFor(async () => {
      const mebibytes = await rssMbOf("bursting");
      return mebibytes !== null && mebibytes < limitMb && mebibytes > 0;
    }, "a host as small as it began");
    const { last_exit, restarts } = await cluster.host("bursting");
    assert.deepEqual([last_exit?.reason, last_exit?.signal], ["memory-limit", "SIGKILL"]);
    assert.ok(restarts >= 1 && restarts <= 4, `${restarts} restarts`);
    await take("bursting", 1);
  });

  it("is told of in the feed and the metrics", async () => {
    const { reason } = await feed.event({ model: "bursting", state: "memory-limit" });
    assert.match(reason ?? "", /its memory is \d+ MiB, over 1.5 times the limit of 400/);
    const { restarts } = await cluster.host("bursting");
    assert.equal(await replacements("memory-limit", "bursting"), restarts);
    const labels = { model_id: "bursting", reason: "memory-limit" };
    assert.equal(await cluster.metric("troupe_restarts_total", labels), restarts);
  });
});

describe("A host without a limit", () => {
  it("keeps what it has taken", async () => {
    const { pid } = await cluster.host("free");
    await take("free", 700);
    await waitFor(async () => ((await rssMbOf("free")) ?? 0) > 700, "its memory to be seen");
    assert.equal((await cluster.host("free")).pid, pid);
    assert.deepEqual(feed.of({ model: "free", state: "memory-limit" }), []);
  });
});

describe("A model that needs more than its limit", () => {
  const words = /its memory is \d+ MiB, over 1.5 times the limit of 16/;

  it("is given up at once", async () => {
    const { last_exit, restarts, state } = await waitFor(async () => {
      const host = await cluster.host("needy");
      return host.last_exit !== null && host;
    }, "its host to end");
    assert.deepEqual([last_exit?.reason, restarts, state], ["memory-limit", 0, "given-up"]);
    const version = await versionOf(cluster, "needy", "1");
    assert.equal(version?.state, "unavailable");
    assert.match(version?.reason ?? "", words);
  });

  it("is loaded when it may have more", async () => {
    const { status, text } = await patch(cluster, "needy", { limits: { memory_mb: 400 } });
    assert.equal(status, 200, text);
    await take("needy", 1);
  });

  it("is refused where it is uploaded", async () => {
    const config = "limits: { memory_mb: 16 }";
    const answer = await upload(cluster, { id: "sent", config }, growingMemoryModel());
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.json.error, words);
    assert.equal((await cluster.get("/models/sent")).status, 404);
  });

  it("leaves what serves where it comes as a rollout", async () => {
    const { pid } = await cluster.host("steady");
    const path = join(modelsFolder(cluster), "steady", "model.yaml");
    const before = yamlOf(cluster, "steady");
    writeFileSync(path, "limits: { memory_mb: 16 }\nbatching: { max_batch_size: 2 }\n");
    const answer = await post(cluster, "steady", "load");
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.json.error, words);
    writeFileSync(path, before);
    await waitFor(async () => (await cluster.hosts("steady")).length === 1, "the new one to go");
    assert.equal((await cluster.host("steady")).pid, pid);
  });
});

it("and nothing is left", async () => {
  await feed.close();
  await cluster.endsCleanly();
});
