/* Refusals take turns with everything else that a front door does: however many there are, they keep no answer waiting. */

/**
 * Between two looks at its sockets the front door writes no more refusals than this. Each look reads some 200 KB of what
 * a host has answered, and every caller who is ready: with a thousand of them refused at a look, a host's answers trickled
 * in at 16 a look, those who waited for them ran late, and no room came free for others.
 */
export const mostRefusalsALook = 16;

type Refuse = () => void;

/** In order of arrival. */
export class RefusalLane {
  readonly #afterLook: (act: () => void) => unknown;
  readonly #waiting: Refuse[] = [];
  #left = mostRefusalsALook;
  #isPlanned = false;

  /** `afterLook` calls back once when the sockets have been looked at again. */
  constructor(afterLook: (act: () => void) => unknown = setImmediate) {
    this.#afterLook = afterLook;
  }

  add(refuse: Refuse): void {
    this.#waiting.push(refuse);
    this.#work();
  }

  #work(): void {
    const due = this.#waiting.splice(0, this.#left);
    this.#left -= due.length;
    if (!this.#isPlanned) this.#plan();
    for (const refuse of due) refuse();
  }

  #plan(): void {
    this.#isPlanned = true;
    this.#afterLook(() => {
      this.#isPlanned = false;
      this.#left = mostRefusalsALook;
      if (this.#waiting.length > 0) this.#work();
    });
  }
}
