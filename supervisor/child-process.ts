/* The one home of child processes: how they are forked, spoken to, and what they print. Their lives are the slots'. */
import { type ChildProcess, type ForkOptions, fork } from "node:child_process";
import type { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { logFd, threadFlag, writeCadence } from "../src/platform/child-life.ts";
import type { Cadence } from "../src/platform/pulse.ts";
import { LineReader } from "./line-reader.ts";

export type SendHandle = Parameters<ChildProcess["send"]>[1];

export interface Child<Command> {
  readonly pid: number;
  send(command: Command, handle?: SendHandle): void;
  kill(): void;
}

export interface ChildListeners {
  onMessage(message: unknown): void;
  onLine(stream: "stdout" | "stderr", line: string): void;
  /**
   * Comes once, after all messages; the last lines may come later. Neither code nor signal: it could not be forked.
   */
  onExit(code: number | null, signal: NodeJS.Signals | null): void;
}

/** `withThread`: its engine's thread is to start at once, as it is known to need one. */
export type ForkChild<Command> = (
  listeners: ChildListeners,
  withThread?: boolean,
) => Child<Command>;

const maxLineLength = 2_000;
const stdoutFd = 1;

/**
 * A child begins with nothing of ours: an empty folder, and an environment that only keeps ONNX Runtime from reporting
 * home. It gets our stdout beside its own, for log lines that need no detour.
 */
export function forkFrom<Command>(
  entry: URL,
  emptyFolder: string,
  cadence: Cadence,
): ForkChild<Command> {
  return (listeners, withThread = false) => {
    const options: ForkOptions = {
      cwd: emptyFolder,
      env: { ORT_DISABLE_TELEMETRY: "1" },
      execArgv: process.execArgv.filter((flag) => !flag.startsWith("--inspect")),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    };
    const stdio = [...(options.stdio as ("ignore" | "pipe" | "ipc" | number)[])];
    stdio[logFd] = stdoutFd;
    const words = [...writeCadence(cadence), ...(withThread ? [threadFlag] : [])];
    try {
      return watched(fork(entry, words, { ...options, stdio }), listeners);
    } catch (error) {
      // Whoever forks has first to hold the child whose end it hears of.
      setImmediate(() => endUnborn(error, listeners));
      return unborn;
    }
  };
}

/** Stands for a process that there never was. */
const unborn: Child<unknown> = { pid: 0, send: () => undefined, kill: () => undefined };

function endUnborn(error: unknown, { onLine, onExit }: ChildListeners): void {
  onLine("stderr", `Cannot fork: ${error instanceof Error ? error.message : String(error)}`);
  onExit(null, null);
}

/** Where the system has no process left to give, there is no pid, only an `error`, and maybe no pipes either. */
function watched<Command>(child: ChildProcess, listeners: ChildListeners): Child<Command> {
  if (child.pid === undefined) {
    child.once("error", (error) => endUnborn(error, listeners));
    child.on("error", () => undefined);
    for (const output of [child.stdout, child.stderr]) output?.on("error", () => undefined);
    return unborn;
  }
  listen(child, listeners);
  return {
    pid: child.pid,
    send: (command, handle) => send(child, command, handle),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** A child that is just dying cannot be told anything; its exit says the rest. */
function send(child: ChildProcess, command: unknown, handle: SendHandle): void {
  if (child.connected) child.send(command as object, handle, {}, () => undefined);
}

function listen(child: ChildProcess, listeners: ChildListeners): void {
  child.on("message", (message) => listeners.onMessage(message));
  child.on("error", () => undefined);
  for (const stream of ["stdout", "stderr"] as const) {
    const output = child[stream];
    // ONNX Runtime colours what it says, wherever that goes.
    const onLine = (line: string) => listeners.onLine(stream, stripVTControlCharacters(line));
    if (output !== null) readLines(output, onLine);
  }
  whenGone(child, listeners.onExit);
}

/** For messages that are in the channel when the process is gone. */
const lastMessagesMs = 250;

/**
 * `exit` may overtake the last messages, which `disconnect` never does; but that never comes where the child has left
 * a handle untaken.
 */
function whenGone(child: ChildProcess, onExit: ChildListeners["onExit"]): void {
  let isTold = false;
  const tell = () => {
    if (isTold) return;
    isTold = true;
    onExit(child.exitCode, child.signalCode);
  };
  child.once("exit", () => {
    if (child.connected) setTimeout(tell, lastMessagesMs);
    else tell();
  });
  child.once("disconnect", () => {
    if (child.exitCode !== null || child.signalCode !== null) tell();
  });
}

function readLines(output: Readable, onLine: (line: string) => void): void {
  const lines = new LineReader(maxLineLength);
  output.setEncoding("utf8");
  output.on("data", (chunk: string) => lines.push(chunk, onLine));
  output.on("close", () => lines.end(onLine));
  output.on("error", () => undefined);
}
