import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expectObject, isJsonObject, property } from "../../src/tensors/json-object.ts";

describe("JSON objects", () => {
  it("are told from lists and null", () => {
    assert.deepEqual([{}, [], null, "a", 1, undefined].map(isJsonObject), [
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it("are expected by name", () => {
    const object = { a: 1 };
    assert.equal(expectObject("body", object), object);
    assert.throws(() => expectObject("body", [1]), {
      code: "invalid-request",
      message: "Cannot read body: expected an object, got a list of 1",
    });
  });

  it("give own properties only", () => {
    const object = JSON.parse('{"a":1,"__proto__":{"b":2}}');
    assert.deepEqual(
      ["a", "__proto__", "b", "constructor", "toString"].map((key) => property(object, key)),
      [1, { b: 2 }, undefined, undefined, undefined],
    );
  });
});
