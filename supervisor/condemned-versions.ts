/* Versions that did not last: each is left alone until its file changes or somebody asks for it by name. */
import { createHash } from "node:crypto";
import { type ModelFolder, type ModelVersion, pathsOf } from "../src/config/model-folder.ts";
import type { Digests } from "./file-digest.ts";
import type { Journal } from "./journal.ts";
import type { JournalEntry, RolledBack } from "./journal-entry.ts";

export interface CondemnedParts {
  readonly journal: Pick<Journal, "facts" | "append" | "suppose">;
  readonly digests: Pick<Digests, "of">;
}

/** Of files that nobody has read yet, or that cannot be read. */
const unknownDigest = "";

export class CondemnedVersions {
  readonly #parts: CondemnedParts;

  constructor(parts: CondemnedParts) {
    this.#parts = parts;
  }

  /** Holds when this returns: what is planned meanwhile leaves it out. Resolves when it is written down. */
  async add(folder: ModelFolder, version: string, reason: string): Promise<void> {
    const found = folder.versions.find((one) => one.version === version);
    // One that is gone needs no judgement.
    if (found === undefined) return;
    const why = { digest: unknownDigest, reason, at: new Date().toISOString() };
    this.#parts.journal.suppose(entryOf(folder.name, version, why));
    await this.#write(entryOf(folder.name, version, why));
    await this.#complete(folder.name, found, why);
  }

  /** A large file takes seconds to read: somebody may have forgiven or deleted it by then. */
  async #complete(model: string, version: ModelVersion, why: RolledBack): Promise<void> {
    const digest = await this.#digestOf(version);
    const isCondemned = this.#of(model).has(version.version);
    if (digest === unknownDigest || !isCondemned) return;
    await this.#write(entryOf(model, version.version, { ...why, digest }));
  }

  /** Those whose files are others than they were may be tried again: these are given. */
  async forgiveChanged({ name, versions }: ModelFolder): Promise<readonly string[]> {
    const forgiven: string[] = [];
    for (const version of versions) {
      const why = this.#of(name).get(version.version);
      if (why === undefined) continue;
      const digest = await this.#digestOf(version);
      if (digest === unknownDigest || digest === why.digest) continue;
      if (why.digest === unknownDigest) {
        await this.#write(entryOf(name, version.version, { ...why, digest }));
        continue;
      }
      await this.forgive(name, version.version);
      forgiven.push(version.version);
    }
    return forgiven;
  }

  /** Reads the files of those that are condemned, so that what comes next need not wait for it. */
  async read({ name, versions }: ModelFolder): Promise<void> {
    for (const version of versions) {
      if (this.#of(name).has(version.version)) await this.#digestOf(version);
    }
  }

  /** It may be tried again. */
  forgive(model: string, version: string): Promise<void> {
    return this.#write({ type: "forgiven", model, version });
  }

  #of(model: string): ReadonlyMap<string, RolledBack> {
    return this.#parts.journal.facts.rolledBack.get(model) ?? new Map();
  }

  /** Where it cannot be written down it holds as long as this server runs. */
  #write(entry: JournalEntry): Promise<void> {
    const { journal } = this.#parts;
    return journal.append(entry).catch(() => journal.suppose(entry));
  }

  /** What cannot be read is never taken for a change. */
  async #digestOf(version: ModelVersion): Promise<string> {
    const { digests } = this.#parts;
    try {
      const all = await Promise.all(pathsOf(version).map((path) => digests.of(path)));
      return all.length === 1 ? (all[0] ?? unknownDigest) : hashOf(all);
    } catch {
      return unknownDigest;
    }
  }
}

function entryOf(model: string, version: string, why: RolledBack): JournalEntry {
  return { type: "rolled-back", model, version, ...why };
}

function hashOf(digests: readonly string[]): string {
  return createHash("sha256").update(digests.join()).digest("hex");
}
