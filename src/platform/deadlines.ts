import type { Clock, Millis } from "./clock.ts";

/** How late an expiry may be. */
const grainMs = 5;

/** Something that ends at its time unless it is removed before. */
export interface Expiring {
  readonly deadlineAt: Millis;
}

/**
 * Many deadlines on one timer: adding and removing are two set operations, where a timer each costs an allocation and
 * a place in Node's lists (1.5 µs a request).
 */
export class Deadlines<Item extends Expiring> {
  readonly #clock: Clock;
  readonly #expire: (item: Item) => void;
  readonly #slots = new Map<number, Set<Item>>();
  #nextSlot = Number.POSITIVE_INFINITY;
  #disarm: () => void = () => undefined;

  constructor(clock: Clock, expire: (item: Item) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(item: Item): void {
    const slot = slotOf(item);
    const items = this.#slots.get(slot);
    if (items !== undefined) items.add(item);
    else this.#open(slot, item);
  }

  remove(item: Item): void {
    this.#slots.get(slotOf(item))?.delete(item);
  }

  #open(slot: number, item: Item): void {
    this.#slots.set(slot, new Set([item]));
    if (slot < this.#nextSlot) this.#arm(slot);
  }

  #arm(slot: number): void {
    this.#disarm();
    this.#nextSlot = slot;
    const delayMs = Math.max(0, slot * grainMs - this.#clock.now());
    this.#disarm = this.#clock.after(delayMs, () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#clock.now();
    const due = [...this.#slots].filter(([slot]) => slot * grainMs <= now);
    for (const [slot] of due) this.#slots.delete(slot);
    this.#nextSlot = Number.POSITIVE_INFINITY;
    const next = Math.min(...this.#slots.keys());
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
    for (const [, items] of due) for (const item of items) this.#expire(item);
  }
}

/** The first point of the grid that is not before the deadline. */
function slotOf({ deadlineAt }: Expiring): number {
  return Math.ceil(deadlineAt / grainMs);
}
