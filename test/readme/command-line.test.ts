import assert from "node:assert/strict";
import { cpSync, mkdtempSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { commands } from "../../src/cli/commands.ts";
import { exitCode } from "../../src/cli/exit-codes.ts";
import { startReady } from "../cluster/cluster.ts";
import { troupe } from "../cluster/command-line.ts";
import { examplesIn, readme, repository, tableOf } from "./readme.ts";

/** A copy, as a server writes to its folder. */
const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");
for (const name of ["digits", "iris", "smoother"]) {
  cpSync(resolve(repository, "models", name), join(modelsFolder, name), { recursive: true });
}

const cluster = await startReady({ after }, { home, modelsFolder });

const examples = examplesIn(readme, "sh").filter(({ call }) => call.text.startsWith("troupe "));

/** As a shell has them: single quotes keep what is between. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

/** Without what is another number each time, and the padding that follows from it. */
function settled(text: string): string {
  return text
    .replace(/\d+(\.\d+)?(e-\d+)?/g, "0")
    .replace(/ +/g, " ")
    .trim();
}

describe("the README's command line", () => {
  it("is there", () => assert.ok(examples.length > 0));

  for (const { call, answer } of examples) {
    it(`prints line ${call.line} as shown`, async () => {
      const [, ...argv] = wordsOf(call.text);
      const { out, err } = await troupe(argv, { url: cluster.url, cwd: repository });
      assert.equal(err, "");
      assert.equal(settled(out), settled(answer.text));
    });
  }

  it("has every command with its words", () => {
    const listed = tableOf(readme, ["command", "does"]).map(([command]) => command);
    const known = commands.map(({ name, words }) =>
      ["troupe", name, ...words.map((word) => word.name)].join(" "),
    );
    assert.deepEqual(listed.toSorted(), ["troupe serve", ...known].toSorted());
  });

  it("has every exit code", () => {
    const listed = tableOf(readme, ["exit code", "means"]).map(([code]) => Number(code));
    assert.deepEqual(listed, Object.values(exitCode));
  });
});
