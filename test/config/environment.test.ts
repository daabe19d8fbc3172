import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Environment, readEnvironment } from "../../src/config/environment.ts";

describe("readEnvironment", () => {
  it("reads its own variables and leaves the others", () => {
    const environment = { PATH: "/bin", TROUPE_PORT: "1", TROUPE_HOST: undefined };
    assert.deepEqual(readEnvironment(environment), {
      type: "read",
      given: [{ key: "port", text: "1", origin: { type: "environment", name: "TROUPE_PORT" } }],
      configFile: undefined,
    });
  });

  it("reads the name of the settings file", () => {
    assert.deepEqual(readEnvironment({ TROUPE_CONFIG: "a.yaml" }), {
      type: "read",
      given: [],
      configFile: "a.yaml",
    });
  });

  for (const [name, known] of [
    ["TROUPE_PROT", "TROUPE_PORT"],
    ["TROUPE_REQUEST_TIMEOUT", "TROUPE_REQUEST_TIMEOUT_MS"],
    ["TROUPE_port", "TROUPE_PORT"],
  ] as const) {
    it(`refuses ${name} and names ${known}`, () => {
      const words = `unknown environment variable "${name}", the nearest known one is ${known}`;
      assert.deepEqual(readEnvironment({ [name]: "1" }), {
        type: "refused",
        message: `Cannot start: ${words}`,
      });
    });
  }

  it("leaves what Kubernetes says of services called troupe and troupe-metrics", () => {
    const links: Environment = {
      TROUPE_SERVICE_HOST: "10.0.0.1",
      TROUPE_SERVICE_PORT: "8080",
      TROUPE_SERVICE_PORT_HTTP: "8080",
      TROUPE_PORT: "tcp://10.0.0.1:8080",
      TROUPE_PORT_8080_TCP: "tcp://10.0.0.1:8080",
      TROUPE_PORT_8080_TCP_PROTO: "tcp",
      TROUPE_PORT_8080_TCP_PORT: "8080",
      TROUPE_PORT_8080_TCP_ADDR: "10.0.0.1",
      TROUPE_METRICS_SERVICE_HOST: "10.0.0.2",
      TROUPE_METRICS_PORT: "udp://10.0.0.2:1",
    };
    assert.deepEqual(readEnvironment(links), { type: "read", given: [], configFile: undefined });
  });
});
