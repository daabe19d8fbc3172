import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { type CompletedCommand, scriptFor } from "../../src/cli/completion-scripts.ts";

const commands: readonly CompletedCommand[] = [
  { name: "status", help: "how it's going", flags: ["--json"], values: [], takesFiles: false },
  {
    name: "completion",
    help: "a: script",
    flags: ["--help"],
    values: ["bash", "zsh"],
    takesFiles: false,
  },
];

/** What bash offers behind these words. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `set -u; ${scriptFor("bash", commands)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_troupe; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout.trim().split("\n");
}

describe("the completion of bash", () => {
  it("offers commands, and then what the command takes", () => {
    assert.deepEqual(offered("troupe", "s"), ["status"]);
    assert.deepEqual(offered("troupe", "status", "--"), ["--json"]);
    assert.deepEqual(offered("troupe", "completion", ""), ["bash", "zsh"]);
    assert.deepEqual(offered("troupe", "help", "st"), ["status"]);
  });

  it("leaves files to bash where no flag is begun, under the strictest settings", () => {
    assert.deepEqual(offered("troupe", "status", ""), [""]);
    assert.deepEqual(offered("troupe", "nonsense", ""), [""]);
  });
});

describe("the completions of zsh and fish", () => {
  it("quote what stands in the help", () => {
    assert.match(
      scriptFor("zsh", commands),
      /'status:how it'\\''s going'\n {4}'completion:a\\: script'/,
    );
    assert.match(scriptFor("fish", commands), /-a status -d 'how it\\'s going'/);
  });

  it("name each flag", () => {
    assert.match(scriptFor("zsh", commands), /status\) compadd -- --json ;;/);
    assert.match(scriptFor("fish", commands), /__fish_seen_subcommand_from status' -l json/);
  });
});
