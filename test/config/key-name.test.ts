import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { environmentName, flagName, snakeCase } from "../../src/config/key-name.ts";

describe("the spellings of a key", () => {
  for (const [key, snake, flag, environment] of [
    ["port", "port", "--port", "TROUPE_PORT"],
    ["maxBodyBytes", "max_body_bytes", "--max-body-bytes", "TROUPE_MAX_BODY_BYTES"],
  ] as const) {
    it(`derive from ${key}`, () => {
      assert.deepEqual(
        [snakeCase(key), flagName(key), environmentName(key)],
        [snake, flag, environment],
      );
    });
  }
});
