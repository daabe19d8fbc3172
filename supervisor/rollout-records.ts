/* Rollouts that are under way, as the journal has them: from before their files change until they have lasted. */
import { randomBytes } from "node:crypto";
import type { Journal } from "./journal.ts";
import type { RollingOut } from "./journal-entry.ts";

export class RolloutRecords {
  readonly #journal: Pick<Journal, "facts" | "append">;
  /** Of rollouts that are this server's. */
  readonly #live = new Set<string>();

  constructor(journal: Pick<Journal, "facts" | "append">) {
    this.#journal = journal;
  }

  /** Gives what stands for it; nothing where the journal cannot be written, and no start takes it back. */
  async begin(model: string, begun: Omit<RollingOut, "id">): Promise<readonly string[]> {
    const id = randomBytes(6).toString("hex");
    try {
      await this.#journal.append({ type: "rolling-out", model, id, ...begun });
      this.#live.add(id);
      return [id];
    } catch {
      return [];
    }
  }

  async end(model: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.#live.delete(id);
      // It is rolled out once more at the next start, which does no harm.
      await this.#journal.append({ type: "rolled-out", model, id }).catch(() => undefined);
    }
  }

  /** With those that could not be ended before, which nothing else ends. */
  async finish(model: string, ids: readonly string[]): Promise<void> {
    const begun = this.#begun(model).map(({ id }) => id);
    const left = begun.filter((id) => !this.#live.has(id));
    await this.end(model, [...new Set([...left, ...ids])]);
  }

  /** Those of the server before, oldest first, which are this one's from now on. */
  adopt(model: string): readonly RollingOut[] {
    const begun = this.#begun(model);
    for (const { id } of begun) this.#live.add(id);
    return begun;
  }

  #begun(model: string): readonly RollingOut[] {
    return this.#journal.facts.rollingOut.get(model) ?? [];
  }
}
