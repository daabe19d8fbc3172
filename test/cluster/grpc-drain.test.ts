import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { grpcCode } from "../../src/front-door/statuses.ts";
import { startCluster, startReady } from "./cluster.ts";
import { allOf, freePort, GrpcClient, type Message, rawRow, trips } from "./grpc-client.ts";
import { inLoops, waitFor } from "./wait.ts";

const models = { echo: { onnx: echoModel() }, loop: { onnx: loopModel() } };
/** About a second. */
const longTrips = 1_000_000;

describe("A gRPC server that is stopped", () => {
  it("tells watchers first, answers what is in flight, and ends streams and connections", async (t) => {
    const port = await freePort();
    const flags = ["--grpc-port", String(port), "--drain-delay-ms", "1500"];
    const cluster = await startReady(t, { models, flags });
    const client = new GrpcClient(port);
    t.after(() => client.close());
    const watch = client.watch({ service: "" });
    const watched = allOf(watch);
    const stream = client.duplex("inference/ModelStreamInfer");
    const streamed = allOf(stream);
    stream.write(trips("loop", longTrips, "streamed"));
    const unary = client.infer(trips("loop", longTrips));
    await cluster.reaches(2, "troupe_in_flight");
    cluster.signal("SIGTERM");
    await waitFor(async () => {
      const { message } = await client.call("health/Check", { service: "" });
      return message?.status === "NOT_SERVING";
    }, "the announcement");
    // Still taken, as only the announcement has been made.
    const taken = await client.infer(rawRow("echo", [1, 2, 3, 4]));
    assert.equal(taken.code, 0, taken.details);
    const answered = await unary;
    assert.equal(answered.code, 0, answered.details);
    const { messages, status } = await streamed;
    assert.deepEqual(
      [messages.map(({ infer_response }: Message) => infer_response.id), status.code],
      [["streamed"], grpcCode.UNAVAILABLE],
    );
    const ends = await watched;
    assert.deepEqual(
      [ends.messages.map(({ status: state }: Message) => state), ends.status.code],
      [["SERVING", "NOT_SERVING"], grpcCode.UNAVAILABLE],
    );
    assert.deepEqual(await cluster.ended(), { code: 0, signal: null });
    cluster.nothingIsLeft();
  });

  it("fails no call that it has taken while many are asking", async (t) => {
    const port = await freePort();
    const flags = ["--grpc-port", String(port), "--front-doors", "2"];
    const cluster = await startReady(t, { models, flags });
    const clients = Array.from({ length: 8 }, () => new GrpcClient(port));
    t.after(() => {
      for (const client of clients) client.close();
    });
    let isOver = false;
    let answers = 0;
    const failures: string[] = [];
    const load = inLoops(
      clients.length,
      () => isOver,
      async (caller, round) => {
        const outcome = await clients[caller]?.infer(rawRow("echo", [caller, round, 0, 0]));
        if (outcome?.code === 0) answers += 1;
        else {
          failures.push(`${outcome?.code} ${outcome?.details}`);
          isOver = true;
        }
      },
    );
    await waitFor(() => answers > 200, "answers");
    cluster.signal("SIGTERM");
    await load;
    assert.deepEqual(await cluster.ended(), { code: 0, signal: null });
    // A call that is refused was never taken: there is nobody to connect to.
    assert.deepEqual(
      failures.filter((words) => !words.includes("ECONNREFUSED")),
      [],
    );
    cluster.nothingIsLeft();
  });

  it("does not start where another has its port, and says how to do without", async (t) => {
    const port = await freePort();
    await startCluster(t, { models: {}, flags: ["--grpc-port", String(port)] });
    const second = startCluster(t, { models: {}, flags: ["--grpc-port", String(port)] });
    await assert.rejects(second, /exit 1 .*port \d+ of 127.0.0.1 is in use; --grpc-port/);
  });
});
