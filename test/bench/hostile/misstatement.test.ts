import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { misstate } from "../../../bench/hostile/misstatement.ts";
import { grpcMessages, httpBody, sounds } from "../../../bench/hostile/sound.ts";
import { seededRandom } from "../../../models/random.ts";

describe("misstate", () => {
  it("makes requests that every form can carry, of names, datatypes, shapes and bytes", () => {
    const random = seededRandom(1);
    const heads = new Set<string>();
    for (let round = 0; round < 600; round += 1) {
      const sound = sounds[round % sounds.length] as (typeof sounds)[0];
      const changed = misstate(random, sound, sounds);
      const { bytes, jsonBytes } = httpBody(changed);
      const tensors = changed.inputs.reduce((sum, input) => sum + input.bytes.length, 0);
      assert.equal(bytes.length - jsonBytes, tensors);
      assert.ok(grpcMessages(changed).length > 0);
      heads.add(bytes.toString("latin1"));
    }
    assert.ok(heads.size > 300, `${heads.size} of 600 differ`);
  });

  it("changes no request that it is given", () => {
    const before = JSON.stringify(sounds);
    for (const sound of sounds) misstate(seededRandom(2), sound, sounds);
    assert.equal(JSON.stringify(sounds), before);
  });
});
