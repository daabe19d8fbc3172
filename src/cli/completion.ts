import { flagName } from "../config/key-name.ts";
import { settingKeys } from "../config/setting-table.ts";
import { type Command, jsonOption, serverOptions, type Word } from "./command.ts";
import { type CompletedCommand, scriptFor, shells } from "./completion-scripts.ts";
import { exitCode, UsageError } from "./exit-codes.ts";

/** For all commands but `serve`, which is always there. */
export const completionOf = (commands: () => readonly Command[]): Command => ({
  name: "completion",
  help: "print a script that completes commands: eval it in the shell's start-up file",
  words: [{ name: "<shell>", help: shells.join(", "), completes: shells }],
  options: [],
  asksServer: false,
  run: async ({ out }, { words: [name = ""] }) => {
    const shell = shells.find((one) => one === name);
    if (shell === undefined) {
      throw new UsageError(
        `the shell must be one of ${shells.join(", ")}, got ${JSON.stringify(name)}`,
      );
    }
    out.write(scriptFor(shell, [serveCompleted(), ...commands().map(completed)]));
    return exitCode.done;
  },
});

function completed({ name, help, words, options, asksServer }: Command): CompletedCommand {
  const all = [...options, ...(asksServer ? [jsonOption, ...serverOptions] : [])];
  return {
    name,
    help,
    flags: [...all.map(({ flags }) => flags.split(" ")[0] ?? ""), "--help"],
    values: words.flatMap(valuesOf),
    takesFiles: words.some(({ completes }) => completes === "files"),
  };
}

function valuesOf({ completes }: Word): readonly string[] {
  return typeof completes === "string" || completes === undefined ? [] : completes;
}

function serveCompleted(): CompletedCommand {
  return {
    name: "serve",
    help: "serve the models of a folder",
    flags: [...settingKeys.map(flagName), "--config", "--help", "--version"],
    values: [],
    takesFiles: true,
  };
}
