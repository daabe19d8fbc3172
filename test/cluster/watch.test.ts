import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { crashModel } from "../../models/crash-models.ts";
import { loopModel } from "../../models/loop-models.ts";
import { brokenModel, echoModel, plusModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { openFeed } from "./event-feed.ts";
import { inLoops, waitFor } from "./wait.ts";

const zeros = [0, 0, 0, 0];
const noBake = "bake_ms: 0\n";
/** About half a second where this was written. */
const longTrips = 500_000;

const plus = (amount: number) => ({ onnx: plusModel(amount), yaml: noBake });

const cluster = await startReady(
  { after },
  {
    models: {
      marker: { onnx: echoModel() },
      touched: plus(1),
      tuned: plus(1),
      renamed: plus(1),
      rewritten: plus(1),
      halved: plus(1),
      trickled: plus(1),
      spoiled: plus(1),
      misspelt: plus(1),
      // On platforms where nothing crashes it stays.
      fragile: { onnx: crashModel(), yaml: "bake_ms: 60000\n" },
      leaving: { onnx: loopModel(), yaml: noBake },
    },
    flags: ["--watch", "--watch-ms", "100"],
  },
);
const feed = await openFeed(cluster);
const folder = join(cluster.home, "models");
let marks = 0;

function write(path: string, content: string | Uint8Array): void {
  writeFileSync(join(folder, path), content);
}

/** Never half there. */
function replace(path: string, content: string | Uint8Array): void {
  write(".new", content);
  renameSync(join(folder, ".new"), join(folder, path));
}

/** What was written before has been seen, and gone through, when this resolves. */
async function looked(): Promise<void> {
  // The first look that finds a mark may have been too early for what was written before it, or go on to that after it.
  for (let times = 0; times < 2; times += 1) {
    marks += 1;
    const { mark } = feed;
    write("marker/model.yaml", `description: "${marks}"\n`);
    await feed.event({ model: "marker", state: "done" }, mark);
  }
}

async function amountOf(model: string): Promise<number> {
  const { status, json } = await cluster.predict(model, { features: zeros });
  assert.equal(status, 200, json.error);
  const [first] = (json.predictions as number[][])[0] ?? [];
  return first ?? Number.NaN;
}

/** Resolves when the model adds so much, and nothing of it starts or drains any more. */
async function adds(model: string, amount: number): Promise<number> {
  await waitFor(async () => (await amountOf(model)) === amount, `${model} to add ${amount}`);
  return waitFor(async () => {
    const [only, ...others] = await cluster.hosts(model);
    return others.length === 0 && only?.state === "ready" && only.pid;
  }, `${model} to have one host`);
}

interface Described {
  readonly state: string;
  readonly reason: string | null;
  readonly description: string;
  readonly default: string | null;
  readonly versions: readonly { readonly version: string; readonly state: string }[];
}

async function described(model: string): Promise<Described> {
  return (await cluster.get<Described>(`/models/${model}`)).json;
}

/** Asks all the while, and gives every status but 200. */
async function underLoad(model: string, act: () => Promise<unknown>): Promise<readonly string[]> {
  const odd: string[] = [];
  let [isOver, asked] = [false, 0];
  const load = inLoops(
    4,
    () => isOver,
    async () => {
      const { status, text } = await cluster.predict(model, { features: zeros });
      asked += 1;
      if (status !== 200) odd.push(`${status} ${text}`);
    },
  );
  try {
    await act();
  } finally {
    isOver = true;
    await load;
  }
  assert.ok(asked > 20, `only ${asked} requests`);
  return odd;
}

describe("A models folder that is watched", () => {
  it("gives a model that is added by hand", async () => {
    mkdirSync(join(folder, "added/1"), { recursive: true });
    write("added/1/model.onnx", plusModel(1));
    await waitFor(
      async () => (await described("added")).state === "ready",
      "the model to be there",
    );
    assert.equal(await amountOf("added"), 1);
  });

  it("gives a version that is added, and lets the one before go, without a loss", async () => {
    write("added/model.yaml", noBake);
    await looked();
    const odd = await underLoad("added", async () => {
      mkdirSync(join(folder, "added/2"));
      write("added/2/model.onnx", plusModel(2));
      await adds("added", 2);
    });
    assert.deepEqual(odd, []);
    const { default: chosen, versions } = await described("added");
    assert.equal(chosen, "2");
    assert.deepEqual(
      versions.map(({ version, state }) => `${version} ${state}`),
      ["1 unloaded", "2 ready"],
    );
  });

  it("goes back where the newest version is removed", async () => {
    const odd = await underLoad("added", async () => {
      rmSync(join(folder, "added/2"), { recursive: true });
      await adds("added", 1);
    });
    assert.deepEqual(odd, []);
    await waitFor(
      async () => (await cluster.get("/models/added/versions/2")).status === 404,
      "the version to be gone",
    );
    const ask = { method: "POST", path: "/predict/added/2", body: { features: zeros } };
    assert.equal((await cluster.send(ask)).status, 404);
  });
});

describe("A model.yaml that is edited", () => {
  it("takes effect in the same process where hosts need not know", async () => {
    const pid = await adds("tuned", 1);
    write("tuned/model.yaml", `${noBake}description: tuned by hand\n`);
    await waitFor(
      async () => (await described("tuned")).description === "tuned by hand",
      "the description to be there",
    );
    assert.equal(await adds("tuned", 1), pid);
  });

  it("takes effect in another process where they must, without a loss", async () => {
    const pid = await adds("tuned", 1);
    const odd = await underLoad("tuned", async () => {
      write("tuned/model.yaml", `${noBake}batching: { max_batch_size: 3 }\n`);
      await cluster.replaced("tuned", pid);
    });
    assert.deepEqual(odd, []);
    const { text } = await cluster.get("/models/tuned/config");
    assert.match(text, /"max_batch_size":3|"max_batch_size":\{[^}]*3/);
  });

  it("leaves everything as it is where it is broken, and says why", async () => {
    const pid = await adds("misspelt", 1);
    const { mark } = feed;
    write("misspelt/model.yaml", "bake_mss: 0\n");
    const { reason } = await feed.event({ model: "misspelt", state: "failed" }, mark);
    assert.match(reason ?? "", /bake_mss/);
    const { state, reason: told } = await described("misspelt");
    assert.equal(state, "ready");
    assert.match(told ?? "", /bake_mss/);
    assert.equal(await adds("misspelt", 1), pid);
    write("misspelt/model.yaml", noBake);
    await looked();
    assert.equal((await described("misspelt")).reason, null);
    assert.equal(await adds("misspelt", 1), pid);
  });
});

describe("A model.onnx that is replaced", () => {
  it("is rolled out without a loss, by a rename", async () => {
    const odd = await underLoad("renamed", async () => {
      replace("renamed/model.onnx", plusModel(2));
      await adds("renamed", 2);
    });
    assert.deepEqual(odd, []);
  });

  it("is rolled out without a loss, in place", async () => {
    const odd = await underLoad("rewritten", async () => {
      write("rewritten/model.onnx", plusModel(2));
      await adds("rewritten", 2);
    });
    assert.deepEqual(odd, []);
  });

  it("restarts nothing where only its time has changed", async () => {
    const pid = await adds("touched", 1);
    const { mark } = feed;
    utimesSync(join(folder, "touched/model.onnx"), new Date(), new Date());
    await looked();
    await looked();
    assert.equal(await adds("touched", 1), pid);
    assert.deepEqual(
      feed.of({ model: "touched" }, mark).filter(({ kind }) => kind !== "change"),
      [],
    );
  });

  it("never takes the old one down while it is half there", async () => {
    const whole = plusModel(2);
    const pid = await adds("halved", 1);
    const odd = await underLoad("halved", async () => {
      write("halved/model.onnx", whole.subarray(0, whole.length / 2));
      await looked();
      await looked();
      assert.equal(await adds("halved", 1), pid);
      write("halved/model.onnx", whole);
      await adds("halved", 2);
    });
    assert.deepEqual(odd, []);
  });

  it("is rolled out in the end where it comes in small pieces", async () => {
    const whole = plusModel(2);
    const step = Math.ceil(whole.length / 40);
    const odd = await underLoad("trickled", async () => {
      for (let end = step; end < whole.length + step; end += step) {
        write("trickled/model.onnx", whole.subarray(0, end));
        await pause(10);
      }
      await adds("trickled", 2);
    });
    assert.deepEqual(odd, []);
  });

  it("leaves the old one serving where it cannot be loaded, and says why", async () => {
    const pid = await adds("spoiled", 1);
    const { mark } = feed;
    replace("spoiled/model.onnx", brokenModel());
    const { reason } = await feed.event({ model: "spoiled", state: "failed" }, mark);
    assert.match(reason ?? "", /Cannot serve model/);
    const { state, reason: told } = await described("spoiled");
    assert.equal(state, "ready");
    assert.match(told ?? "", /rolled back/);
    assert.equal(await adds("spoiled", 1), pid);
    replace("spoiled/model.onnx", plusModel(3));
    await adds("spoiled", 3);
    assert.equal((await described("spoiled")).reason, null);
  });
});

describe("A rollout that the folder began", () => {
  const fatal = { inputs: { x: [[-2]] } };
  const skip = process.arch !== "x64" && "only x64 processors trap this division";

  it("goes on baking while nothing else changes, and is rolled back where it crashes", {
    skip,
  }, async () => {
    const { pid } = await cluster.host("fragile");
    let { mark } = feed;
    write("fragile/model.yaml", "bake_ms: 60000\nbatching: { max_batch_size: 2 }\n");
    await feed.event({ model: "fragile", state: "baking" }, mark);
    // The change that began the rollout ends after it: what follows is another one.
    mark = (await feed.event({ model: "fragile", change: "watch", state: "done" }, mark)).seq;
    utimesSync(join(folder, "fragile/model.onnx"), new Date(), new Date());
    await feed.event({ model: "fragile", change: "watch", state: "done" }, mark);
    await cluster.predict("fragile", fatal);
    const { reason } = await feed.event({ model: "fragile", state: "rolled-back" }, mark);
    assert.match(reason ?? "", /its host ended/);
    await waitFor(async () => (await cluster.hosts("fragile")).length === 1, "one to be left");
    const host = await waitFor(async () => {
      const left = await cluster.host("fragile");
      return left.state === "ready" && left;
    }, "the old host to be ready");
    assert.ok(host.pid === pid || host.restarts > 0, "neither the old process nor its successor");
  });

  it("leaves the old one serving when the folder is put right", { skip }, async () => {
    write("fragile/model.yaml", "bake_ms: 60000\n");
    await looked();
    await waitFor(
      async () => (await cluster.predict("fragile", { inputs: { x: [[1]] } })).status === 200,
      "the model to answer",
    );
  });
});

describe("A model that is new and broken", () => {
  it("is listed with its reason, and served when it is put right", async () => {
    mkdirSync(join(folder, "late"));
    write("late/model.onnx", plusModel(1));
    write("late/model.yaml", "batching: [nonsense");
    const seen = await waitFor(async () => {
      const answer = await described("late");
      return answer.reason !== null && answer.state === "unavailable" && answer;
    }, "the model to be listed");
    assert.match(seen.reason ?? "", /not valid YAML/);
    assert.equal((await cluster.predict("late", { features: zeros })).status, 503);
    write("late/model.yaml", noBake);
    await waitFor(
      async () => (await cluster.predict("late", { features: zeros })).status === 200,
      "the model to answer",
    );
  });
});

describe("A model whose folder is removed", () => {
  it("answers what it has, and is gone", async () => {
    const [pid] = await cluster.pidsOf("leaving");
    const { mark } = feed;
    // One after the other, so that a look at the metrics cannot miss them.
    const slow = Promise.all(
      Array.from({ length: 4 }, () => cluster.predict("leaving", { features: [longTrips] })),
    );
    await waitFor(
      async () => (await cluster.metric("troupe_host_in_flight", { model_id: "leaving" })) > 0,
      "the request to be under way",
    );
    rmSync(join(folder, "leaving"), { recursive: true });
    assert.deepEqual(
      (await slow).map(({ status }) => status),
      [200, 200, 200, 200],
    );
    await feed.event({ model: "leaving", state: "done" }, mark);
    assert.equal((await cluster.get("/models/leaving")).status, 404);
    assert.equal((await cluster.predict("leaving", { features: [1] })).status, 404);
    assert.ok(pid !== undefined && !cluster.children.includes(pid));
  });
});

it("and nothing is left", async () => {
  await feed.close();
  await cluster.endsCleanly();
});
