import type { ModelView } from "../client/answers.ts";
import { type Command, modelWord, textOption, versionOption } from "./command.ts";
import { exitCode } from "./exit-codes.ts";
import { modelsText } from "./models.ts";
import { withProgress } from "./progress.ts";
import { clientOf, numberOf, sayJson } from "./shell.ts";

export const loadCommand = changeCommand("load", "load a model, or one version of it", "loading");
export const unloadCommand = changeCommand("unload", "drain a model and end it", "unloading");

function changeCommand(name: "load" | "unload", help: string, verb: string): Command {
  return {
    name,
    help,
    words: [modelWord],
    options: [{ ...versionOption, help: "that version only" }],
    asksServer: true,
    run: async (shell, invocation) => {
      const { words, options } = invocation;
      const [model = ""] = words;
      const handle = clientOf(shell, options).model(model, textOption(invocation, "version"));
      const view: ModelView = await withProgress(shell.err, `${verb} ${model}`, () =>
        handle[name]({
          signal: shell.signal,
          timeoutMs: numberOf("--timeout-ms", options.timeoutMs),
        }),
      );
      if (options.json === true) sayJson(shell, view);
      else shell.out.write(modelsText([view], shell.paint));
      return exitCode.done;
    },
  };
}
