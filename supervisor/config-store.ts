// Owns the model.yaml files of a models folder: each is whole, because it came by a rename.
import { constants } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { TroupeError } from "../src/protocol/errors.ts";
import type { Rewrite } from "./journal-entry.ts";
import { checkFolder, modelPath } from "./model-path.ts";
import type { PrivateArea } from "./private-area.ts";
import { kindOf, storing, syncFolder, writeWhole } from "./storage.ts";

export const configName = "model.yaml";

export class ConfigStore {
  /** An absolute path. */
  readonly #folder: string;
  readonly #area: PrivateArea;

  constructor(folder: string, area: PrivateArea) {
    this.#folder = folder;
    this.#area = area;
  }

  /** Empty where there is none, or no such model. */
  async read(model: string): Promise<string> {
    const target = modelPath(this.#folder, model);
    if ((await kindOf(target)) === "none") return "";
    await checkFolder(model, target);
    const path = join(target, configName);
    if (!(await hasConfig(model, target))) return "";
    return readFile(path, { encoding: "utf8", flag: constants.O_RDONLY | constants.O_NOFOLLOW });
  }

  /** An empty text is no model.yaml. */
  write(model: string, text: string): Promise<void> {
    return storing(async () => {
      const target = modelPath(this.#folder, model);
      await checkFolder(model, target);
      if (text === "") {
        if (await hasConfig(model, target)) await this.#area.discard(join(target, configName));
        return;
      }
      const draft = await this.#area.pathOf("staging");
      try {
        await writeWhole(draft, text);
        await this.#place(model, draft);
      } finally {
        await rm(draft, { force: true });
      }
    });
  }

  /** Throws `conflict` where it is another one than it was. */
  replace(model: string, { before, written }: Rewrite): Promise<void> {
    return storing(async () => {
      await this.#checkUnchanged(model, before);
      await this.write(model, written);
    });
  }

  /** As `replace`, with what is written already on the same disk. */
  place(model: string, draft: string, before: string): Promise<void> {
    return storing(async () => {
      await this.#checkUnchanged(model, before);
      await this.#place(model, draft);
    });
  }

  /** What somebody has written since is theirs. */
  restore(model: string, { before, written }: Rewrite): Promise<void> {
    return storing(async () => {
      if ((await this.read(model)) === written) await this.write(model, before);
    });
  }

  async #checkUnchanged(model: string, before: string): Promise<void> {
    if ((await this.read(model)) === before) return;
    const words = `Cannot change model '${model}': somebody has changed its ${configName} meanwhile`;
    throw new TroupeError("conflict", words);
  }

  async #place(model: string, draft: string): Promise<void> {
    const target = modelPath(this.#folder, model);
    await hasConfig(model, target);
    await rename(draft, join(target, configName));
    await syncFolder(target);
  }
}

async function hasConfig(model: string, folder: string): Promise<boolean> {
  const kind = await kindOf(join(folder, configName));
  if (kind === "none" || kind === "file") return kind === "file";
  throw new TroupeError("conflict", `${configName} of model '${model}' is not a regular file`);
}
