/*
 * The life of a host's process, once start.ts has begun it: it wires the engine, the host and the sockets together as
 * the supervisor says.
 */
import { rmSync } from "node:fs";
import {
  liveUnderSupervisor,
  logFd,
  readCadence,
  tellSupervisor,
} from "../src/platform/child-life.ts";
import { systemClock } from "../src/platform/clock.ts";
import { figuresReader } from "../src/platform/figures.ts";
import { type HostLog, LateLog } from "../src/platform/late-log.ts";
import { snapshotOf } from "../src/platform/metrics.ts";
import { Pulse } from "../src/platform/pulse.ts";
import {
  type HostCommand,
  type HostEvent,
  type HostSpec,
  unawaitedReport,
} from "../src/protocol/control.ts";
import { labelFault } from "../src/protocol/label-fit.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import { die } from "./death.ts";
import { DoorServer } from "./door-server.ts";
import { earlyCommands, earlyEngine, hearEarly } from "./early-engine.ts";
import { chooseEngine, type EngineOptions, type LoadedEngine } from "./engine-choice.ts";
import { engineOpener, type OpenEngine } from "./engine-opening.ts";
import { EngineWatch } from "./engine-watch.ts";
import { Host } from "./host.ts";
import { createHostMetrics, type HostMetrics } from "./host-metrics.ts";
import { LiveEngine } from "./live-engine.ts";
import { rehearse } from "./rehearsal.ts";
import { lineTeller } from "./told-lines.ts";
import type { TrialOptions } from "./trial.ts";

interface Serving {
  readonly host: Host;
  readonly server: DoorServer;
  readonly metrics: HostMetrics;
  /** Undefined where its engine stays where it is, whatever is measured. */
  readonly watch: EngineWatch | undefined;
}

let socketPath: string | undefined;
let serving: Serving | undefined;
let ownLog: LateLog | undefined;
/** What came while the model was being loaded. */
const earlyPoison: string[] = [];

const tell = (event: HostEvent) => tellSupervisor(event);

async function load(spec: HostSpec): Promise<void> {
  socketPath = spec.socketPath;
  const log = new LateLog({
    ...spec.log,
    fd: logFd,
    base: { role: "host", model: spec.model, version: spec.version },
    onLine: lineTeller(systemClock, (line) => void tell({ type: "logged", ...line })),
  });
  ownLog = log;
  const options = engineOptionsOf(spec);
  const loaded = await chooseEngine(options);
  await serve({ spec, log, loaded, open: engineOpener(options, loaded) });
}

interface ServingParts {
  readonly spec: HostSpec;
  readonly log: LateLog;
  readonly loaded: LoadedEngine;
  readonly open: OpenEngine;
}

async function serve({ spec, log, loaded, open }: ServingParts): Promise<void> {
  const { metadata, place } = loaded;
  const live = new LiveEngine(loaded.engine);
  const metrics = createHostMetrics(spec.model, spec.version);
  const parts = {
    spec,
    metadata,
    engine: live,
    clock: systemClock,
    metrics,
    log,
    tell,
    onPressure: () => {
      pulse.wake();
      serving?.server.tellPressure();
    },
    onWork: () => pulse.wake(),
  };
  const host = new Host(parts);
  await rehearse(parts, loaded);
  const server = new DoorServer(host, spec);
  await server.listen(spec.socketPath);
  for (const fingerprint of earlyPoison) host.addPoison(fingerprint);
  const isIdle = () => host.load.inFlight === 0;
  const watched = { ...parts, live, place, open, onDeath: die, isIdle };
  const watch = loaded.mayMove ? new EngineWatch(watched) : undefined;
  serving = { host, server, metrics, watch };
  noteFoundState(log, metadata);
  const reason = labelFault(spec.labels, metadata);
  if (reason !== null) log.warn({ reason }, "labels do not fit");
  await tell({ type: "engine", ...place });
  await tell({ type: "ready", metadata });
}

function engineOptionsOf(spec: HostSpec): EngineOptions {
  return {
    file: spec.file,
    beside: spec.beside,
    settings: spec.session,
    trial: trialOf(spec),
    onDeath: die,
    started: earlyEngine,
    known: spec.known,
    onTried: (result) => tell({ type: "tried", result }),
    onLoaded: () => tell({ type: "loaded" }),
    slow: spec.slow,
    onSlow: (reason) => tell({ type: "slow", reason }),
  };
}

function trialOf(spec: HostSpec): TrialOptions {
  return {
    maxBatchSize: spec.batching.maxBatchSize,
    skip: spec.skipTrial,
    state: spec.state,
    stream: spec.stream,
    ...(spec.triton && { triton: spec.triton }),
    ...(spec.schwift && { schwift: spec.schwift }),
  };
}

/** What nobody asked for should at least be said. */
function noteFoundState(log: HostLog, { state, inputs, outputs }: ModelMetadata): void {
  for (const { found, input, output } of state) {
    if (!found) continue;
    const names = { input: inputs[input]?.name, output: outputs[output]?.name };
    log.info(names, "state found: the output is fed back within a sequence");
  }
}

async function refuse(thrown: unknown): Promise<void> {
  await tell({ type: "refused", reason: thrown instanceof Error ? thrown.message : "unknown" });
  process.exit(0);
}

async function report(reportId: number): Promise<void> {
  const metrics = serving === undefined ? [] : await snapshotOf(serving.metrics.registry);
  await tell({ type: "metrics", reportId, metrics });
}

async function leave({ host, server, watch }: Serving): Promise<void> {
  // To leave while a thread loads would abort the process.
  await watch?.close();
  host.close();
  await server.close();
  // What was counted since the last report outlives this process.
  await report(unawaitedReport);
  await tell({ type: "drained" });
  process.exit(0);
}

function obey(command: HostCommand): void {
  switch (command.type) {
    case "load":
      load(command.spec).catch(refuse);
      return;
    case "beat":
      pulse.sayNow();
      return;
    case "poison":
      if (serving === undefined) earlyPoison.push(command.fingerprint);
      else serving.host.addPoison(command.fingerprint);
      return;
    case "report":
      // Its figures may be old where it rests.
      if (command.reportId !== unawaitedReport) pulse.sayNow();
      void report(command.reportId);
      return;
    case "log-level":
      if (ownLog !== undefined) ownLog.level = command.level;
      return;
    case "drain":
      if (serving === undefined) process.kill(process.pid, "SIGKILL");
      else serving.host.drain(once(serving));
      return;
  }
}

function once(toLeave: Serving): () => void {
  let hasLeft = false;
  return () => {
    if (hasLeft) return;
    hasLeft = true;
    void leave(toLeave);
  };
}

liveUnderSupervisor(() => {
  if (socketPath !== undefined) rmSync(socketPath, { force: true });
});
process.off("message", hearEarly);
process.on("message", (command) => obey(command as HostCommand));
const readFigures = figuresReader();
const idle = {
  queueRows: 0,
  inFlight: 0,
  breaker: "closed",
  sequences: 0,
  objective: null,
} as const;
const pulse = new Pulse({
  clock: systemClock,
  cadence: readCadence(),
  hasWork: () => serving === undefined || serving.host.hasWork,
  say: (beat) => {
    const { isResting } = beat;
    const load = serving?.host.load ?? idle;
    void tell({ type: "beat", isResting, figures: readFigures(beat), load });
  },
  onRest: () => void report(unawaitedReport),
});
for (const command of earlyCommands) obey(command);
