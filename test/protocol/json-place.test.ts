import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { placeIn } from "../../src/protocol/json-place.ts";

describe("placeIn", () => {
  for (const [text, place] of [
    ['{"inputs":[{"name":"x","shape":[2],"data":[1,?]}]}', "input 'x'"],
    ['{"inputs":[{"name":"x","data":[1]},{"data":[[1],[?]],"name":"y"}]}', "'inputs' at [1]"],
    ['{"inputs":[{"name":"x","data":[1]},{"name" : "y","data":[?]}]}', "input 'y'"],
    ['{"inputs":[{"data":[{"name":"no"}],"name":"x","shape":?}]}', "input 'x'"],
    ['{"inputs":[{"name":"a\\"]}","data":[?]}]}', "input 'a\\\"]}'"],
    ['{"inputs":{"x":[1],"y":[[1],[?]]}}', "input 'y'"],
    ['{"inputs":[{"name":"x"}],"outputs":[{"name":?}]}', "'outputs'"],
    ['{"inputs":[{"name":"x"}],"id":?}', "'id'"],
    ['{"features":[[1,2],[?]]}', "'features'"],
    ["[?]", ""],
    ["?", ""],
    ["]]]?", ""],
    ['{"inputs":[{"name":"x"}]}?', ""],
  ] as const) {
    it(`names ${place === "" ? "nothing" : place} for the mark in ${text}`, () => {
      const body = Buffer.from(text);
      assert.equal(placeIn(body, body.indexOf("?")), place);
    });
  }

  it("looks no further than 100 levels", () => {
    const body = Buffer.from(`{"features":${"[".repeat(200)}${"]".repeat(200)},"id":1}`);
    assert.equal(placeIn(body, body.length), "'features'");
  });
});
