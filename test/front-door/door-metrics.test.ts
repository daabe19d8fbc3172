import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDoorMetrics } from "../../src/front-door/door-metrics.ts";
import { MessageRoom } from "../../src/front-door/message-room.ts";
import { Permits } from "../../src/front-door/permits.ts";

function setUp() {
  const permits = new Permits();
  const room = new MessageRoom(100);
  const metrics = createDoorMetrics({ permits, room, sockets: () => 3 });
  /** The samples of the page whose name begins so. */
  const samples = async (name: string) =>
    (await metrics.registry.metrics()).split("\n").filter((line) => line.startsWith(name));
  return { permits, room, metrics, samples };
}

describe("a front door's metrics", () => {
  it("measure what is in flight at the moment they are read", async () => {
    const { permits, room, samples } = setUp();
    const before = await samples("troupe_in_flight");
    permits.take(10);
    permits.take(5);
    assert.deepEqual(
      [before, await samples("troupe_in_flight")],
      [
        ["troupe_in_flight 0", "troupe_in_flight_bytes 0"],
        ["troupe_in_flight 2", "troupe_in_flight_bytes 15"],
      ],
    );
    assert.deepEqual(await samples("troupe_ws_connections"), ["troupe_ws_connections 3"]);
    room.enter().add(7);
    assert.deepEqual(await samples("troupe_arriving_bytes"), ["troupe_arriving_bytes 7"]);
  });

  it("count requests by method, route and status", async () => {
    const { metrics, samples } = setUp();
    for (const status of [200, 200, 503]) {
      const { requests, seconds } = metrics.route("POST", "/predict/{model}", status);
      requests.add();
      seconds.observe(0.2);
    }
    const labels = 'method="POST",endpoint="/predict/{model}"';
    assert.deepEqual(await samples("http_requests_total"), [
      `http_requests_total{${labels},status="200"} 2`,
      `http_requests_total{${labels},status="503"} 1`,
    ]);
    assert.deepEqual(await samples("http_request_duration_seconds_count"), [
      `http_request_duration_seconds_count{${labels}} 3`,
    ]);
  });

  it("forget a model that is gone, and begin anew with one of its name", async () => {
    const { metrics } = setUp();
    const count = (model: string) => {
      const { predictions, admission, total } = metrics.model(model, "1");
      predictions("ok").add();
      for (const stage of [admission, total]) stage.observe(0.1);
      metrics.shed(model, "bytes").add();
      metrics.replays(model, "queued").add();
      metrics.sequencesLost(model).add();
    };
    for (const model of ["iris", "iris", "iris2"]) count(model);
    const linesOf = async (model: string) =>
      (await metrics.registry.metrics()).split("\n").filter((line) => line.includes(`"${model}"`));
    const others = await linesOf("iris2");
    metrics.forget("iris");
    assert.deepEqual([await linesOf("iris"), await linesOf("iris2")], [[], others]);
    count("iris");
    const renamed = others.map((line) => line.replace("iris2", "iris"));
    assert.deepEqual(await linesOf("iris"), renamed);
  });

  it("take all verbs that nobody knows for one", async () => {
    const { metrics, samples } = setUp();
    for (const verb of ["MADE", "UP", "VERBS", "get"])
      metrics.route(verb, "other", 404).requests.add();
    assert.deepEqual(await samples("http_requests_total"), [
      'http_requests_total{method="other",endpoint="other",status="404"} 4',
    ]);
  });

  it("bind the series of a model once, and those of its outcomes when there are some", async () => {
    const { metrics, samples } = setUp();
    assert.equal(metrics.model("iris", "1"), metrics.model("iris", "1"));
    const before = await samples("model_predictions_total");
    metrics.model("iris", "1").predictions("ok").add();
    metrics.model("iris", "1").predictions("overloaded").add(2);
    const labels = 'model_id="iris",version="1"';
    assert.deepEqual(
      [before, await samples("model_predictions_total")],
      [
        [],
        [
          `model_predictions_total{${labels},status="ok"} 1`,
          `model_predictions_total{${labels},status="overloaded"} 2`,
        ],
      ],
    );
  });

  it("count what was shed, and what was sent again", async () => {
    const { metrics, samples } = setUp();
    metrics.shed("iris", "deadline").add();
    metrics.replays("iris", "model").add();
    assert.deepEqual(
      [await samples("troupe_shed_total"), await samples("troupe_replays_total")],
      [
        ['troupe_shed_total{model_id="iris",reason="deadline"} 1'],
        ['troupe_replays_total{model_id="iris",reason="model"} 1'],
      ],
    );
  });

  it("count sequences that were lost with their hosts, by model", async () => {
    const { metrics, samples } = setUp();
    const before = await samples("troupe_sequences_ended_total");
    for (const model of ["iris", "vad", "iris"]) metrics.sequencesLost(model).add();
    assert.deepEqual(
      [before, await samples("troupe_sequences_ended_total")],
      [
        [],
        [
          'troupe_sequences_ended_total{model_id="iris",reason="lost"} 2',
          'troupe_sequences_ended_total{model_id="vad",reason="lost"} 1',
        ],
      ],
    );
  });
});
