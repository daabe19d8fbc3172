/* What one change of a model writes into the journal, and what it takes to have that undone. */
import type { Journal } from "./journal.ts";
import type { JournalEntry } from "./journal-entry.ts";
import { decisionsOf, isDecided } from "./journal-facts.ts";

export class Decisions {
  readonly #journal: Pick<Journal, "facts" | "append" | "suppose">;
  readonly #model: string;
  readonly #entries: readonly JournalEntry[];
  /** After these the journal says what it said before; none where nothing was written. */
  #before: readonly JournalEntry[] = [];

  constructor(
    journal: Pick<Journal, "facts" | "append" | "suppose">,
    model: string,
    entries: readonly JournalEntry[],
  ) {
    this.#journal = journal;
    this.#model = model;
    this.#entries = entries;
  }

  async write(): Promise<void> {
    for (const entry of this.#entries.filter((one) => !isDecided(this.#journal.facts, one))) {
      if (this.#before.length === 0) this.#before = decisionsOf(this.#journal.facts, this.#model);
      await this.#journal.append(entry);
    }
  }

  /** Where that cannot be written it holds as long as this server runs. */
  async undo(): Promise<void> {
    for (const entry of this.#before) {
      await this.#journal.append(entry).catch(() => this.#journal.suppose(entry));
    }
  }
}
