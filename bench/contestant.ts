// Owns the processes of what is compared: starts each on a free port, waits until it is ready, and ends it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { converse } from "./conversation.ts";
import type { Transport } from "./driver/message.ts";

export const contestantNames = ["troupe", "echo", "single"] as const;
export type ContestantName = (typeof contestantNames)[number];

const readyLimitMs = 30_000;
const pollMs = 50;
const requestLimitMs = 5000;
/** Longer than Troupe takes to drain when nothing is in flight. */
const stopLimitMs = 5000;
/** How much of a contestant's stderr is kept, to tell why it ended. */
const keptStderrChars = 2000;

export const repositoryRoot = fileURLToPath(new URL("..", import.meta.url));

/** How to start one: Node's arguments, given the port to listen on. */
export interface ContestantSpec {
  readonly name: ContestantName;
  /** What it can be asked over. */
  readonly transports: readonly Transport[];
  readonly nodeArguments: (port: number) => readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Contestant {
  readonly name: ContestantName;
  readonly transports: readonly Transport[];
  readonly port: number;
  readonly pid: number;
  ask(path: string, body: string): Promise<Answer>;
  /** Over a WebSocket of their own, one frame after the other: the answer to each. */
  converse(path: string, frames: readonly string[]): Promise<readonly string[]>;
  /** Throws where it has ended by itself. */
  assertAlive(): void;
  stop(): Promise<void>;
}

export function askableOver(
  transport: Transport,
  contestants: readonly Contestant[],
): readonly Contestant[] {
  return contestants.filter(({ transports }) => transports.includes(transport));
}

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
function launch(nodeArguments: readonly string[]): ChildProcess {
  return spawn(process.execPath, nodeArguments, {
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

async function ask(url: string, body: string): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(requestLimitMs);
  const response = await fetch(url, { method: "POST", headers, body, signal });
  return { status: response.status, text: await response.text() };
}

class Process implements Contestant {
  readonly name: ContestantName;
  readonly transports: readonly Transport[];
  readonly port: number;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #killNow: () => void;
  #stderr = "";

  constructor({ name, transports }: ContestantSpec, port: number, child: ChildProcess) {
    if (child.pid === undefined) throw new Error(`Cannot start ${name}`);
    const pid = child.pid;
    this.name = name;
    this.transports = transports;
    this.port = port;
    this.pid = pid;
    this.#child = child;
    this.#killNow = () => killGroup(pid);
    process.once("exit", this.#killNow);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderrChars);
    });
  }

  ask(path: string, body: string): Promise<Answer> {
    return ask(`http://127.0.0.1:${this.port}${path}`, body);
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
    const endsAt = performance.now() + readyLimitMs;
    while (!(await isReady(this.port))) {
      this.assertAlive();
      if (performance.now() > endsAt) {
        throw new Error(`Cannot measure ${this.name}: not ready within ${readyLimitMs} ms`);
      }
      await sleep(pollMs);
    }
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
  const contestant = new Process(spec, port, launch(spec.nodeArguments(port)));
  try {
    await contestant.ready();
    return contestant;
  } catch (error) {
    await contestant.stop();
    throw error;
  }
}
