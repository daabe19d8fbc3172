/* Versions that did not last: each is left alone until its file changes or somebody asks for it by name. */
import { createHash } from "node:crypto";
import { type ModelFolder, type ModelVersion, pathsOf } from "../src/config/model-folder.ts";
import type { Digests } from "./file-digest.ts";
import type { Journal } from "./journal.ts";

export interface CondemnedParts {
  readonly journal: Journal;
  readonly digests: Digests;
}

export class CondemnedVersions {
  readonly #parts: CondemnedParts;

  constructor(parts: CondemnedParts) {
    this.#parts = parts;
  }

  /** Where it cannot be written down it holds as long as this server runs. One that is gone needs no judgement. */
  async add(folder: ModelFolder, version: string, reason: string): Promise<void> {
    const { journal } = this.#parts;
    const at = new Date().toISOString();
    const found = folder.versions.find((one) => one.version === version);
    if (found === undefined) return;
    const digest = await this.#digestOf(found);
    const entry = { type: "rolled-back", model: folder.name, version, digest, reason, at } as const;
    await journal.append(entry).catch(() => journal.suppose(entry));
  }

  /** Those whose files are others than they were may be tried again: these are given. */
  async forgiveChanged({ name, versions }: ModelFolder): Promise<readonly string[]> {
    const { journal } = this.#parts;
    const condemned = journal.facts.rolledBack.get(name);
    const forgiven: string[] = [];
    for (const version of versions) {
      const before = condemned?.get(version.version)?.digest ?? "";
      const now = before === "" ? before : await this.#digestOf(version);
      if (now === before || now === "") continue;
      await journal.append({ type: "forgiven", model: name, version: version.version });
      forgiven.push(version.version);
    }
    return forgiven;
  }

  /** Empty where it cannot be read, which is never taken for a change. */
  async #digestOf(version: ModelVersion): Promise<string> {
    const { digests } = this.#parts;
    try {
      const all = await Promise.all(pathsOf(version).map((path) => digests.of(path)));
      return all.length === 1 ? (all[0] ?? "") : hashOf(all);
    } catch {
      return "";
    }
  }
}

function hashOf(digests: readonly string[]): string {
  return createHash("sha256").update(digests.join()).digest("hex");
}
