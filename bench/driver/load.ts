// Owns the connections of one job, from the first byte to the tally; who asked for it is main's affair.
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./connection.ts";
import type { Dialogue } from "./dialogue.ts";
import { HttpDialogue, requestBytes } from "./http-dialogue.ts";
import { capacityFor, Ledger, type Window } from "./ledger.ts";
import type { Job, Tally } from "./message.ts";
import { byPopularity } from "./popularity.ts";
import { closedSchedule, openSchedule, type TakeDue } from "./schedule.ts";
import { framesOf, WebSocketDialogue } from "./websocket-dialogue.ts";

/** How long a server may take to accept all connections. */
const defaultConnectLimitMs = 5000;
/** How long the driver waits, after the window, for what was due in it. */
const drainLimitMs = 5000;
/** The shortest time a timer can wait: an open loop sends what came due in it at once. */
const tickMs = 1;

export interface WindowEvents {
  readonly onOpened: () => void;
  readonly onClosed: () => void;
}

/** How each connection begins its talk; the request's bytes are made once for all of them. */
function dialoguesOf(job: Job): () => Dialogue {
  switch (job.transport) {
    case "http": {
      const next = byPopularity(job.paths.map((path) => requestBytes(job, path)));
      return () => new HttpDialogue(next);
    }
    case "websocket": {
      const requests = framesOf(job.body, job.depth);
      const destination = { port: job.port, path: job.paths[0] ?? "/" };
      return () => new WebSocketDialogue(destination, requests);
    }
  }
}

function scheduleOf(job: Job, beginsAt: number, endsAt: number): TakeDue {
  return job.arrivals.type === "closed"
    ? closedSchedule(endsAt)
    : openSchedule(beginsAt, endsAt, job.arrivals.perSecond);
}

function ledgerOf(job: Job, window: Window): Ledger {
  const perSecond = job.arrivals.type === "open" ? job.arrivals.perSecond : undefined;
  return new Ledger(window, capacityFor(job.windowMs, perSecond));
}

async function until(done: () => boolean, limitMs: number): Promise<boolean> {
  const endsAt = performance.now() + limitMs;
  while (!done() && performance.now() < endsAt) await sleep(tickMs);
  return done();
}

class Load {
  /** A connection once for each request that it could send. Oldest first, so that none rests so long that it is closed. */
  #idle: Connection[] = [];
  readonly #connections: Connection[];
  readonly #places: number;
  #takeDue: TakeDue = () => undefined;
  #ledger: Ledger | undefined;

  constructor(job: Job) {
    const begin = dialoguesOf(job);
    const events = {
      onReady: (connection: Connection) => {
        for (let lane = 0; lane < job.depth; lane += 1) {
          this.#sendNext(connection, performance.now());
        }
      },
      onAnswer: (connection: Connection, intendedAt: number, status: number) => {
        const now = performance.now();
        this.#ledger?.answered(intendedAt, now, status);
        this.#sendNext(connection, now);
      },
      onBroken: (connection: Connection, intendedAt: readonly number[]) => {
        for (const at of intendedAt) this.#ledger?.broke(at);
        this.#idle = this.#idle.filter((other) => other !== connection);
      },
    };
    const connections = { length: job.connections };
    this.#connections = Array.from(connections, () => new Connection(job, begin, events));
    this.#places = job.connections * job.depth;
  }

  begin(takeDue: TakeDue, ledger: Ledger): void {
    this.#takeDue = takeDue;
    this.#ledger = ledger;
    this.sendDue();
  }

  get atRest(): boolean {
    return this.#idle.length === this.#places;
  }

  sendDue(): void {
    for (let count = this.#idle.length; count > 0; count -= 1) {
      const connection = this.#idle.shift();
      if (connection === undefined || !this.#sendNext(connection, performance.now())) return;
    }
  }

  /** How many are due and were never sent. */
  end(): number {
    for (const connection of this.#connections) connection.end();
    let neverSent = 0;
    while (this.#takeDue(performance.now()) !== undefined) neverSent += 1;
    return neverSent;
  }

  #sendNext(connection: Connection, now: number): boolean {
    const intendedAt = this.#takeDue(now);
    if (intendedAt === undefined) {
      this.#idle.push(connection);
      return false;
    }
    this.#ledger?.sent(intendedAt, now);
    connection.send(intendedAt);
    return true;
  }
}

/** Never early: timers drop the part of a millisecond. */
async function sleepUntil(at: number): Promise<void> {
  while (performance.now() < at) await sleep(Math.ceil(at - performance.now()));
}

/** The driver's CPU seconds from when the window opens to when it closes. */
async function watchWindow(window: Window, events: WindowEvents): Promise<number> {
  await sleepUntil(window.opensAt);
  const cpu = process.cpuUsage();
  events.onOpened();
  await sleepUntil(window.closesAt);
  const { user, system } = process.cpuUsage(cpu);
  events.onClosed();
  return (user + system) / 1e6;
}

export async function runLoad(
  job: Job,
  events: WindowEvents,
  connectLimitMs = defaultConnectLimitMs,
): Promise<Tally> {
  const load = new Load(job);
  if (!(await until(() => load.atRest, connectLimitMs))) {
    load.end();
    throw new Error(`Cannot load port ${job.port}: it took no ${job.connections} connections`);
  }
  const beginsAt = performance.now();
  const opensAt = beginsAt + job.warmUpMs;
  const window = { opensAt, closesAt: opensAt + job.windowMs };
  const ledger = ledgerOf(job, window);
  load.begin(scheduleOf(job, beginsAt, window.closesAt), ledger);
  const ticker =
    job.arrivals.type === "open" ? setInterval(() => load.sendDue(), tickMs) : undefined;
  const cpuSeconds = await watchWindow(window, events);
  load.sendDue(); // what came due since the last tick
  await until(() => load.atRest, drainLimitMs);
  clearInterval(ticker);
  return ledger.close(load.end(), cpuSeconds);
}
