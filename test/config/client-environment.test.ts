import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readClientEnvironment } from "../../src/config/client-environment.ts";
import { readEnvironment } from "../../src/config/environment.ts";

describe("readClientEnvironment", () => {
  it("knows the server and the key, and has defaults", () => {
    const named = { TROUPE_URL: "http://a", TROUPE_API_KEY: "k" };
    const fallback = { url: "http://127.0.0.1:8080", apiKey: undefined, colours: undefined };
    assert.deepEqual(readClientEnvironment(named), {
      url: "http://a",
      apiKey: "k",
      colours: undefined,
    });
    assert.deepEqual(readClientEnvironment({ TROUPE_URL: "" }), fallback);
  });

  for (const [environment, colours] of [
    [{}, undefined],
    [{ NO_COLOR: "1" }, false],
    [{ NO_COLOR: "" }, undefined],
    [{ TERM: "dumb" }, false],
    [{ FORCE_COLOR: "1" }, true],
    [{ FORCE_COLOR: "0" }, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, false],
  ] as const) {
    it(`says ${colours} to colours for ${JSON.stringify(environment)}`, () => {
      assert.equal(readClientEnvironment(environment).colours, colours);
    });
  }
});

describe("readEnvironment", () => {
  it("leaves what only the command line reads", () => {
    const environment = { TROUPE_URL: "http://a", TROUPE_API_KEY: "k" };
    assert.deepEqual(readEnvironment(environment), {
      type: "read",
      given: [],
      configFile: undefined,
    });
  });
});
