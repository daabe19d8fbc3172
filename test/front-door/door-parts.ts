import { AccessLog } from "../../src/front-door/access-log.ts";
import { Directory } from "../../src/front-door/directory.ts";
import { createDoorMetrics } from "../../src/front-door/door-metrics.ts";
import { Entrance } from "../../src/front-door/entrance.ts";
import { MessageRoom } from "../../src/front-door/message-room.ts";
import { Permits } from "../../src/front-door/permits.ts";
import { Tracer } from "../../src/front-door/tracer.ts";
import type { Log } from "../../src/platform/log.ts";
import type { DoorSettings } from "../../src/protocol/control.ts";
import type { ModelView, VersionView } from "../../src/protocol/views.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeDispatcher } from "./fake-dispatcher.ts";

function settings(changed: Partial<DoorSettings> = {}): DoorSettings {
  return {
    serverName: "troupe",
    defaultModel: null,
    compatTriton: false,
    version: "0.1.0",
    startedAt: 0,
    log: { level: "silent", pretty: false },
    accessLogSample: 1,
    requestTimeoutMs: 15_000,
    maxRequestTimeoutMs: 60_000,
    maxInFlight: 100,
    maxInFlightBytes: 10_000_000,
    maxBodyBytes: 1_000_000,
    wsMaxPayloadBytes: 1_000_000,
    wsMaxInFlight: 4,
    wsPingMs: 20_000,
    wsIdleMs: 0,
    wsMaxBufferedBytes: 1_000_000,
    grpcMaxInFlight: 4,
    grpcMaxBufferedBytes: 1_000_000,
    drainSequencesMs: 30_000,
    allowedOrigins: [],
    management: "guarded",
    maxUploadBytes: 1_000_000,
    run: "r1",
    ...changed,
  };
}

export function model(name: string, changed: Partial<VersionView> = {}): ModelView {
  const version = { version: "1", reason: null, backAt: null, metadata: null, hosts: [] };
  return {
    name,
    description: "",
    labels: [],
    required: false,
    requestMs: null,
    maxOutstandingRequests: 10,
    maxOutstandingBytes: 1_000_000,
    maxSequences: 2,
    defaultVersion: null,
    defaults: {},
    versions: [{ ...version, state: "ready", ...changed }],
    problem: null,
    drift: null,
  };
}

/** A front door's parts around a dispatcher that the test drives, with the model `m`. */
export function doorParts(changed: Partial<DoorSettings> = {}) {
  const clock = new FakeClock(1_000);
  const dispatcher = new FakeDispatcher();
  const directory = new Directory();
  directory.update(model("m"));
  directory.server = { draining: false, started: true, changesRefused: null };
  const permits = new Permits();
  const read = settings(changed);
  const room = new MessageRoom(read.maxInFlightBytes);
  const metrics = createDoorMetrics({ permits, room, sockets: () => 0 });
  const lines: Readonly<Record<string, unknown>>[] = [];
  const write = (fields: Readonly<Record<string, unknown>>) => lines.push(fields);
  const log = { isLevelEnabled: () => true, info: write, warn: write } as unknown as Log;
  const real = { clock, settings: read, directory, permits, metrics };
  const shared = { ...real, dispatcher: dispatcher.asDispatcher };
  return {
    ...shared,
    entrance: new Entrance(shared),
    accessLog: new AccessLog({ clock, log, sample: 1 }),
    room,
    tracer: new Tracer(clock, () => undefined),
    fake: dispatcher,
    lines,
  };
}
