/*
 * A whole troupe of real processes for one test: the built server, a folder of models and a temporary folder of its
 * own, so that clusters do not see each other. It owns their end too, whatever becomes of the test.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type Answer, type Ask, keepAliveAgent, type Reply, send } from "./http-client.ts";
import { parseMetrics, type Series, sumOf } from "./metrics-page.ts";
import { waitFor, within } from "./wait.ts";

const entry = resolve(import.meta.dirname, "../../dist/src/main.js");
/** On a busy machine a process may wait for a core for longer than it may be silent elsewhere. */
const patientFlags = ["--hang-ms", "20000"];
const quietFlags = ["--port", "0", "--grpc-port", "0", "--access-log-sample", "0", ...patientFlags];

export interface ModelFiles {
  readonly onnx?: Uint8Array;
  readonly yaml?: string;
}

export interface ClusterOptions {
  /** Written to a folder of the cluster's own. */
  readonly models?: Readonly<Record<string, ModelFiles>>;
  /** A folder that is there already. */
  readonly modelsFolder?: string;
  readonly flags?: readonly string[];
  /** The place of a cluster that was killed, whose remains the new one finds. */
  readonly home?: string;
}

/** A test's context, or the file's hooks: whoever says when all is over. */
export interface Owner {
  after(end: () => Promise<void>): void;
}

export interface ProcessView {
  readonly pid: number | null;
  readonly state: string;
  readonly reason: string | null;
  readonly restarts: number;
  readonly cpu_seconds: number | null;
  readonly last_exit: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly reason: string;
    readonly stderr: readonly string[];
  } | null;
}

export interface ObjectiveJson {
  readonly p99_ms: number;
  readonly max_rows: number;
  readonly delay_ms: number;
  readonly fixed_ms: number | null;
  readonly row_ms: number | null;
  readonly observed_p99_ms: number | null;
  readonly throughput_first: boolean;
  readonly reason: string;
}

export interface HostTreeView extends ProcessView {
  readonly queue_rows: number | null;
  readonly in_flight: number | null;
  readonly breaker: string | null;
  readonly sequences: number | null;
  readonly objective: ObjectiveJson | null;
}

export interface Tree {
  readonly supervisor: { readonly pid: number; readonly state: string };
  readonly front_doors: readonly ProcessView[];
  readonly models: readonly {
    readonly name: string;
    readonly problem: string | null;
    readonly versions: readonly {
      readonly version: string;
      readonly hosts: readonly HostTreeView[];
    }[];
  }[];
}

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The runner ends a file that takes too long with this signal; the children must not outlive it. */
process.once("SIGTERM", () => process.exit(1));

/** Resolves when the server listens; its models may still be loading. */
export async function startCluster(owner: Owner, options: ClusterOptions = {}): Promise<Cluster> {
  const home = options.home ?? mkdtempSync("/tmp/trt-");
  const models = options.modelsFolder ?? writeModels(home, options.models ?? {});
  const cluster = new Cluster(home, ["--models", models, ...(options.flags ?? [])]);
  owner.after(() => cluster.end());
  await orEnd(cluster, within(cluster.listening, "the server to listen"));
  return cluster;
}

/** A file that fails while it is read has no hooks that are run: its servers would outlive it. */
async function orEnd(cluster: Cluster, started: Promise<void>): Promise<void> {
  try {
    await started;
  } catch (thrown) {
    await cluster.end();
    throw thrown;
  }
}

/** The same, when every model is ready or given up. */
export async function startReady(owner: Owner, options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = await startCluster(owner, options);
  await orEnd(cluster, cluster.ready());
  return cluster;
}

function writeModels(home: string, models: Readonly<Record<string, ModelFiles>>): string {
  const folder = join(home, "models");
  mkdirSync(folder);
  for (const [name, { onnx, yaml }] of Object.entries(models)) {
    mkdirSync(join(folder, name));
    if (onnx !== undefined) writeFileSync(join(folder, name, "model.onnx"), onnx);
    if (yaml !== undefined) writeFileSync(join(folder, name, "model.yaml"), yaml);
  }
  return folder;
}

export class Cluster {
  /** Holds the models, the working folder and the temporary files. */
  readonly home: string;
  readonly listening: Promise<void>;
  readonly #exited: Promise<Exit>;
  /** What the server printed, line by line. */
  readonly lines: string[] = [];
  readonly stderr: string[] = [];
  readonly #child: ChildProcess;
  readonly #agent = keepAliveAgent();
  readonly #killAtExit = () => void this.#child.kill("SIGKILL");
  #url = "";

  constructor(home: string, flags: readonly string[]) {
    this.home = home;
    for (const folder of ["run", "tmp"]) mkdirSync(join(home, folder), { recursive: true });
    this.#child = spawn(process.execPath, [entry, ...quietFlags, ...flags], {
      cwd: join(home, "run"),
      env: { PATH: process.env["PATH"], TMPDIR: join(home, "tmp"), SECRET: "not for children" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    process.once("exit", this.#killAtExit);
    this.#exited = new Promise((done) => {
      this.#child.once("exit", (code, signal) => done({ code, signal }));
    });
    this.listening = this.#readLines();
  }

  get url(): string {
    return this.#url;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get logs(): readonly Readonly<Record<string, unknown>>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  #readLines(): Promise<void> {
    const { stdout, stderr } = this.#child;
    assert.ok(stdout !== null && stderr !== null);
    createInterface({ input: stderr }).on("line", (line) => this.stderr.push(line));
    return new Promise((listens, fails) => {
      createInterface({ input: stdout }).on("line", (line) => {
        this.lines.push(line);
        if (this.#url !== "" || !line.includes('"msg":"listening"')) return;
        this.#url = String((JSON.parse(line) as Record<string, unknown>)["url"]);
        listens();
      });
      void this.#exited.then(({ code }) =>
        fails(new Error(`exit ${code} before listening: ${this.stderr.join("\n")}`)),
      );
    });
  }

  async ready(): Promise<void> {
    await waitFor(async () => (await this.get("/readyz")).status === 200, "the server to be ready");
  }

  send<Body = Answer>(ask: Ask): Promise<Reply<Body>> {
    return send<Body>(this.#url, { agent: this.#agent, ...ask });
  }

  get<Body = Readiness>(path: string): Promise<Reply<Body>> {
    return this.send<Body>({ path });
  }

  predict(
    model: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Answer>> {
    return this.send({ method: "POST", path: `/predict/${model}`, body, headers });
  }

  /** The same where requests may wait for company. */
  predictBatched(
    model: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Answer>> {
    return this.send({ method: "POST", path: `/predict_batched/${model}`, body, headers });
  }

  async tree(): Promise<Tree> {
    return (await this.get<Tree>("/supervisor")).json;
  }

  /** The replicas of all versions. */
  async hosts(model: string): Promise<readonly HostTreeView[]> {
    const found = (await this.tree()).models.find(({ name }) => name === model);
    return found?.versions.flatMap(({ hosts }) => hosts) ?? [];
  }

  /** The model's only replica. */
  async host(model: string): Promise<HostTreeView> {
    const [only, ...others] = await this.hosts(model);
    assert.ok(only !== undefined && others.length === 0, `model ${model} has not one host`);
    return only;
  }

  /** Of all that are up. */
  async pidsOf(model: string): Promise<readonly number[]> {
    return (await this.hosts(model)).flatMap(({ pid }) => pid ?? []);
  }

  /** Resolves with the process that came in place of the one that was. */
  async replaced(model: string, before: number | null): Promise<HostTreeView> {
    return waitFor(async () => {
      const host = await this.host(model);
      return host.state === "ready" && host.pid !== before && host;
    }, `another host of ${model} than ${before}`);
  }

  /** How often any host or front door was started again. */
  async restarts(): Promise<number> {
    const { front_doors, models } = await this.tree();
    const hosts = models.flatMap(({ versions }) => versions.flatMap((version) => version.hosts));
    return [...front_doors, ...hosts].reduce((sum, { restarts }) => sum + restarts, 0);
  }

  async metrics(): Promise<readonly Series[]> {
    return parseMetrics((await this.get("/metrics")).text);
  }

  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return sumOf(await this.metrics(), name, labels);
  }

  /** Resolves when the counter or gauge has the value. */
  async reaches(
    value: number,
    name: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const isThere = async () => (await this.metric(name, labels)) === value;
    await waitFor(isThere, `${name}${JSON.stringify(labels)} to be ${value}`);
  }

  /** Resolves when nothing is in flight any more, in the front doors and in the hosts. */
  async quiet(): Promise<void> {
    await this.reaches(0, "troupe_in_flight");
    await this.reaches(0, "troupe_in_flight_bytes");
    await this.reaches(0, "troupe_arriving_bytes");
    await this.reaches(0, "troupe_queue_rows");
    await this.reaches(0, "troupe_host_in_flight");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  ended(): Promise<Exit> {
    return within(this.#exited, "the server to end");
  }

  async stop(): Promise<Exit> {
    this.signal("SIGTERM");
    return this.ended();
  }

  /** The processes that were started from here, however far down. */
  get children(): readonly number[] {
    return processesIn(this.home).filter((pid) => pid !== this.pid);
  }

  /** The private folders of servers that ran here. */
  get runtimeFolders(): readonly string[] {
    return readdirSync(join(this.home, "tmp")).filter((name) => name.startsWith("troupe-"));
  }

  nothingIsLeft(): void {
    assert.deepEqual(this.children, []);
    assert.deepEqual(this.runtimeFolders, []);
    assert.deepEqual(readdirSync(join(this.home, "run")), []);
  }

  /** Every scenario's last act: no permit is held, and a stop leaves no process and no file. */
  async endsCleanly(): Promise<void> {
    await this.quiet();
    assert.deepEqual(await this.stop(), { code: 0, signal: null });
    this.nothingIsLeft();
  }

  /** Whatever happened before: gone. */
  async end(): Promise<void> {
    this.#agent.destroy();
    this.#child.kill("SIGKILL");
    await this.ended();
    process.off("exit", this.#killAtExit);
    for (const pid of this.children) killIfThere(pid);
    await waitFor(() => this.children.length === 0, "the children to be gone");
    rmSync(this.home, { recursive: true, force: true });
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/** Every process works inside a folder of its cluster, so that is where to find those that somebody forgot. */
function processesIn(folder: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => workingFolderOf(pid).startsWith(folder));
}

/** Empty where the process is just ending, or somebody else's. */
function workingFolderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
