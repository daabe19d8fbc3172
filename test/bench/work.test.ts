import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { workNames, works } from "../../bench/work.ts";

describe("works", () => {
  const namesOf = (...args: Parameters<typeof works>) => works(...args).map(({ name }) => name);

  it("are those that are named", () => {
    assert.deepEqual(namesOf(["tiny-1", "smoother-200"], undefined), ["tiny-1", "smoother-200"]);
  });

  it("have one more where there is a rate for it", () => {
    assert.deepEqual(namesOf(["tiny-1"], 500), ["tiny-1", "tiny-rate"]);
    assert.deepEqual(works([], 500)[0]?.arrivals, { type: "open", perSecond: 500 });
  });

  it("say over what they go, and how much is in flight", () => {
    const seen = works(workNames, undefined).map((work) => [
      work.name,
      work.transport,
      work.connections * work.depth,
    ]);
    assert.deepEqual(seen, [
      ["tiny-64", "http", 64],
      ["tiny-1", "http", 1],
      ["ws-64", "websocket", 64],
      ["mlp-json-64", "http", 64],
      ["mlp-64", "http", 64],
      ["image-json-4", "http", 4],
      ["image-4", "http", 4],
      ["smoother-1", "websocket", 1],
      ["smoother-200", "websocket", 200],
    ]);
  });

  it("send the same frame, alone or with others", () => {
    const bodies = works(["smoother-1", "smoother-200"], undefined).map(({ body }) => body);
    const frame = '{"type":"infer","id":1,"features":[0.5]}';
    assert.deepEqual(bodies, [frame, frame]);
  });
});
