/* With `--watch`: what somebody does to the models folder by hand is followed, when it has come to rest. */
import { discoverModel, type ModelFolder, pathsOf } from "../src/config/model-folder.ts";
import type { Clock } from "../src/platform/clock.ts";
import { type FolderLook, judgeLook, lookAt } from "./folder-look.ts";
import type { KnownModel } from "./model-registry.ts";
import { brokenModel, goneFolder, type Mover, type MoverParts } from "./mover.ts";

export interface FollowerParts extends Omit<MoverParts, "store" | "listener"> {
  readonly clock: Clock;
  readonly mover: Mover;
  readonly watchMs: number;
}

const longestFollowMs = 1_000;

export class FolderFollower {
  readonly #parts: FollowerParts;
  #settled: FolderLook | undefined;
  #previous: FolderLook | undefined;
  /** What each file held when its version was last loaded, by path. */
  readonly #digests = new Map<string, string>();
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
    const { changed, removed, settled } = judgeLook(
      this.#previous,
      this.#settled ?? new Map(),
      current,
    );
    this.#previous = current;
    this.#settled = settled;
    const following = [...changed, ...removed].map((name) => this.#follow(name));
    // One that takes its time does not hold up the others.
    await Promise.race([Promise.all(following), this.#pause(longestFollowMs)]);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(ms, resolve);
    });
  }

  async #follow(name: string): Promise<void> {
    const { locks } = this.#parts;
    const isFree = locks.current(name) === null;
    if (isFree) {
      await locks
        .alone("watch", { model: name, version: null }, () => this.#adopt(name))
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
    const before = new Map(this.#digests);
    model.folder = folder;
    if (folder.problem !== undefined) {
      if (model.life.groups.length === 0) model.life.refuse(folder.problem);
      throw brokenModel(name, folder.problem);
    }
    // Before anything is loaded: a file that changes after this is another one at the next look.
    await this.#noteDigests(folder);
    const renew = this.#changedVersions(folder, before);
    await mover.forgiveChanged(model);
    await mover.settle(model, { renew });
  }

  async #drop(model: KnownModel): Promise<void> {
    const { journal, mover } = this.#parts;
    const { name } = model.folder;
    model.folder = goneFolder(name);
    await model.life.end();
    await journal.append({ type: "deleted", model: name, version: null }).catch(() => undefined);
    mover.forget(name);
  }

  #changedVersions(
    { versions }: ModelFolder,
    before: ReadonlyMap<string, string>,
  ): ReadonlySet<string> {
    const isChanged = (path: string) => {
      const known = before.get(path);
      return known !== undefined && known !== this.#digests.get(path);
    };
    const changed = versions.filter((version) => pathsOf(version).some(isChanged));
    return new Set(changed.map(({ version }) => version));
  }

  async #noteDigests({ versions }: ModelFolder): Promise<void> {
    for (const path of versions.flatMap(pathsOf)) {
      const digest = await this.#parts.digests.of(path).catch(() => undefined);
      if (digest !== undefined) this.#digests.set(path, digest);
    }
  }
}
