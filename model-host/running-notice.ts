import type { Door, Work, WorkSlice } from "./work.ts";

/**
 * Tells the front doors, before the engine begins, what it is about to run: after a crash those are the suspects. Each
 * notice stands in place of the one before, so a door whose requests no longer run is told that too.
 */
export class RunningNotice {
  #told = new Set<Door>();
  #slices: readonly WorkSlice[] = [];

  say(slices: readonly WorkSlice[]): void {
    this.#slices = slices;
    const idsOf = new Map<Door, number[]>();
    for (const door of this.#told) idsOf.set(door, []);
    const running = new Set<Door>();
    for (const { work } of slices) {
      // Its front door has forgotten it, and may have given its number to another.
      if (work.settled) continue;
      const ids = idsOf.get(work.door);
      if (ids === undefined) idsOf.set(work.door, [work.id]);
      else ids.push(work.id);
      running.add(work.door);
    }
    this.#told = running;
    for (const [door, ids] of idsOf) {
      door.running(ids);
      door.flush();
    }
  }

  /** The last one said that it runs. */
  names(work: Work): boolean {
    return this.#slices.some((slice) => slice.work === work);
  }

  /** A door that is gone is told nothing any more. */
  forget(door: Door): void {
    this.#told.delete(door);
  }
}
