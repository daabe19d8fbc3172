/* What a command has of the terminal it was typed into: streams, colours, and the signal to stop. */
import { TroupeClient, TroupeClientError } from "../client/node.ts";
import type { ClientEnvironment } from "../config/client-environment.ts";
import { exitCode, UsageError } from "./exit-codes.ts";
import { type Paint, painter } from "./paint.ts";

export interface Sink {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
}

export interface Shell {
  readonly out: Sink;
  readonly err: Sink;
  readonly input: AsyncIterable<Uint8Array>;
  readonly paint: Paint;
  readonly environment: ClientEnvironment;
  /** Aborts at the first Ctrl-C; the second one ends the process. */
  readonly signal: AbortSignal;
}

export interface ServerOptions {
  readonly url?: string;
  readonly apiKey?: string;
  readonly timeoutMs?: string;
}

export function openShell(environment: ClientEnvironment): Shell {
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  process.stdout.on("error", endWithOutput);
  // Nobody is left to be told.
  process.stderr.on("error", () => undefined);
  const out = sinkOf(process.stdout);
  return {
    out,
    err: sinkOf(process.stderr),
    input: process.stdin,
    paint: painter(environment.colours ?? out.isTerminal),
    environment,
    signal: interrupt.signal,
  };
}

/** Whoever reads, as `head` does, may have enough before the end; a full disk is another matter. */
function endWithOutput({ code, message }: NodeJS.ErrnoException): void {
  if (code === "EPIPE") process.exit();
  process.stderr.write(`troupe: cannot write the output: ${message}\n`);
  process.exit(exitCode.failed);
}

const usualColumns = 80;

function sinkOf(stream: NodeJS.WriteStream): Sink {
  return {
    isTerminal: stream.isTTY === true,
    // Some terminals say 0 where they do not know; a window may change.
    get columns() {
      return stream.columns || usualColumns;
    },
    write: (text) => void stream.write(text),
  };
}

/** Flags win over the environment. Throws UsageError. */
export function clientOf({ environment }: Shell, options: ServerOptions): TroupeClient {
  const timeoutMs = numberOf("--timeout-ms", options.timeoutMs);
  const apiKey = options.apiKey ?? environment.apiKey;
  try {
    return new TroupeClient(options.url ?? environment.url, { apiKey, timeoutMs });
  } catch (thrown) {
    throw thrown instanceof TroupeClientError ? new UsageError(thrown.message) : thrown;
  }
}

/** Throws UsageError. */
export function numberOf(
  flag: string,
  text: string | undefined,
  least: 0 | 1 = 1,
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text !== "" && Number.isInteger(number) && number >= least) return number;
  const range = least === 0 ? "from 0" : "above 0";
  throw new UsageError(`${flag} must be a whole number ${range}, got ${JSON.stringify(text)}`);
}

export function sayJson({ out }: Shell, value: unknown): void {
  out.write(`${JSON.stringify(value, null, 2)}\n`);
}
