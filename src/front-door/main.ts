/* The entry of a front door's process: it wires listeners, routes and hosts together as the supervisor says. */
import { liveUnderSupervisor, logFd, readCadence, tellSupervisor } from "../platform/child-life.ts";
import { systemClock } from "../platform/clock.ts";
import { figuresReader } from "../platform/figures.ts";
import { letHeapGrow } from "../platform/heap.ts";
import { createLog, type Log } from "../platform/log.ts";
import { snapshotOf } from "../platform/metrics.ts";
import { Pulse } from "../platform/pulse.ts";
import {
  type DoorCommand,
  type DoorEvent,
  type DoorSettings,
  unawaitedReport,
} from "../protocol/control.ts";
import { FrontDoor } from "./front-door.ts";

const tell = (event: DoorEvent) => tellSupervisor(event);
let door: FrontDoor | undefined;
let log: Log | undefined;
/** What gRPC is listened on by; undefined where it is off. */
let grpcHandle: unknown;

async function start(settings: DoorSettings, handle: unknown): Promise<void> {
  const own = createLog({ ...settings.log, fd: logFd, base: { role: "front-door" } });
  log = own;
  process.on("uncaughtException", (error) => {
    own.fatal({ err: error }, "uncaught");
    process.kill(process.pid, "SIGABRT");
  });
  const onWork = () => pulse.wake();
  door = new FrontDoor({ settings, log: own, clock: systemClock, tell, onWork });
  try {
    await tell({ type: "listening", port: await door.listen(handle, grpcHandle) });
    letHeapGrow();
  } catch (thrown) {
    const reason = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown";
    await tell({ type: "listen-failed", reason });
  }
}

async function report(reportId: number): Promise<void> {
  const metrics = door === undefined ? [] : await snapshotOf(door.registry);
  await tell({ type: "metrics", reportId, metrics });
}

async function leave(): Promise<void> {
  await door?.drain();
  await report(unawaitedReport);
  await tell({ type: "drained" });
  process.exit(0);
}

function obey(command: DoorCommand, handle: unknown): void {
  switch (command.type) {
    case "grpc-port":
      grpcHandle = handle;
      return;
    case "start":
      void start(command.settings, handle);
      return;
    case "report":
      // Its figures may be old where it rests.
      if (command.reportId !== unawaitedReport) pulse.sayNow();
      void report(command.reportId);
      return;
    case "log-level":
      if (log !== undefined) log.level = command.level;
      return;
    case "drain":
      void leave();
      return;
    case "model":
    case "model-gone":
    case "events":
    case "server":
    case "host-down":
    case "trace-plan":
    case "reply":
      door?.learn(command);
      return;
  }
}

liveUnderSupervisor(() => undefined);
process.on("message", (command, handle) => obey(command as DoorCommand, handle));
const readFigures = figuresReader();
void tell({ type: "booted" });
const pulse = new Pulse({
  clock: systemClock,
  cadence: readCadence(),
  hasWork: () => door === undefined || door.hasWork,
  say: (beat) => {
    const { isResting } = beat;
    void tell({ type: "beat", isResting, figures: readFigures(beat) });
    for (const hostId of door?.lookForSilence() ?? []) void tell({ type: "silent", hostId });
  },
  onRest: () => void report(unawaitedReport),
});
