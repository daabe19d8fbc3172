/** One that stands in a heap, and knows where. */
export interface Ranked {
  readonly deadlineAt: number;
  /** -1 while it stands in none. */
  heapAt: number;
}

/** The earliest of many; whoever is removed is gone at once, and what is removed twice is no matter. */
export class SlotHeap<Item extends Ranked> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  remove(item: Item): void {
    const at = item.heapAt;
    if (at < 0) return;
    item.heapAt = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#rise(last, at);
    this.#sink(last, last.heapAt);
  }

  #rise(item: Item, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = this.#items[(at - 1) >> 1] as Item;
      if (parent.deadlineAt <= item.deadlineAt) break;
      const above = parent.heapAt;
      this.#put(parent, at);
      at = above;
    }
    this.#put(item, at);
  }

  #sink(item: Item, from: number): void {
    let at = from;
    for (let child = this.#lesserChild(at); child !== undefined; child = this.#lesserChild(at)) {
      if (child.deadlineAt >= item.deadlineAt) break;
      const below = child.heapAt;
      this.#put(child, at);
      at = below;
    }
    this.#put(item, at);
  }

  #lesserChild(at: number): Item | undefined {
    const left = this.#items[2 * at + 1];
    const right = this.#items[2 * at + 2];
    if (left === undefined || right === undefined) return left;
    return right.deadlineAt < left.deadlineAt ? right : left;
  }

  #put(item: Item, at: number): void {
    this.#items[at] = item;
    item.heapAt = at;
  }
}
