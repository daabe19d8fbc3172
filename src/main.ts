#!/usr/bin/env node
/* The `troupe` command: arguments become a configuration, and the configuration a running supervisor. Only wiring. */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { forkFrom } from "../supervisor/child-process.ts";
import { doorSettingsOf } from "../supervisor/door-settings.ts";
import { greet } from "../supervisor/greeting.ts";
import { type Binding, bind } from "../supervisor/listening-socket.ts";
import { openModels } from "../supervisor/opening.ts";
import { readRss } from "../supervisor/resident-memory.ts";
import { createRuntimeFolder } from "../supervisor/runtime-folder.ts";
import { stopOnSignals } from "../supervisor/stopping.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import type { SupervisorOptions } from "../supervisor/supervisor-options.ts";
import { beatMsFor, restMsFor } from "../supervisor/watchdog.ts";
import { discoverModels, type ModelFolder } from "./config/model-folder.ts";
import { readProcessSettings } from "./config/process-settings.ts";
import { readProductVersion } from "./config/product-version.ts";
import type { Settings } from "./config/settings.ts";
import { systemClock } from "./platform/clock.ts";
import { createLog, type Log } from "./platform/log.ts";
import type { DoorCommand, HostCommand } from "./protocol/control.ts";
import { TroupeError } from "./protocol/errors.ts";

const usageExit = 2;
const failureExit = 1;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function refuse(message: string, code: number): never {
  process.stderr.write(`troupe: ${message}\n`);
  process.exit(code);
}

async function orRefuse<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof TroupeError) refuse(thrown.message, failureExit);
    throw thrown;
  }
}

function findModels({ models }: Settings): Promise<readonly ModelFolder[]> {
  return orRefuse(discoverModels(models));
}

function warnOf(models: readonly ModelFolder[], log: Log): readonly ModelFolder[] {
  for (const { name, notes } of models) {
    for (const reason of notes?.warnings ?? []) log.warn({ model: name, reason }, "configuration");
  }
  return models;
}

type FolderParts = Pick<
  SupervisorOptions,
  "models" | "modelsFolder" | "journal" | "store" | "watchMs" | "traceFolder" | "hostDrainMs"
>;

/** The folder is looked at again, as an upload that was cut off may have been finished. */
async function openFolder(settings: Settings, log: Log): Promise<FolderParts> {
  return {
    ...(await orRefuse(openModels(settings.models, log))),
    models: warnOf(await findModels(settings), log),
    modelsFolder: settings.models,
    watchMs: settings.watch ? settings.watchMs : null,
    traceFolder: settings.traceFolder,
    hostDrainMs: settings.drainMs + settings.drainSequencesMs,
  };
}

function thisRun() {
  const run = randomBytes(6).toString("hex");
  return { version: readProductVersion(), startedAt: systemClock.wall(), run };
}

type Bound = Extract<Binding, { type: "bound" }>;

async function bindOrRefuse(host: string, port: number, advice: string): Promise<Bound> {
  const binding = await bind(host, port);
  if (binding.type === "bound") return binding;
  refuse(`Cannot listen: ${binding.reason}${advice}`, failureExit);
}

async function bindGrpc({ host, grpcPort }: Settings): Promise<Bound | undefined> {
  if (grpcPort === 0) return undefined;
  return bindOrRefuse(host, grpcPort, "; --grpc-port takes another port for gRPC, or 0 for none");
}

function startLog({ logLevel: level }: Settings, pretty: boolean, warnings: readonly string[]) {
  const log = createLog({ level, pretty, fd: 1, base: { role: "supervisor" } });
  for (const reason of warnings) log.warn({ reason }, "environment");
  return log;
}

/** A front door is expected to say at any time that it lives: without it nobody would be answered. */
function forks({ hangMs }: Settings, folder: string) {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const entry = (path: string) => new URL(`${path}.${extension}`, import.meta.url);
  const beatMs = beatMsFor(hangMs);
  const restMs = restMsFor(hangMs);
  return {
    forkDoor: forkFrom<DoorCommand>(entry("./front-door/main"), folder, { beatMs, restMs: beatMs }),
    forkHost: forkFrom<HostCommand>(entry("../model-host/start"), folder, { beatMs, restMs }),
  };
}

async function run(settings: Settings, warnings: readonly string[]): Promise<void> {
  await findModels(settings);
  const binding = await bindOrRefuse(settings.host, settings.port, "");
  const grpc = await bindGrpc(settings);
  const pretty = process.stdout.isTTY === true;
  const log = startLog(settings, pretty, warnings);
  const opened = await openFolder(settings, log);
  const runtime = createRuntimeFolder();
  const supervisor = new Supervisor({
    clock: systemClock,
    random: Math.random,
    readRss,
    log,
    hangMs: settings.hangMs,
    cores: availableParallelism(),
    frontDoors: settings.frontDoors,
    doorSettings: doorSettingsOf(settings, thisRun(), pretty),
    handle: binding.handle,
    grpcHandle: grpc?.handle,
    socketFolder: runtime.path,
    ...opened,
    ...forks(settings, runtime.emptyFolder),
    listener: greet({
      host: settings.host,
      grpcPort: grpc?.port ?? null,
      pretty,
      log,
      say,
      refuse: (reason) => {
        supervisor.abandon();
        runtime.remove();
        refuse(`Cannot listen: ${reason}`, failureExit);
      },
    }),
  });
  const closePort = () => {
    binding.close();
    grpc?.close();
  };
  stopOnSignals(supervisor, { settings, log, runtime, closePort });
  supervisor.start();
}

const verdict = readProcessSettings(availableParallelism());
switch (verdict.type) {
  case "run":
    await run(verdict.settings, verdict.warnings);
    break;
  case "help":
  case "version":
    say(verdict.text);
    break;
  case "refused":
    refuse(verdict.message, usageExit);
}
