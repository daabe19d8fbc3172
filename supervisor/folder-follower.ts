/* With `--watch`: what somebody does to the models folder by hand is followed, when it has come to rest. */
import { join, resolve, sep } from "node:path";
import { discoverModel, type ModelFolder, pathsOf } from "../src/config/model-folder.ts";
import type { Clock } from "../src/platform/clock.ts";
import type { ChangeParts } from "./change-parts.ts";
import type { Digests } from "./file-digest.ts";
import { differenceOf, type FolderLook, judgeLook, lookAt } from "./folder-look.ts";
import { brokenModel, goneFolder } from "./model-plan.ts";
import type { KnownModel } from "./model-registry.ts";
import type { Mover } from "./mover.ts";

export interface FollowerParts extends Omit<ChangeParts, "store"> {
  readonly clock: Clock;
  readonly digests: Digests;
  readonly mover: Mover;
  readonly watchMs: number;
}

const longestFollowMs = 1_000;

export class FolderFollower {
  readonly #parts: FollowerParts;
  #settled: FolderLook | undefined;
  #previous: FolderLook | undefined;
  /** By model and path what each file held when it was looked at last. */
  readonly #digests = new Map<string, ReadonlyMap<string, string>>();
  #isStopped = false;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    for (const { folder } of this.#parts.registry.known) await this.#noteDigests(folder);
    this.#settled = await lookAt(this.#parts.modelsFolder);
    this.#plan();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #plan(): void {
    this.#parts.clock.after(this.#parts.watchMs, () => {
      if (this.#isStopped) return;
      void this.#look()
        .catch(() => undefined)
        .then(() => this.#plan());
    });
  }

  async #look(): Promise<void> {
    const current = await lookAt(this.#parts.modelsFolder);
    const known = this.#settled ?? new Map<string, string>();
    const { changed, removed, settled } = judgeLook(this.#previous, known, current);
    this.#previous = current;
    this.#settled = settled;
    const following = [...changed, ...removed].map((name) =>
      this.#follow(name, differenceOf(name, known.get(name), current.get(name))),
    );
    // One that takes its time does not hold up the others.
    await Promise.race([Promise.all(following), this.#pause(longestFollowMs)]);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(ms, resolve);
    });
  }

  /** `why` is told where it begins. */
  async #follow(name: string, why: string): Promise<void> {
    const { locks } = this.#parts;
    const isFree = locks.current(name) === null;
    if (isFree) {
      await locks
        .alone("watch", { model: name, version: null, why }, () => this.#adopt(name))
        .catch(() => undefined);
      return;
    }
    // What is changing is looked at again when that is over; so is what is gone.
    this.#settled = new Map([...(this.#settled ?? []), [name, ""]]);
  }

  async #adopt(name: string): Promise<void> {
    const { registry, modelsFolder, mover } = this.#parts;
    const known = registry.get(name);
    if (known !== undefined) await mover.catchUp(known);
    const folder = await discoverModel(modelsFolder, name);
    if (folder === undefined) return known === undefined ? undefined : this.#drop(known);
    const model = known ?? registry.introduce(folder);
    const before = this.#digests.get(name) ?? new Map<string, string>();
    model.folder = folder;
    if (folder.problem !== undefined) {
      if (model.life.groups.length === 0) model.life.refuse(folder.problem);
      throw brokenModel(name, folder.problem);
    }
    // Before anything is loaded: a file that changes after this is another one at the next look.
    const now = await this.#noteDigests(folder);
    const renew = changedVersions(folder, before, now);
    await mover.forgiveChanged(model);
    await mover.settle(model, { renew, leavesOut: "unserved" });
  }

  async #drop(model: KnownModel): Promise<void> {
    const { journal, mover } = this.#parts;
    const { name } = model.folder;
    this.#digests.delete(name);
    model.folder = goneFolder(name);
    await model.life.end();
    await journal.append({ type: "deleted", model: name, version: null }).catch(() => undefined);
    mover.forget(name);
  }

  async #noteDigests({ name, versions }: ModelFolder): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const path of versions.flatMap(pathsOf)) {
      const digest = await this.#parts.digests.of(path).catch(() => undefined);
      if (digest !== undefined) found.set(path, digest);
    }
    this.#digests.set(name, found);
    return found;
  }

  /** What is put in its place is another version of that name, and no change of it. */
  forget(model: string, version: string | null): void {
    const folder = join(resolve(this.#parts.modelsFolder), model, version ?? "") + sep;
    const left = [...(this.#digests.get(model) ?? [])].filter(([path]) => !path.startsWith(folder));
    if (left.length === 0) this.#digests.delete(model);
    else this.#digests.set(model, new Map(left));
  }
}

/** Those of which a file was there before, and is another one now. */
function changedVersions(
  { versions }: ModelFolder,
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const isChanged = (path: string) => {
    const known = before.get(path);
    return known !== undefined && known !== now.get(path);
  };
  const changed = versions.filter((version) => pathsOf(version).some(isChanged));
  return new Set(changed.map(({ version }) => version));
}
