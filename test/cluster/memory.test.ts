import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { growingMemoryModel } from "../../models/growing-models.ts";
import { startReady } from "./cluster.ts";
import { openFeed } from "./event-feed.ts";
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
    },
  },
);
const feed = await openFeed(cluster);

interface Described {
  readonly memory: { readonly rss_bytes: number; readonly limit_bytes: number | null };
}

/** Asks for so much memory, which the host then keeps. */
async function take(model: string, mebibytes: number): Promise<void> {
  const size = (mebibytes * mebibyte) / 4;
  const { status, text } = await cluster.predict(model, { inputs: { size: [size] } });
  assert.equal(status, 200, text);
}

async function rssMbOf(model: string): Promise<number> {
  const { json } = await cluster.get<Described>(`/models/${model}`);
  return json.memory.rss_bytes / mebibyte;
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
    assert.ok((await rssMbOf("growing")) < limitMb, `${pid} is as large`);
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
    await take("bursting", 700);
    const { last_exit, restarts } = await cluster.replaced("bursting", pid);
    assert.deepEqual([last_exit?.reason, last_exit?.signal], ["memory-limit", "SIGKILL"]);
    assert.equal(restarts, 1);
    await take("bursting", 1);
  });

  it("is told of in the feed and the metrics", async () => {
    const { reason } = await feed.event({ model: "bursting", state: "memory-limit" });
    assert.match(reason ?? "", /its memory is \d+ MiB, over 1.5 times the limit of 400/);
    assert.equal(await replacements("memory-limit", "bursting"), 1);
    const labels = { model_id: "bursting", reason: "memory-limit" };
    assert.equal(await cluster.metric("troupe_restarts_total", labels), 1);
  });
});

describe("A host without a limit", () => {
  it("keeps what it has taken", async () => {
    const { pid } = await cluster.host("free");
    await take("free", 700);
    await waitFor(async () => (await rssMbOf("free")) > 700, "its memory to be seen");
    assert.equal((await cluster.host("free")).pid, pid);
    assert.deepEqual(feed.of({ model: "free", state: "memory-limit" }), []);
  });
});

it("and nothing is left", async () => {
  await feed.close();
  await cluster.endsCleanly();
});
