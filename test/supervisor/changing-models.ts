/* Models that are changed, with real files and a real journal, and processes that do what their files say. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { discoverModels } from "../../src/config/model-folder.ts";
import type { HostCommand } from "../../src/protocol/control.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import { ChangeDesk } from "../../supervisor/change-desk.ts";
import { ChangeLocks, type ChangeNote } from "../../supervisor/change-locks.ts";
import { Digests } from "../../supervisor/file-digest.ts";
import type { GroupPlan } from "../../supervisor/host-group.ts";
import { Installer } from "../../supervisor/installer.ts";
import { Journal } from "../../supervisor/journal.ts";
import { bootPlanOf } from "../../supervisor/model-plan.ts";
import { ModelStore } from "../../supervisor/model-store.ts";
import { Mover } from "../../supervisor/mover.ts";
import type { FakeChild } from "./fake-forks.ts";
import { makeRegistry } from "./life-parts.ts";
import { metadata } from "./metadata.ts";

/** For a disk that is slow. */
const patienceMs = 60_000;
/** As many as it takes at most from one thing to the next that follows from it, where neither waits for a disk. */
const quietTurns = 5;

/**
 * Names below the models folder, with their content. A model.onnx that begins with "bad" is refused; one that begins with
 * "frail" passes a trial, and is refused then.
 */
export type Files = Readonly<Record<string, string>>;

/** Makes models folders that are there until the tests of its owner are over. */
export function modelsFolders(owner: { after(end: () => void): void }): (files: Files) => string {
  const base = mkdtempSync("/tmp/changes-");
  owner.after(() => rmSync(base, { recursive: true, force: true }));
  return (files) => {
    const models = mkdtempSync(join(base, "models-"));
    put(models, files);
    return models;
  };
}

export function put(models: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(models, name)), { recursive: true });
    writeFileSync(join(models, name), content);
  }
}

/** What the journal says, but for what stands for something else by chance. */
export function factsOf({ facts }: Journal) {
  return {
    condemned: [...facts.rolledBack].flatMap(([model, all]) =>
      [...all.keys()].map((version) => `${model}/${version}`),
    ),
    unloaded: [...facts.unloadedModels],
    open: [...facts.rollingOut.values()].flat().length,
  };
}

/** A server on that folder; begun anew it is what a start makes of what the one before has left. */
export async function startChanging(modelsFolder: string) {
  const journal = await Journal.open(join(modelsFolder, ".troupe"));
  const store = new ModelStore(modelsFolder);
  const parts = makeRegistry();
  const { forks, registry, clock } = parts;
  const notes: string[] = [];
  const onChange = ({ kind, version, state }: ChangeNote) =>
    notes.push(`${kind} ${version} ${state}`);
  const locks = new ChangeLocks(onChange);
  const digests = new Digests(clock);
  const listener = { onChange, onGone: () => undefined };
  const changeParts = { registry, journal, store, modelsFolder, locks };
  const mover = new Mover({ ...changeParts, digests, listener });
  const trials = { seen: [] as string[], meanwhile: (): Promise<void> => Promise.resolve() };
  const warned: string[] = [];
  const trialParts = {
    trial: async ({ file, version, config }: GroupPlan) => {
      trials.seen.push(version);
      await trials.meanwhile();
      const isDeclared = config.triton?.inputs?.every(({ name }) => name === "x") ?? true;
      if (isDeclared && !readFileSync(file, "utf8").startsWith("bad")) return metadata;
      throw new TroupeError("invalid-model", "no model");
    },
    onWarnings: (_: string, warnings: readonly string[]) => void warned.push(...warnings),
  };
  const desk = new ChangeDesk({ ...changeParts, ...trialParts, mover });
  const installer = new Installer({
    ...changeParts,
    ...trialParts,
    mover,
    onStep: () => undefined,
  });
  let uploads = 0;
  const seen = new Set<FakeChild<HostCommand>>();
  const gone = new Set<FakeChild<HostCommand>>();

  /** Does what each process is told. */
  function play(): void {
    // Who was struck before it had begun says nothing.
    for (const child of forks.children.filter((one) => !seen.has(one) && !gone.has(one))) {
      seen.add(child);
      child.says({ type: "booted" });
      if (!answersLoad(child)) end(child, 0);
    }
    const drained = forks.children.filter(({ sent }) => sent.some(({ type }) => type === "drain"));
    for (const child of drained) if (!gone.has(child)) end(child, 0);
  }

  function end(child: FakeChild<HostCommand>, code: number | null): void {
    gone.add(child);
    child.exits(code, code === null ? "SIGSEGV" : null);
  }

  async function until(isOver: () => boolean): Promise<void> {
    const givesUpAt = performance.now() + patienceMs;
    while (!isOver()) {
      assert.ok(performance.now() < givesUpAt, "it goes on for ever");
      play();
      // What follows from a file goes on by itself meanwhile, and needs the core for it.
      await (isDiskAsked() ? pause(1) : turn());
    }
  }

  /** Lets processes act until it is settled. */
  async function done<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const settle = () => {
      isOver = true;
    };
    promise.then(settle, settle);
    await until(() => isOver);
    return promise;
  }

  /** Ends the processes that are serving a version, as a crash does. */
  function strike(version: string, model = "m"): void {
    const groups = registry.find(model).life.serving.filter((one) => one.version === version);
    const pids = groups.flatMap(({ hosts }) => hosts.map(({ slot }) => slot.pid));
    for (const child of forks.children) {
      if (pids.includes(child.pid) && !gone.has(child)) end(child, null);
    }
  }

  function kill(pid: number): void {
    for (const child of forks.children) if (child.pid === pid) end(child, null);
  }

  /** Waits until that has had its effects, too. */
  async function crash(version: string): Promise<void> {
    strike(version);
    await rest();
  }

  /** The numbers of the processes that have not ended. */
  function living(): readonly number[] {
    return forks.children.filter((child) => !gone.has(child)).map(({ pid }) => pid);
  }

  /** Lets a little happen. */
  async function turns(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      play();
      await turn();
    }
  }

  /** Until nothing is under way, nor about to be. */
  async function rest(): Promise<void> {
    let turnsQuiet = 0;
    await until(() => {
      const isFree = registry.known.every(({ life }) => locks.current(life.name) === null);
      turnsQuiet = isFree && !isDiskAsked() ? turnsQuiet + 1 : 0;
      return turnsQuiet === quietTurns;
    });
    await done(Promise.all(registry.known.map(({ life }) => life.quiet())));
  }

  /** The versions that get requests and can answer them. */
  function serves(model = "m"): string {
    return registry.find(model).life.hopeful.join();
  }

  async function upload(content: string, config: string | null = null, model = "m") {
    const id = `upload${uploads}`;
    uploads += 1;
    const path = join(await store.openUpload(id), "0");
    writeFileSync(path, content);
    const files = [{ name: "m.onnx", path, bytes: content.length, digest: "" }];
    const sent = { type: "upload", uploadId: id, model, version: null, config, files } as const;
    return installer.install(sent);
  }

  /** Of each version what is seen of it. */
  function states(model = "m"): string {
    const { versions } = registry.view(registry.find(model));
    return versions.map(({ version, state }) => `${version} ${state}`).join(", ");
  }

  for (const folder of await discoverModels(modelsFolder)) {
    registry.add(folder, bootPlanOf(folder, journal.facts)).life.start();
  }
  await rest();
  for (const model of registry.known) await done(mover.resume(model));
  await rest();

  const yaml = (model = "m") => {
    const path = join(modelsFolder, model, "model.yaml");
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  };
  const shared = { ...parts, ...changeParts, digests, mover, desk, trials, warned, notes };
  const steps = { upload, done, until, turns, rest, crash, strike, kill };
  return { ...shared, ...steps, living, states, serves, yaml };
}

/** However long a disk takes: what it is asked for has not come to its end before it has answered. */
function isDiskAsked(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(FSReq|CloseReq)/.test(name));
}

/** False where it refuses the model. */
function answersLoad(child: FakeChild<HostCommand>): boolean {
  const load = child.sent.find((one) => one.type === "load");
  if (load === undefined) return true;
  const { file } = load.spec;
  if (/^(bad|frail)/.test(readFileSync(file, "utf8"))) {
    child.says({ type: "refused", reason: "no model" });
    return false;
  }
  child.says({ type: "loaded" });
  child.says({ type: "ready", metadata });
  return true;
}
