import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { replaceSection } from "../../bench/readme.ts";

describe("replaceSection", () => {
  it("changes what stands between the marks, and nothing else", () => {
    const readme = "# A\n\n<!-- bench -->\n\nold\n\n<!-- /bench -->\n\nb\n";
    const expected = "# A\n\n<!-- bench -->\n\nnew\n\n<!-- /bench -->\n\nb\n";
    assert.equal(replaceSection(readme, "new"), expected);
    assert.equal(replaceSection(expected, "new"), expected);
  });

  it("refuses a text without them", () => {
    assert.throws(() => replaceSection("# A\n", "new"), /it has no marks/);
    assert.throws(() => replaceSection("<!-- bench -->\n", "new"), /it has no marks/);
  });

  it("finds them in README.md", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    assert.match(replaceSection(readme, "new"), /<!-- bench -->\n\nnew\n\n<!-- \/bench -->/);
  });
});
