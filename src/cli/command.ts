import type { ExitCode } from "./exit-codes.ts";
import type { ServerOptions, Shell } from "./shell.ts";

export interface Option {
  /** As commander takes them: `--version <version>`. */
  readonly flags: string;
  readonly help: string;
}

export interface Word {
  /** `<model>` must be there, `[model]` may. */
  readonly name: string;
  readonly help: string;
  /** What the shell offers to complete it. */
  readonly completes?: "files" | "models" | readonly string[];
}

/** What was typed behind a command's name. */
export interface Invocation {
  /** In the order of the command's words; those that may be missing are empty. */
  readonly words: readonly string[];
  readonly options: Options;
}

export type Options = ServerOptions & {
  readonly json?: boolean;
} & Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Command {
  readonly name: string;
  readonly help: string;
  readonly words: readonly Word[];
  readonly options: readonly Option[];
  /** Takes the options that say where the server is. */
  readonly asksServer: boolean;
  run(shell: Shell, invocation: Invocation): Promise<ExitCode>;
}

export const jsonOption: Option = { flags: "--json", help: "print JSON, for programs" };

export const serverOptions: readonly Option[] = [
  { flags: "--url <url>", help: "the server, instead of $TROUPE_URL or http://127.0.0.1:8080" },
  { flags: "--api-key <key>", help: "instead of $TROUPE_API_KEY" },
  { flags: "--timeout-ms <ms>", help: "how long it may take, retries and all" },
];

export const modelWord: Word = { name: "<model>", help: "name of the model", completes: "models" };

export const versionOption: Option = {
  flags: "--version <version>",
  help: "that version; else the default one",
};

/** An option that takes a text. */
export function textOption({ options }: Invocation, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}
