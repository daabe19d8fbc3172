import type { Clock, Millis } from "./clock.ts";

/** How late an expiry may be. */
const grainMs = 5;

/** Something that ends at its time unless it is removed before; the links belong to the list that it stands in. */
export interface Expiring {
  readonly deadlineAt: Millis;
  before: Expiring | undefined;
  after: Expiring | undefined;
}

/**
 * Many deadlines on one timer: adding and removing change a few links, where a timer each costs an allocation and a
 * place in Node's lists (1.5 µs a request). Links and no Set, for the reason that stands in protocol/slots.ts.
 */
export class Deadlines<Item extends Expiring> {
  readonly #clock: Clock;
  readonly #expire: (item: Item) => void;
  /** The head of the ring of each slot. */
  readonly #slots = new Map<number, Expiring>();
  #nextSlot = Number.POSITIVE_INFINITY;
  #disarm: () => void = () => undefined;

  constructor(clock: Clock, expire: (item: Item) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(item: Item): void {
    const slot = slotOf(item);
    const head = this.#slots.get(slot) ?? this.#open(slot);
    const last = head.before as Expiring;
    item.before = last;
    item.after = head;
    last.after = item;
    head.before = item;
  }

  /** Nothing where it has been removed, or has expired. */
  remove(item: Item): void {
    const { before, after } = item;
    if (before === undefined || after === undefined) return;
    before.after = after;
    after.before = before;
    item.before = undefined;
    item.after = undefined;
  }

  #open(slot: number): Expiring {
    const head: Expiring = { deadlineAt: slot * grainMs, before: undefined, after: undefined };
    head.before = head;
    head.after = head;
    this.#slots.set(slot, head);
    if (slot < this.#nextSlot) this.#arm(slot);
    return head;
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
    for (const [, head] of due) this.#expireAll(head);
  }

  #expireAll(head: Expiring): void {
    for (let item = head.after; item !== undefined && item !== head; item = head.after) {
      this.remove(item as Item);
      this.#expire(item as Item);
    }
  }
}

/** The first point of the grid that is not before the deadline. */
function slotOf({ deadlineAt }: Expiring): number {
  return Math.ceil(deadlineAt / grainMs);
}
