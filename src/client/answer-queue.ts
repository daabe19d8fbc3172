/* What has come and not been taken yet, for one reader who waits for the next. */

type Waiter<T> = {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
};

type End = { readonly type: "done" } | { readonly type: "failed"; readonly error: unknown };

export class AnswerQueue<T> {
  readonly #items: T[] = [];
  readonly #waiters: Waiter<T>[] = [];
  #end: End | undefined;

  /** After the end nothing is taken any more. */
  push(item: T): void {
    if (this.#end !== undefined) return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#items.push(item);
    else waiter.resolve({ done: false, value: item });
  }

  /** What came before is still given; with an error the reader meets it behind that. */
  end(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? { type: "done" } : { type: "failed", error };
    for (const waiter of this.#waiters.splice(0)) settle(waiter, this.#end);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      const [item] = this.#items;
      if (item !== undefined) {
        this.#items.shift();
        resolve({ done: false, value: item });
        return;
      }
      const waiter = { resolve, reject };
      if (this.#end === undefined) this.#waiters.push(waiter);
      else settle(waiter, this.#end);
    });
  }
}

function settle<T>({ resolve, reject }: Waiter<T>, end: End): void {
  if (end.type === "failed") reject(end.error);
  else resolve({ done: true, value: undefined });
}
