/* commander's one home: the commands become its program, and its complaints become one line and an exit code. */
import { Command as Commander, CommanderError } from "commander";
import { TroupeClientError } from "../client/client-error.ts";
import { readProductVersion } from "../config/product-version.ts";
import { plain } from "../platform/pretty-line.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import { type Command, jsonOption, type Options, serverOptions } from "./command.ts";
import { commands } from "./commands.ts";
import { type ExitCode, exitCode, exitCodeOf, UsageError } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";

const closing = `
troupe <command> --help tells more. Exit codes: 0 done, 1 failed, 2 not understood, 3 no server there,
4 not now but maybe later, 130 interrupted.`;

export async function runProgram(argv: readonly string[], shell: Shell): Promise<ExitCode> {
  let result: ExitCode = exitCode.done;
  const asJson = argv.includes("--json");
  const program = new Commander("troupe");
  program
    .description("Serves ONNX models from a troupe of processes, and talks to such a server.")
    .version(`troupe ${readProductVersion()}`)
    .enablePositionalOptions() // `upload --version 2` is the model's, not ours.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.out.write(text),
      writeErr: (text) => shell.err.write(usageText(commanderWords(text), asJson)),
    })
    .addHelpText("after", closing);
  program.command("serve").description("serve the models of a folder (the default; --help)");
  for (const command of commands) {
    addCommand(program, command, async (words, options) => {
      result = await command.run(shell, { words, options });
    });
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return shell.signal.aborted ? exitCode.interrupted : result;
  } catch (thrown) {
    return complain(thrown, shell, asJson);
  }
}

type Run = (words: readonly string[], options: Options) => Promise<void>;

function addCommand(program: Commander, command: Command, run: Run): void {
  const added = program.command(command.name).description(command.help);
  for (const { name, help } of command.words) added.argument(name, help);
  const common = command.asksServer ? [jsonOption, ...serverOptions] : [];
  for (const { flags, help } of [...command.options, ...common]) added.option(flags, help);
  added.action((...given: unknown[]) => {
    const words = given.slice(0, command.words.length).flat();
    return run(
      words.map((word) => String(word ?? "")),
      added.opts<Options>(),
    );
  });
}

/** What is not understood here is what a server would not understand either. */
const usageCode: ErrorCode = "invalid-request";

function usageText(message: string, asJson: boolean): string {
  return asJson
    ? `${JSON.stringify({ error: message, code: usageCode })}\n`
    : `troupe: ${plain(message)}\n`;
}

function complain(thrown: unknown, { err, signal }: Shell, asJson: boolean): ExitCode {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : exitCode.usage;
  if (signal.aborted) return exitCode.interrupted;
  if (thrown instanceof UsageError) {
    err.write(usageText(thrown.message, asJson));
    return exitCode.usage;
  }
  if (!(thrown instanceof TroupeClientError)) throw thrown;
  const { message, code, requestId } = thrown;
  if (asJson) err.write(`${JSON.stringify({ error: message, code, request_id: requestId })}\n`);
  else err.write(`troupe: ${plain(message)} (${code})\n`);
  return exitCodeOf(thrown);
}

/** As ours are said: in one line, and without a title. */
function commanderWords(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replaceAll("\n", " ");
}
