import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { neighbours } from "./neighbours.ts";

describe("The inference platform's routes", { timeout: 20_000 }, () => {
  it("say that the server lives", async () => {
    const response = await neighbours().app.inject({ url: "/health/live" });
    assert.deepEqual([response.statusCode, response.json()], [200, { status: "alive" }]);
  });

  it("say that the server is ready", async () => {
    const response = await neighbours().app.inject({ url: "/health/ready" });
    assert.deepEqual(
      [response.statusCode, response.json()],
      [200, { status: "ready", reasons: [] }],
    );
  });

  it("say with 503 that it is not", async () => {
    const { app, directory } = neighbours();
    directory.server = { draining: true, started: true };
    const response = await app.inject({ url: "/health/ready" });
    assert.deepEqual([response.statusCode, response.json().status], [503, "not_ready"]);
  });

  it("name what is loaded in /health, with versions", async () => {
    const response = await neighbours().app.inject({ url: "/health" });
    assert.deepEqual(response.json().models_loaded, ["m:1"]);
  });
});
