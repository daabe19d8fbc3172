/*
 * What versions take and give, by the digests of their files, so that it is known of one that nobody has loaded in this
 * run of the server. A models folder that cannot be written remembers none beyond the run.
 */
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Digests } from "./file-digest.ts";
import type { Journal } from "./journal.ts";
import type { Described } from "./journal-entry.ts";
import type { ModelLife } from "./model-life.ts";
import type { KnownModel } from "./model-registry.ts";

export interface DescriptionParts {
  readonly journal: Pick<Journal, "facts" | "append">;
  readonly digests: Pick<Digests, "of" | "inTime">;
}

export interface DescribedFile {
  readonly model: string;
  readonly version: string;
  readonly file: string;
}

/** As JSON; a larger one would make the journal slow to read. */
const maxLength = 65_536;

export class Descriptions {
  readonly #parts: DescriptionParts;
  /** Of this run, by model and version. */
  readonly #noted = new Map<string, Described>();

  constructor(parts: DescriptionParts) {
    this.#parts = parts;
  }

  /** Resolves when it is written down, or cannot be. */
  async note({ model, version, file }: DescribedFile, metadata: ModelMetadata): Promise<void> {
    const { journal, digests } = this.#parts;
    const digest = await digests.of(file).catch(() => null);
    if (digest === null) return;
    this.#noted.set(keyOf(model, version), { digest, metadata });
    const before = journal.facts.described.get(model)?.get(version);
    const text = JSON.stringify(metadata);
    const isKnown = before?.digest === digest && JSON.stringify(before.metadata) === text;
    if (isKnown || text.length > maxLength) return;
    await journal
      .append({ type: "described", model, version, digest, metadata })
      .catch(() => undefined);
  }

  /** What versions take and give that have not been loaded in this run, one after the other. */
  async recallAll(
    models: readonly KnownModel[],
    onRecalled: (life: ModelLife) => void,
  ): Promise<void> {
    for (const { folder, life } of models) {
      for (const { version, file } of folder.versions) {
        const digest = await this.#parts.digests.inTime(file);
        const metadata = this.recall({ model: life.name, version }, digest, null);
        if (metadata === null || life.known.has(version)) continue;
        life.known.set(version, metadata);
        onRecalled(life);
      }
    }
  }

  /**
   * Of a version that is not loaded. `last` is what was found out of it when it last was, in this run, which holds until
   * the digest tells that its file has become another one.
   */
  recall(
    { model, version }: Omit<DescribedFile, "file">,
    digest: string | null,
    last: ModelMetadata | null,
  ): ModelMetadata | null {
    const { described } = this.#parts.journal.facts;
    const known =
      this.#noted.get(keyOf(model, version)) ?? described.get(model)?.get(version) ?? null;
    if (known === null || digest === null) return last;
    return known.digest === digest ? known.metadata : null;
  }
}

function keyOf(model: string, version: string): string {
  return `${model}/${version}`;
}
