import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { FolderFollower } from "../../supervisor/folder-follower.ts";
import { type Files, modelsFolders, put, startChanging } from "./changing-models.ts";

const modelsWith = modelsFolders({ after });

const one: Files = { "m/1/model.onnx": "1", "m/model.yaml": "bake_ms: 600000\n" };
const watchMs = 1;

async function startFollowing(files: Files) {
  const models = modelsWith(files);
  const server = await startChanging(models);
  const follower = new FolderFollower({ ...server, watchMs });
  await follower.start();
  const adopted = () => server.notes.filter((note) => note === "watch null done").length;
  /** As many as it takes until it has carried out a change, and then what is asked for has come to pass. */
  async function looks(hasCome: () => boolean = () => true): Promise<void> {
    const before = adopted();
    await server.until(() => {
      server.clock.advance(watchMs);
      return adopted() > before && hasCome();
    });
    await server.rest();
  }
  return { ...server, models, follower, looks };
}

describe("FolderFollower", () => {
  it("loads what is added, and lets go of what is removed", async () => {
    const server = await startFollowing(one);
    put(server.models, { "m/2/model.onnx": "2", "n/model.onnx": "1" });
    await server.looks(() => server.registry.get("n") !== undefined);
    assert.deepEqual([server.serves("m"), server.serves("n")], ["2", "1"]);
    rmSync(join(server.models, "n"), { recursive: true });
    await server.looks(() => server.registry.get("n") === undefined);
    assert.equal(server.registry.get("n"), undefined);
    server.follower.stop();
  });

  it("rolls out a file that is another one", async () => {
    const server = await startFollowing(one);
    put(server.models, { "m/1/model.onnx": "another" });
    await server.looks();
    assert.equal(server.rollouts.at(-1), "1 baking");
    server.follower.stop();
  });

  for (const by of ["by hand", "by a request"]) {
    it(`takes a version for a new one that was removed ${by} and uploaded`, async () => {
      const server = await startFollowing({ ...one, "m/2/model.onnx": "2" });
      if (by === "by hand") {
        rmSync(join(server.models, "m", "2"), { recursive: true });
        await server.looks();
      } else {
        await server.done(server.desk.carryOut({ type: "delete", model: "m", version: "2" }));
      }
      assert.equal(server.serves(), "1");
      await server.done(server.upload("another"));
      const rollouts = server.rollouts.length;
      await server.looks();
      assert.deepEqual([server.serves(), server.rollouts.length], ["2", rollouts]);
      await server.crash("2");
      assert.equal(server.serves(), "1");
      server.follower.stop();
    });
  }

  it("leaves out what cannot be loaded where nothing serves", async () => {
    const server = await startFollowing(one);
    const files = {
      "n/1/model.onnx": "1",
      "n/2/model.onnx": "bad",
      "n/model.yaml": "versions: all\n",
    };
    put(server.models, files);
    await server.looks(() => server.registry.get("n") !== undefined);
    assert.equal(server.states("n"), "1 ready, 2 unavailable");
    server.follower.stop();
  });
});
