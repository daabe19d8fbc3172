import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { environmentName, flagName, snakeCase } from "../../src/config/key-name.ts";
import { settingKeys } from "../../src/config/setting-table.ts";
import { helpText, settingsMarkdown } from "../../src/config/settings-page.ts";

describe("helpText", () => {
  const lines = helpText(8).split("\n");

  for (const flag of [...settingKeys.map(flagName), "--config", "--help", "--version"]) {
    it(`has a line for ${flag}`, () => {
      assert.equal(lines.filter((line) => line.startsWith(`  ${flag} `)).length, 1);
    });
  }

  it("shows the default of this machine", () => {
    assert.match(helpText(8), /--front-doors <number> .* \[2\]$/m);
    assert.match(helpText(8), /--max-in-flight-bytes <bytes> .* \[256MiB\]$/m);
  });

  it("fits a wide terminal", () => {
    assert.deepEqual(
      lines.filter((line) => line.length > 120),
      [],
    );
  });
});

describe("settingsMarkdown", () => {
  const lines = settingsMarkdown().split("\n");

  for (const key of settingKeys) {
    it(`has a row for ${key}`, () => {
      const spellings = [flagName(key), environmentName(key), snakeCase(key)];
      const start = `| ${spellings.map((text) => `\`${text}\``).join(" | ")} | `;
      assert.equal(lines.filter((line) => line.startsWith(start)).length, 1);
    });
  }

  it("has equally many cells in each row", () => {
    const counts = lines.filter((line) => line !== "").map((line) => line.split("|").length);
    assert.deepEqual(new Set(counts), new Set([7]));
  });
});
