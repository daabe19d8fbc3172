/* With `--watch`: what somebody does to the models folder by hand is followed, when it has come to rest. */
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
  #isStopped = false;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    for (const { folder } of this.#parts.registry.known) await this.#read(folder);
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
    registry.noteFolder(model, folder);
    if (folder.problem !== undefined) {
      if (model.life.groups.length === 0) model.life.refuse(folder.problem);
      throw brokenModel(name, folder.problem);
    }
    await this.#read(folder);
    const renew = await mover.replaced(model);
    await mover.forgiveChanged(model);
    await mover.settle(model, { renew, leavesOut: "unserved" });
  }

  async #drop(model: KnownModel): Promise<void> {
    const { journal, mover } = this.#parts;
    const { name } = model.folder;
    model.folder = goneFolder(name);
    await model.life.end();
    await journal.append({ type: "deleted", model: name, version: null }).catch(() => undefined);
    mover.forget(name);
  }

  /** So that a file that is touched later can be told from one that is replaced. */
  async #read({ versions }: ModelFolder): Promise<void> {
    for (const path of versions.flatMap(pathsOf)) {
      await this.#parts.digests.of(path).catch(() => undefined);
    }
  }
}
