import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { ModelFolder } from "../../src/config/model-folder.ts";
import { createLog, type Log } from "../../src/platform/log.ts";
import { snapshotOf, Tally } from "../../src/platform/metrics.ts";
import { createRegistry } from "../../src/platform/registry.ts";
import type { DoorCommand, DoorSettings, HostCommand } from "../../src/protocol/control.ts";
import type { ModelView } from "../../src/protocol/views.ts";
import type { SendHandle } from "../../supervisor/child-process.ts";
import { Journal } from "../../supervisor/journal.ts";
import { ModelStore } from "../../supervisor/model-store.ts";
import { Supervisor } from "../../supervisor/supervisor.ts";
import { FakeClock } from "../fake-clock.ts";
import { type FakeChild, FakeForks, quietLog } from "./fake-forks.ts";
import { metadata } from "./metadata.ts";

const handle = {} as SendHandle;
const figures = { rssBytes: 1_000, cpuSeconds: 2, eventLoopDelayMs: 3 };
const objective = {
  p99Ms: 20,
  maxRows: 9,
  delayMs: 2,
  throughputFirst: false,
  fixedMs: 1.21049,
  rowMs: 0.16905152853862146,
  observedP99Ms: 217.49,
  reason: "as it should",
};
const load = { queueRows: 4, inFlight: 5, breaker: "open", sequences: 6, objective } as const;

const doorSettings: DoorSettings = {
  serverName: "troupe",
  defaultModel: null,
  compatTriton: false,
  version: "1.2.3",
  startedAt: 0,
  log: { level: "silent", pretty: false },
  accessLogSample: 0,
  requestTimeoutMs: 1,
  maxRequestTimeoutMs: 1,
  maxInFlight: 1,
  maxInFlightBytes: 1,
  maxBodyBytes: 5_000,
  wsMaxPayloadBytes: 1,
  wsMaxInFlight: 1,
  wsPingMs: 1,
  wsIdleMs: 1,
  wsMaxBufferedBytes: 1,
  grpcMaxInFlight: 1,
  grpcMaxBufferedBytes: 1,
  drainSequencesMs: 700,
  allowedOrigins: [],
  management: "guarded",
  maxUploadBytes: 1,
  run: "r",
};

function folder(name: string): ModelFolder {
  const wanted = [{ version: "1", file: `/models/${name}.onnx`, beside: [] }];
  return { name, versions: wanted, wanted, config: defaultModelConfig };
}

function badFolder(name: string): ModelFolder {
  return { name, versions: [], wanted: [], config: defaultModelConfig, problem: "no" };
}

interface Options {
  readonly log?: Log;
  readonly models?: readonly ModelFolder[];
  readonly doors?: number;
  readonly cores?: number;
}

async function setUp(options: Options = {}) {
  const clock = new FakeClock();
  const doors = new FakeForks<DoorCommand>();
  const hosts = new FakeForks<HostCommand>();
  const heard: unknown[] = [];
  const modelsFolder = "/nowhere";
  const supervisor = new Supervisor({
    clock,
    modelsFolder,
    journal: await Journal.open(modelsFolder),
    store: new ModelStore(modelsFolder),
    watchMs: null,
    hostDrainMs: 1_000,
    traceFolder: "",
    random: () => 1,
    readRss: () => undefined,
    log: options.log ?? quietLog,
    hangMs: 5_000,
    cores: options.cores ?? 8,
    frontDoors: options.doors ?? 1,
    doorSettings,
    handle,
    grpcHandle: undefined,
    socketFolder: "/nowhere",
    models: options.models ?? [folder("iris")],
    forkDoor: doors.fork,
    forkHost: hosts.fork,
    listener: {
      onListening: (port) => heard.push(["listening", port]),
      onStarted: (models) => heard.push(["started", models.map(stateOf)]),
      onListenFailed: (reason) => heard.push(["listen-failed", reason]),
    },
  });
  supervisor.start();
  return { clock, doors, hosts, heard, supervisor };
}

function stateOf({ name, versions }: ModelView): string {
  return `${name} ${versions[0]?.state ?? "none"}`;
}

function open(door: FakeChild<DoorCommand>): void {
  door.says({ type: "booted" });
  door.says({ type: "listening", port: 8_080 });
}

function makeReady(host: FakeChild<HostCommand>): void {
  host.says({ type: "booted" });
  host.says({ type: "loaded" });
  host.says({ type: "ready", metadata });
}

function inShort(command: DoorCommand): string {
  switch (command.type) {
    case "model":
      return stateOf(command.model);
    case "server": {
      const { draining, started } = command.server;
      return `${draining ? "draining" : "serving"} ${started ? "started" : "starting"}`;
    }
    case "host-down":
      return `${command.hostId} down, blame ${command.blame}`;
    default:
      return command.type;
  }
}

/** What the door was told since it had its settings, which is when it begins to listen. */
function told(door: FakeChild<DoorCommand>): readonly string[] {
  const words = door.sent.filter(({ type }) => type !== "events").map(inShort);
  return words.slice(words.indexOf("start"));
}

/** Answers what children are asked to report, and gives the reply to the last question. */
async function replyTo(
  door: FakeChild<DoorCommand>,
  what: "tree" | "metrics",
  report: (reportId: number) => Promise<void> | void = () => undefined,
): Promise<string> {
  door.says({ type: "query", queryId: 77, question: { type: what } });
  await turn();
  for (const command of [...door.sent]) {
    if (command.type === "report") await report(command.reportId);
  }
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const reply = door.sent.at(-1);
  assert.ok(reply?.type === "reply" && reply.queryId === 77);
  assert.ok(reply.reply.type === "body");
  return reply.reply.body;
}

describe("a supervisor that starts", () => {
  it("forks the doors and a host for each replica", async () => {
    const { doors, hosts } = await setUp({ doors: 2, models: [folder("a"), folder("b")] });
    assert.deepEqual([doors.children.length, hosts.children.length], [2, 2]);
  });

  it("starts no more hosts at a time than there are cores", async () => {
    const { doors, hosts } = await setUp({
      cores: 1,
      doors: 2,
      models: [folder("a"), folder("b")],
    });
    const forked = [doors.children.length, hosts.children.length];
    makeReady(hosts.child);
    await turn();
    forked.push(hosts.children.length);
    assert.deepEqual(forked, [2, 1, 2]);
  });

  it("starts a door again at once, though a host takes long to come back", async () => {
    const { doors, hosts } = await setUp({ cores: 1 });
    open(doors.child);
    makeReady(hosts.child);
    hosts.child.exits(null, "SIGKILL");
    await turn();
    doors.child.exits(null, "SIGKILL");
    await turn();
    assert.deepEqual([hosts.children.length, doors.children.length], [2, 2]);
  });

  it("gives a door the settings and the handle, and then all that is known", async () => {
    const { doors } = await setUp({ models: [folder("iris"), badFolder("bad")] });
    doors.child.says({ type: "booted" });
    assert.deepEqual(told(doors.child), ["start", "bad none", "iris loading", "serving starting"]);
    assert.equal(doors.child.handles[0], handle);
  });

  it("gives a host room for the largest body", async () => {
    const { hosts } = await setUp();
    hosts.child.says({ type: "booted" });
    const [command] = hosts.child.sent;
    assert.ok(command?.type === "load" && command.spec.maxFrameBytes > doorSettings.maxBodyBytes);
  });

  it("tells a host how long it may wait for its sequences", async () => {
    const { hosts } = await setUp();
    hosts.child.says({ type: "booted" });
    const [command] = hosts.child.sent;
    assert.equal(command?.type === "load" && command.spec.drainSequencesMs, 700);
  });

  it("says once that it listens, and once that every model is ready or cannot be", async () => {
    const { doors, hosts, heard } = await setUp({ doors: 2, models: [folder("a"), folder("b")] });
    for (const door of doors.children) open(door);
    makeReady(hosts.children[0] as FakeChild<HostCommand>);
    const before = [...heard];
    hosts.child.says({ type: "booted" });
    hosts.child.says({ type: "refused", reason: "no" });
    assert.deepEqual(before, [["listening", 8_080]]);
    assert.deepEqual(heard.slice(1), [["started", ["a ready", "b unavailable"]]]);
    assert.equal(told(doors.child).filter((words) => words === "serving started").length, 1);
  });

  it("is not started before it listens", async () => {
    const { doors, hosts, heard } = await setUp();
    makeReady(hosts.child);
    const before = [...heard];
    open(doors.child);
    assert.deepEqual(
      [before, heard],
      [
        [],
        [
          ["listening", 8_080],
          ["started", ["iris ready"]],
        ],
      ],
    );
  });

  it("stays started when a model has to come back", async () => {
    const { doors, hosts, heard } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    hosts.child.exits(null, "SIGKILL");
    await turn();
    makeReady(hosts.child);
    assert.equal(heard.length, 2);
    assert.equal(told(doors.child).filter((words) => words.startsWith("serving")).length, 2);
  });

  it("says why it cannot listen", async () => {
    const { doors, heard } = await setUp();
    doors.child.says({ type: "listen-failed", reason: "EACCES" });
    assert.deepEqual(heard, [["listen-failed", "EACCES"]]);
  });
});

describe("a supervisor whose child ends", () => {
  it("tells every door which host is down before it tells what is left of the model", async () => {
    const { doors, hosts } = await setUp({ doors: 2 });
    for (const door of doors.children) open(door);
    makeReady(hosts.child);
    const before = doors.children.map((door) => told(door).length);
    hosts.child.exits(null, "SIGSEGV");
    await turn();
    const after = doors.children.map((door, at) => told(door).slice(before[at]));
    const expected = ["iris/1#0.1-1 down, blame model", "iris recovering", "iris recovering"];
    assert.deepEqual(after, [expected, expected]);
  });

  it("tells a door that comes back all that is known by then", async () => {
    const { doors, hosts } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    doors.child.exits(null, "SIGKILL");
    await turn();
    open(doors.child);
    assert.deepEqual(
      [doors.children.length, told(doors.child)],
      [2, ["start", "iris ready", "serving started"]],
    );
    assert.equal(doors.child.handles[0], handle);
  });

  it("leaves hosts alone when a door dies", async () => {
    const { doors, hosts } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    doors.child.exits(null, "SIGSEGV");
    await turn();
    assert.deepEqual([hosts.children.length, hosts.child.kills], [1, 0]);
  });

  it("kills a host that a door accuses, where it is still that one", async () => {
    const { doors, hosts } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    doors.child.says({ type: "violation", hostId: "iris/1#0.1-0", reason: "lies" });
    doors.child.says({ type: "violation", hostId: "other/1#0.1-1", reason: "lies" });
    const before = hosts.child.kills;
    doors.child.says({ type: "violation", hostId: "iris/1#0.1-1", reason: "lies" });
    assert.deepEqual([before, hosts.child.kills], [0, 1]);
  });
});

describe("a supervisor that watches", () => {
  /** Everybody but the mute one says that it is alive, as often as it should. */
  function live(
    { clock, doors, hosts }: Awaited<ReturnType<typeof setUp>>,
    forMs: number,
    mute?: FakeChild<HostCommand>,
  ): void {
    const lively = hosts.children.filter((host) => host !== mute);
    for (let passed = 0; passed < forMs; passed += 250) {
      for (const child of [...doors.children, ...lively])
        child.says({ type: "beat", isResting: false, figures, load });
      clock.advance(250);
    }
  }

  it("kills a host that says nothing, and no other", async () => {
    const parts = await setUp({ models: [folder("a"), folder("b")] });
    open(parts.doors.child);
    for (const host of parts.hosts.children) makeReady(host);
    const mute = parts.hosts.children[1] as FakeChild<HostCommand>;
    live(parts, 5_000, mute);
    const before = mute.kills;
    live(parts, 1_000, mute);
    assert.deepEqual([before, parts.hosts.children.map(({ kills }) => kills)], [0, [0, 1]]);
    assert.equal(parts.doors.child.kills, 0);
  });

  it("has those report of themselves that do not rest", async () => {
    const parts = await setUp({ models: [folder("a"), folder("b")] });
    open(parts.doors.child);
    for (const host of parts.hosts.children) makeReady(host);
    const [busy, resting] = parts.hosts.children as [
      FakeChild<HostCommand>,
      FakeChild<HostCommand>,
    ];
    resting.says({ type: "beat", isResting: true, figures, load });
    live(parts, 20_000, resting);
    const reports = [busy, resting].map(
      ({ sent }) => sent.filter(({ type }) => type === "report").length,
    );
    assert.deepEqual(reports, [10, 0]);
  });

  it("asks a host that rests whether it lives, where a front door waits for it in vain", async () => {
    const parts = await setUp();
    open(parts.doors.child);
    makeReady(parts.hosts.child);
    parts.hosts.child.says({ type: "beat", isResting: true, figures, load });
    const hostId = "iris/1#0.1-1";
    parts.doors.child.says({ type: "silent", hostId });
    assert.deepEqual(parts.hosts.child.sent.at(-1), { type: "beat" });
    live(parts, 5_000, parts.hosts.child);
    const before = parts.hosts.child.kills;
    live(parts, 500, parts.hosts.child);
    assert.deepEqual([before, parts.hosts.child.kills], [0, 1]);
  });

  it("forgives once when it was itself that stood still", async () => {
    const parts = await setUp();
    open(parts.doors.child);
    makeReady(parts.hosts.child);
    live(parts, 1_000);
    const now = parts.clock.now;
    parts.clock.now = () => now.call(parts.clock) + 60_000;
    parts.clock.advance(250);
    const before = [parts.hosts.child.kills, parts.doors.child.kills];
    parts.clock.advance(5_250);
    assert.deepEqual(
      [before, [parts.hosts.child.kills, parts.doors.child.kills]],
      [
        [0, 0],
        [1, 1],
      ],
    );
  });
});

describe("a supervisor that is asked", () => {
  it("describes every process", async () => {
    const { clock, doors, hosts } = await setUp({ models: [folder("iris"), badFolder("bad")] });
    open(doors.child);
    doors.child.says({ type: "beat", isResting: false, figures });
    makeReady(hosts.child);
    hosts.child.prints("stderr", "bang");
    clock.advance(100);
    hosts.child.exits(null, "SIGSEGV");
    await turn();
    hosts.child.says({ type: "beat", isResting: false, figures, load });
    hosts.child.says({ type: "engine", thread: "own", reason: "it is slow" });
    const measured = { rss_bytes: 1_000, cpu_seconds: 2, event_loop_delay_ms: 3 };
    const { supervisor, ...rest } = JSON.parse(await replyTo(doors.child, "tree"));
    assert.deepEqual(
      [supervisor.pid, supervisor.role, supervisor.state, typeof supervisor.rss_bytes],
      [process.pid, "supervisor", "ready", "number"],
    );
    assert.deepEqual(rest, {
      version: "1.2.3",
      front_doors: [
        {
          role: "front-door",
          pid: 1,
          state: "ready",
          reason: null,
          since: "2024-01-01T00:00:00.000Z",
          restarts: 0,
          last_exit: null,
          ...measured,
        },
      ],
      models: [
        { name: "bad", problem: "no", rollout: null, failures: {}, versions: [] },
        {
          name: "iris",
          problem: null,
          rollout: null,
          failures: {},
          versions: [
            {
              version: "1",
              hosts: [
                {
                  role: "host",
                  model: "iris",
                  version: "1",
                  replica: 0,
                  stage: "serving",
                  pid: 2,
                  state: "starting",
                  reason: null,
                  since: "2024-01-01T00:00:00.100Z",
                  restarts: 1,
                  last_exit: {
                    at: "2024-01-01T00:00:00.100Z",
                    code: null,
                    signal: "SIGSEGV",
                    reason: "SIGSEGV",
                    stderr: ["bang"],
                  },
                  ...measured,
                  engine: { thread: "own", reason: "it is slow" },
                  queue_rows: 4,
                  in_flight: 5,
                  breaker: "open",
                  sequences: 6,
                  objective: {
                    p99_ms: 20,
                    max_rows: 9,
                    delay_ms: 2,
                    throughput_first: false,
                    fixed_ms: 1.21,
                    row_ms: 0.169,
                    observed_p99_ms: 217,
                    reason: "as it should",
                  },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it("tells in its log and its feed that a host gives its objective up, and no longer", async () => {
    const heard: Record<string, unknown>[] = [];
    const fd = openSync("/dev/null", "w");
    const onLine = (line: string) => heard.push(JSON.parse(line));
    const log = createLog({ level: "info", pretty: false, fd, base: {}, onLine });
    const { clock, doors, hosts } = await setUp({ log });
    open(doors.child);
    makeReady(hosts.child);
    const beat = (throughputFirst: boolean, reason: string) => {
      const said = { ...load, objective: { ...objective, throughputFirst, reason } };
      hosts.child.says({ type: "beat", isResting: false, figures, load: said });
    };
    for (const reason of ["too slow", "still too slow"]) beat(true, reason);
    clock.advance(60_000);
    for (const reason of ["quick", "still quick"]) beat(false, reason);
    const lines = heard.filter(({ msg }) => String(msg).startsWith("objective"));
    assert.deepEqual(
      lines.map(({ level, msg, model, version, reason }) => [level, msg, model, version, reason]),
      [
        ["warn", "objective given up for throughput", "iris", "1", "too slow"],
        ["info", "objective no longer given up", "iris", "1", "quick"],
      ],
    );
    const events = doors.child.sent.flatMap((one) => (one.type === "events" ? one.events : []));
    const changes = events.filter(({ type }) => type === "change");
    assert.deepEqual(
      changes.map(({ state, reason, details }) => [state, reason, details["change"]]),
      [
        ["throughput-first", "too slow", "objective"],
        ["resumed", "quick", "objective"],
      ],
    );
  });

  it("has gauges of an objective, its p99 as long as one is known", async () => {
    const { doors, hosts } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    const gauges = async (fields: object) => {
      const said = { ...load, objective: { ...objective, ...fields } };
      hosts.child.says({ type: "beat", isResting: false, figures, load: said });
      const page = await replyTo(doors.child, "metrics", (reportId) => {
        doors.child.says({ type: "metrics", reportId, metrics: [] });
        hosts.child.says({ type: "metrics", reportId, metrics: [] });
      });
      const pattern =
        /^troupe_objective_(target_seconds|throughput_first|p99_seconds)\{.*\} (.*)$/gm;
      return [...page.matchAll(pattern)].map(([, name, value]) => `${name} ${value}`);
    };
    assert.deepEqual(await gauges({}), [
      "target_seconds 0.02",
      "throughput_first 0",
      "p99_seconds 0.21749000000000002",
    ]);
    assert.deepEqual(await gauges({ throughputFirst: true, observedP99Ms: null }), [
      "target_seconds 0.02",
      "throughput_first 1",
    ]);
  });

  it("knows no load of a host that has not told it yet", async () => {
    const { doors, hosts } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    const { models } = JSON.parse(await replyTo(doors.child, "tree"));
    const {
      state,
      engine,
      queue_rows,
      in_flight,
      breaker,
      sequences,
      objective: choice,
    } = models[0].versions[0].hosts[0];
    assert.deepEqual(
      [state, engine, queue_rows, in_flight, breaker, sequences, choice],
      ["ready", null, null, null, null, null, null],
    );
  });

  it("gives the metrics of all, those of the dead too", async () => {
    const { doors, hosts } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    const counted = async (count: number) => {
      const registry = createRegistry();
      new Tally<"model_id">(registry, "runs_total", "Runs").series({ model_id: "iris" }).add(count);
      return snapshotOf(registry);
    };
    const report = (count: number) => async (reportId: number) => {
      doors.child.says({ type: "metrics", reportId, metrics: [] });
      hosts.child.says({ type: "metrics", reportId, metrics: await counted(count) });
    };
    hosts.child.says({ type: "beat", isResting: false, figures, load });
    const before = await replyTo(doors.child, "metrics", report(3));
    hosts.child.exits(null, "SIGSEGV");
    await turn();
    makeReady(hosts.child);
    const after = await replyTo(doors.child, "metrics", report(4));
    const sample = (page: string, name: string) =>
      page.split("\n").find((line) => line.startsWith(name));
    assert.deepEqual(
      [sample(before, "runs_total"), sample(after, "runs_total")],
      ['runs_total{model_id="iris"} 3', 'runs_total{model_id="iris"} 7'],
    );
    assert.deepEqual(
      [
        "models_loaded",
        "troupe_restarts_total",
        "troupe_breaker_state",
        "troupe_sequences_active",
      ].map((name) => [sample(before, name), sample(after, name)]),
      [
        ["models_loaded 1", "models_loaded 1"],
        [undefined, 'troupe_restarts_total{role="host",model_id="iris",reason="SIGSEGV"} 1'],
        ['troupe_breaker_state{model_id="iris",version="1",index="0"} 2', undefined],
        ['troupe_sequences_active{model_id="iris",version="1",index="0"} 6', undefined],
      ],
    );
  });
});

describe("a supervisor that nobody asks", () => {
  it("has what a process had counted two seconds before it was killed", async () => {
    const { clock, doors, hosts } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    clock.advance(2_000);
    const asked = hosts.child.sent.at(-1);
    assert.ok(asked?.type === "report");
    const registry = createRegistry();
    new Tally<"model_id">(registry, "runs_total", "Runs").series({ model_id: "iris" }).add(3);
    const metrics = await snapshotOf(registry);
    hosts.child.says({ type: "metrics", reportId: asked.reportId, metrics });
    hosts.child.exits(null, "SIGKILL");
    await turn();
    const page = await replyTo(doors.child, "metrics", (reportId) => {
      doors.child.says({ type: "metrics", reportId, metrics: [] });
    });
    assert.match(page, /^runs_total\{model_id="iris"\} 3$/m);
  });
});

describe("a supervisor that stops", () => {
  it("says so, ends the doors first and then the hosts", async () => {
    const { doors, hosts, supervisor } = await setUp();
    open(doors.child);
    makeReady(hosts.child);
    supervisor.announceDrain();
    const announced = told(doors.child).at(-1);
    const stopped = supervisor.stop(1_000);
    const drained = [doors.child.sent.at(-1)?.type, hosts.child.sent.at(-1)?.type];
    doors.child.exits(0);
    await turn();
    const after = hosts.child.sent.at(-1)?.type;
    hosts.child.exits(0);
    await stopped;
    assert.deepEqual([announced, drained, after], ["draining started", ["drain", "load"], "drain"]);
    assert.deepEqual([doors.children.length, hosts.children.length], [1, 1]);
  });

  it("kills what does not end in time", async () => {
    const { clock, doors, hosts, supervisor } = await setUp({ doors: 2 });
    for (const door of doors.children) open(door);
    makeReady(hosts.child);
    const stopped = supervisor.stop(1_000);
    doors.children[0]?.exits(0);
    clock.advance(1_000);
    assert.deepEqual(
      doors.children.map(({ kills }) => kills),
      [0, 1],
    );
    doors.child.exits(null, "SIGKILL");
    await turn();
    clock.advance(2_000);
    assert.equal(hosts.child.kills, 1);
    hosts.child.exits(null, "SIGKILL");
    await stopped;
  });

  it("does not wait for what has not begun", async () => {
    const { doors, hosts, supervisor } = await setUp();
    open(doors.child);
    hosts.child.says({ type: "booted" });
    hosts.child.says({ type: "refused", reason: "no" });
    const stopped = supervisor.stop(1_000);
    doors.child.exits(0);
    await stopped;
  });

  it("kills everything where it must not wait", async () => {
    const { doors, hosts, supervisor } = await setUp({
      doors: 2,
      models: [folder("a"), folder("b")],
    });
    supervisor.abandon();
    assert.deepEqual(
      [...doors.children, ...hosts.children].map(({ kills }) => kills),
      [1, 1, 1, 1],
    );
  });
});
