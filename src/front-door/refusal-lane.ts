/* Refusals take turns with everything else that a front door does: however many there are, they keep no answer waiting. */

/**
 * Refusals that are written between two looks at the sockets. Each look reads some 200 KB of what a host has answered, and
 * every caller who is ready: with a thousand of them refused at a look, answers came in at 16 a look, what had been
 * admitted ran late, and no room came free for others. Goodput at 10 times the peak was 0.02 of it, and 0.52 with this
 * bound alone (2026-11-26, the load of the study `overload`, one run each on two cores that others used too).
 */
export const refusalsALook = 16;

type Refuse = () => void;

/** In order of arrival, and always after a look, so that what hosts have answered goes first. */
export class RefusalLane {
  readonly #afterLook: (act: () => void) => unknown;
  readonly #waiting: Refuse[] = [];
  #isPlanned = false;

  /** `afterLook` calls back once, when the sockets have been looked at. */
  constructor(afterLook: (act: () => void) => unknown = setImmediate) {
    this.#afterLook = afterLook;
  }

  add(refuse: Refuse): void {
    this.#waiting.push(refuse);
    if (!this.#isPlanned) this.#plan();
  }

  #plan(): void {
    this.#isPlanned = true;
    this.#afterLook(() => {
      this.#isPlanned = false;
      const due = this.#waiting.splice(0, refusalsALook);
      if (this.#waiting.length > 0) this.#plan();
      for (const refuse of due) refuse();
    });
  }
}
