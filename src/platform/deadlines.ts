import type { Clock, Millis } from "./clock.ts";
import { type Ranked, SlotHeap } from "./slot-heap.ts";

/** How late an expiry may be. */
const grainMs = 5;

/** Something that ends at its time unless it is removed before; the links belong to the list that it stands in. */
export interface Expiring {
  readonly deadlineAt: Millis;
  before: Expiring | undefined;
  after: Expiring | undefined;
}

/** The head of the ring of one slot, which is there as long as the ring has items. */
interface Head extends Expiring, Ranked {
  readonly slot: number;
}

/**
 * Many deadlines on one timer: adding and removing change a few links, where a timer each costs an allocation and a
 * place in Node's lists. Links and no Set, for the reason that stands in protocol/slots.ts.
 */
export class Deadlines<Item extends Expiring> {
  readonly #clock: Clock;
  readonly #expire: (item: Item) => void;
  readonly #slots = new Map<number, Head>();
  readonly #bySoonest = new SlotHeap<Head>();
  #nextSlot = Number.POSITIVE_INFINITY;
  #disarm: () => void = () => undefined;

  constructor(clock: Clock, expire: (item: Item) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Points of time for which something is there. */
  get slots(): number {
    return this.#slots.size;
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
    // Only a head that is alone has itself on both sides.
    if (before === after) this.#close(before as Head);
  }

  #open(slot: number): Head {
    const links = { before: undefined, after: undefined };
    const head: Head = { slot, deadlineAt: slot * grainMs, heapAt: -1, ...links };
    head.before = head;
    head.after = head;
    this.#slots.set(slot, head);
    this.#bySoonest.add(head);
    if (slot < this.#nextSlot) this.#arm(slot);
    return head;
  }

  /** Nothing where it was closed before: its slot may be another's by now. */
  #close(head: Head): void {
    if (head.heapAt < 0) return;
    this.#bySoonest.remove(head);
    this.#slots.delete(head.slot);
  }

  #arm(slot: number): void {
    this.#disarm();
    this.#nextSlot = slot;
    const delayMs = Math.max(0, slot * grainMs - this.#clock.now());
    this.#disarm = this.#clock.after(delayMs, () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#clock.now();
    const due: Head[] = [];
    let next = this.#bySoonest.first;
    for (; next !== undefined && next.deadlineAt <= now; next = this.#bySoonest.first) {
      this.#close(next);
      due.push(next);
    }
    this.#nextSlot = Number.POSITIVE_INFINITY;
    if (next !== undefined) this.#arm(next.slot);
    for (const head of due) this.#expireAll(head);
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
