import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { targets } from "../../bench/targets.ts";
import { works } from "../../bench/work.ts";

describe("targets", () => {
  it("divide what one contestant did in two works, or two in one", () => {
    for (const { of, to } of targets) {
      assert.notEqual(of.work === to.work, of.contestant === to.contestant);
    }
  });

  it("name who does the work", () => {
    for (const { work, contestant } of targets.flatMap(({ of, to }) => [of, to])) {
      const [found] = works([work], undefined);
      assert.ok(found?.contestants.includes(contestant), `${contestant} in ${work}`);
    }
  });
});
