import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { requestBytes } from "../../bench/driver/http-dialogue.ts";
import { repeated } from "../../bench/made-models.ts";
import { binaryRequest, tensorValues } from "../../bench/tensor-request.ts";
import { heavyModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { floodAgain } from "./flood.ts";
import type { Answer, Reply } from "./http-client.ts";
import { inLoops } from "./wait.ts";

const row = [1, 2, 3, 4];
const clients = 60;
/** A client that was refused asks again after this long, which is still many times more than can be carried. */
const betweenMs = 40;
const floodMs = 3_000;
/** Costs are learned from the last second, and whatever else this machine does changes them in between. */
function mayBeLate(taken: number): number {
  return taken / 2 + 15;
}

const cluster = await startReady(
  { after },
  {
    models: {
      heavy: {
        onnx: heavyModel({ size: 256, repeats: 4_000 }),
        yaml: "batching: { max_batch_size: 1 }\nqueue: { max_rows: 64 }\ntimeouts: { request_ms: 800 }",
      },
      echo: { onnx: echoModel() },
    },
  },
);

type Priority = "normal" | "low";

interface Outcome {
  readonly priority: Priority;
  readonly reply: Reply<Answer>;
}

async function flood(outcomes: Outcome[], isSeen: () => boolean): Promise<void> {
  const until = performance.now() + floodMs;
  await inLoops(
    clients,
    () => performance.now() > until && isSeen(),
    async (caller) => {
      const priority = caller % 2 === 0 ? "normal" : "low";
      const headers = { "x-priority": priority };
      const reply = await cluster.predict("heavy", { features: row }, headers);
      outcomes.push({ priority, reply });
      if (reply.status !== 200) await pause(betweenMs);
    },
  );
}

function withStatus(outcomes: readonly Outcome[], status: number): readonly Outcome[] {
  return outcomes.filter(({ reply }) => reply.status === status);
}

describe("A cluster under many times the load that it can carry", () => {
  const outcomes: Outcome[] = [];

  it("goes on answering, stays live, serves its other models, and refuses the rest", async () => {
    // What the rows cost is known when the first are run.
    for (let warm = 0; warm < 8; warm += 1) await cluster.predict("heavy", { features: row });
    let isOver = false;
    let looks = 0;
    const flooding = flood(outcomes, () => looks >= 20).finally(() => {
      isOver = true;
    });
    const looking = inLoops(
      1,
      () => isOver,
      async () => {
        const live = await cluster.get("/livez");
        assert.equal(live.status, 200);
        const echo = await cluster.predict("echo", { features: row });
        assert.equal(echo.status, 200, echo.text);
        looks += 1;
        await pause(10);
      },
    );
    await Promise.all([flooding, looking]);
    const taken = withStatus(outcomes, 200).length;
    assert.ok(taken >= 10, `${taken} were answered`);
    assert.ok(outcomes.length > 5 * taken, `${outcomes.length} asked, ${taken} were answered`);
    const statuses = new Set(outcomes.map(({ reply }) => reply.status));
    for (const status of [200, 503, 504]) statuses.delete(status);
    assert.deepEqual([...statuses], []);
  });

  it("says overloaded, and when to come back", () => {
    for (const { reply } of withStatus(outcomes, 503)) {
      assert.equal(reply.json.code, "overloaded", reply.text);
      assert.ok(Number(reply.headers["retry-after"]) >= 1);
      assert.ok(Number(reply.headers["retry-after-ms"]) >= 1);
    }
  });

  it("keeps the deadlines of those that it takes", () => {
    const taken = withStatus(outcomes, 200).length;
    const late = withStatus(outcomes, 504).length;
    assert.ok(late <= mayBeLate(taken), `${late} late, ${taken} answered`);
  });

  it("sheds low priority first", () => {
    const share = (priority: Priority) => {
      const own = outcomes.filter((outcome) => outcome.priority === priority);
      return withStatus(own, 200).length / own.length;
    };
    assert.ok(share("low") < share("normal"), `${share("low")} of low, ${share("normal")} others`);
  });

  it("counts what it shed, by reason", async () => {
    const atTheDoor = await cluster.metric("troupe_shed_total", { model_id: "heavy" });
    const inTheHost = withStatus(outcomes, 503).length - atTheDoor;
    assert.ok(atTheDoor > 0 && inTheHost >= 0, `${atTheDoor} shed at the door`);
    const byCode = { model_id: "heavy", status: "overloaded" };
    assert.equal(
      await cluster.metric("model_predictions_total", byCode),
      withStatus(outcomes, 503).length,
    );
  });

  it("restarts nothing, and is as it was before", async () => {
    const { status, json } = await cluster.predict("heavy", { features: row });
    assert.deepEqual([status, json.predictions], [200, [row]]);
    assert.equal(await cluster.restarts(), 0);
  });
});

describe("A cluster whose callers ask again as soon as they are refused", () => {
  /** Its answers are large: a front door that refuses without a pause reads them too late. */
  const width = 1_024;
  const callers = 400;
  const enough = 100;
  /** A machine that carries them all refuses nobody. */
  const most = 20 * enough;
  const learningRuns = 12;

  it("answers in time most of what it takes, however much it refuses", async (t) => {
    const models = { wide: { onnx: repeated(width, 64) } };
    const crowded = await startReady(t, { models });
    const { headers, body } = binaryRequest([1, width], tensorValues(width));
    const path = "/v2/models/wide/infer";
    const timeout = { "x-request-timeout-ms": "1000" };
    const port = Number(new URL(crowded.url).port);
    const job = { port, headers: { ...headers, ...timeout }, body };
    // Until it is known what a run costs, all are taken.
    for (let asked = 0; asked < learningRuns; asked += 1) {
      await crowded.predict("wide", { features: Array(width).fill(1) });
    }
    const statuses = new Map<number, number>();
    const count = (status: number) => statuses.get(status) ?? 0;
    await floodAgain({
      port,
      callers,
      request: requestBytes(job, path),
      onAnswer: (status) => statuses.set(status, count(status) + 1),
      isOver: () =>
        count(200) + count(504) >= enough && (count(503) > 5 * enough || count(200) > most),
    });
    const seen = JSON.stringify([...statuses]);
    assert.deepEqual(
      [...statuses.keys()].filter((status) => ![200, 503, 504].includes(status)),
      [],
    );
    assert.ok(count(504) < count(200), seen);
    assert.equal(await crowded.restarts(), 0);
    await crowded.endsCleanly();
  });
});

describe("A front door that is full", () => {
  it("takes no more requests than it may hold, and says so to those who are still sending", async (t) => {
    // An idle engine waits for company this long, which holds requests without any work.
    const yaml = "batching: { max_queue_delay_ms: 700 }";
    const models = { patient: { onnx: echoModel(), yaml } };
    const narrow = await startReady(t, { models, flags: ["--max-in-flight", "4"] });
    const ask = (priority: Priority) =>
      narrow.predictBatched("patient", { features: row }, { "x-priority": priority });
    const first = [ask("normal"), ask("normal")];
    await narrow.reaches(2, "troupe_in_flight");
    const low = await ask("low");
    assert.deepEqual([low.status, low.json.code], [503, "overloaded"]);
    const second = [ask("normal"), ask("normal")];
    await narrow.reaches(4, "troupe_in_flight");
    const fifth = await narrow.predictBatched("patient", {
      features: row,
      padding: "x".repeat(5_000_000),
    });
    assert.deepEqual([fifth.status, fifth.json.code], [503, "overloaded"]);
    assert.match(fifth.json.error, /4 of 4 requests are in flight/);
    assert.ok(Number(fifth.headers["retry-after-ms"]) >= 1);
    assert.equal(await narrow.metric("troupe_shed_total", { reason: "in-flight" }), 2);
    const taken = await Promise.all([...first, ...second]);
    assert.deepEqual(
      taken.map(({ status }) => status),
      [200, 200, 200, 200],
    );
  });

  it("takes no more bytes than it may hold", async (t) => {
    const yaml = "batching: { max_queue_delay_ms: 700 }";
    const models = { patient: { onnx: echoModel(), yaml } };
    const narrow = await startReady(t, { models, flags: ["--max-in-flight-bytes", "100000"] });
    const large = { features: row, padding: "x".repeat(60_000) };
    const first = narrow.predictBatched("patient", large);
    await narrow.reaches(1, "troupe_in_flight");
    const second = await narrow.predictBatched("patient", large);
    assert.deepEqual([second.status, second.json.code], [503, "overloaded"]);
    assert.match(second.json.error, /bytes are in flight/);
    assert.equal((await narrow.predictBatched("patient", { features: row })).status, 200);
    assert.equal((await first).status, 200);
    await narrow.endsCleanly();
  });
});

describe("A host that is full", () => {
  it("takes no more rows than its queue may hold, but one request of any size", async (t) => {
    const yaml =
      "batching: { max_queue_delay_ms: 700, max_batch_size: 64 }\nqueue: { max_rows: 4 }";
    const small = await startReady(t, { models: { patient: { onnx: echoModel(), yaml } } });
    const rows = (count: number) => ({ features: Array.from({ length: count }, () => row) });
    const three = small.predictBatched("patient", rows(3));
    await small.reaches(1, "troupe_in_flight");
    const two = await small.predictBatched("patient", rows(2));
    assert.deepEqual([two.status, two.json.code], [503, "overloaded"]);
    assert.match(two.json.error, /3 of 4 rows/);
    assert.ok(Number(two.headers["retry-after-ms"]) >= 1);
    assert.equal((await small.predictBatched("patient", rows(1))).status, 200);
    assert.equal((await three).status, 200);
    assert.equal((await small.predictBatched("patient", rows(9))).status, 200);
    await small.endsCleanly();
  });
});

it("and nothing is left", () => cluster.endsCleanly());
