// Owns the processes of what is compared: starts each on a free port, waits until it is ready, and ends it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { converse } from "./conversation.ts";

export const contestantNames = ["troupe", "echo", "single", "bare", "fastapi"] as const;
export type ContestantName = (typeof contestantNames)[number];

const usualReadyLimitMs = 30_000;
const usualPollMs = 50;
const requestLimitMs = 15_000;
/** Longer than Troupe takes to drain when nothing is in flight. */
const stopLimitMs = 5000;
/** How much of a contestant's stderr is kept, to tell why it ended. */
const keptStderrChars = 2000;

export const repositoryRoot = fileURLToPath(new URL("..", import.meta.url));

/** How to start one. */
export interface ContestantSpec {
  readonly name: ContestantName;
  /** Node where there is none. */
  readonly command?: string;
  /** Given the port to listen on. */
  readonly commandArguments: (port: number) => readonly string[];
  /** Longer where much has to be loaded. */
  readonly readyLimitMs?: number;
  /** Shorter where the time to ready is what is measured. */
  readonly pollMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Contestant {
  readonly name: ContestantName;
  readonly port: number;
  readonly pid: number;
  /** From when it was launched to when it said that it is ready. */
  readonly startMs: number;
  /** In JSON, where the headers say nothing else. */
  ask(path: string, body: string | Uint8Array, headers?: Headers): Promise<Answer>;
  /** Over a WebSocket of their own, one frame after the other: the answer to each. */
  converse(path: string, frames: readonly string[]): Promise<readonly string[]>;
  /** Throws where it has ended by itself. */
  assertAlive(): void;
  stop(): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

/** Nothing of the caller's environment that could set an option of Troupe or of Node. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  // Official builds of ONNX Runtime report home unless told not to.
  return { PATH, HOME, TMPDIR, ORT_DISABLE_TELEMETRY: "1" };
}

/** One that nobody listens on, at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}

/** In a process group of its own, so that whatever it starts can be ended with it. */
function launch({ command, commandArguments }: ContestantSpec, port: number): ChildProcess {
  return spawn(command ?? process.execPath, commandArguments(port), {
    cwd: repositoryRoot,
    detached: true,
    env: cleanEnvironment(),
    // Log lines go nowhere: to read them here would cost the machine time that the rivals do not spend.
    stdio: ["ignore", "ignore", "pipe"],
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended already.
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(requestLimitMs);
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal });
    await response.text();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function ask(url: string, body: string | Uint8Array, headers: Headers): Promise<Answer> {
  const signal = AbortSignal.timeout(requestLimitMs);
  const bytes = typeof body === "string" ? body : Uint8Array.from(body);
  const response = await fetch(url, { method: "POST", headers, body: bytes, signal });
  return { status: response.status, text: await response.text() };
}

class Process implements Contestant {
  readonly name: ContestantName;
  readonly port: number;
  readonly pid: number;
  readonly #launchedAt = performance.now();
  readonly #readyLimitMs: number;
  readonly #pollMs: number;
  startMs = Number.NaN;
  readonly #child: ChildProcess;
  readonly #killNow: () => void;
  #stderr = "";

  constructor({ name, ...spec }: ContestantSpec, port: number, child: ChildProcess) {
    if (child.pid === undefined) throw new Error(`Cannot start ${name}`);
    const pid = child.pid;
    this.name = name;
    this.#readyLimitMs = spec.readyLimitMs ?? usualReadyLimitMs;
    this.#pollMs = spec.pollMs ?? usualPollMs;
    this.port = port;
    this.pid = pid;
    this.#child = child;
    this.#killNow = () => killGroup(pid);
    process.once("exit", this.#killNow);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderrChars);
    });
  }

  ask(
    path: string,
    body: string | Uint8Array,
    headers: Headers = { "content-type": "application/json" },
  ): Promise<Answer> {
    return ask(`http://127.0.0.1:${this.port}${path}`, body, headers);
  }

  converse(path: string, frames: readonly string[]): Promise<readonly string[]> {
    return converse(`ws://127.0.0.1:${this.port}${path}`, frames, requestLimitMs);
  }

  assertAlive(): void {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return;
    const how = signalCode ?? `exit code ${exitCode}`;
    throw new Error(`Cannot measure ${this.name}: it ended with ${how}\n${this.#stderr}`);
  }

  async ready(): Promise<void> {
    const endsAt = performance.now() + this.#readyLimitMs;
    while (!(await isReady(this.port))) {
      this.assertAlive();
      if (performance.now() > endsAt) {
        throw new Error(`Cannot measure ${this.name}: not ready within ${this.#readyLimitMs} ms`);
      }
      await sleep(this.#pollMs);
    }
    this.startMs = performance.now() - this.#launchedAt;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await Promise.race([ended, sleep(stopLimitMs, undefined, { ref: false })]);
    }
    this.#killNow();
    process.off("exit", this.#killNow);
  }
}

export async function startContestant(spec: ContestantSpec): Promise<Contestant> {
  const port = await freePort();
  const contestant = new Process(spec, port, launch(spec, port));
  try {
    await contestant.ready();
    return contestant;
  } catch (error) {
    await contestant.stop();
    throw error;
  }
}
