// What bench:lifecycle does to one of the models while the other is measured.
import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant } from "./contestant.ts";

/** The model that is changed. */
export const changing = "changing";
const changeLimitMs = 30_000;
const lookEveryMs = 5;

interface ChangeAsk {
  readonly method: "POST" | "PATCH";
  readonly path: string;
  readonly body?: unknown;
  readonly expected: number;
}

/** How long it took, in ms; throws where the answer is not the expected one. */
export async function change({ port }: Contestant, ask: ChangeAsk): Promise<number> {
  const { method, path, body, expected } = ask;
  const begunAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    signal: AbortSignal.timeout(changeLimitMs),
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  if (response.status !== expected) {
    throw new Error(`Cannot measure: ${method} ${path} was answered ${response.status} ${text}`);
  }
  return performance.now() - begunAt;
}

interface Tree {
  readonly models: readonly {
    readonly name: string;
    readonly rollout: { readonly state: string } | null;
    readonly versions: readonly { readonly hosts: readonly { readonly pid: number | null }[] }[];
  }[];
}

/** Each makes a new process necessary. */
export class Changes {
  readonly #troupe: Contestant;
  #count = 0;

  constructor(troupe: Contestant) {
    this.#troupe = troupe;
  }

  /** To one that is neither the present one nor the one before. */
  rollOut(): Promise<number> {
    return this.#patch(this.#otherBatching(), 200);
  }

  /** The new process loads, and gives a golden sample another answer than is expected. */
  refuse(): Promise<number> {
    const features = [5.1, 3.5, 1.4, 0.2];
    return this.#patch({ golden: [{ features, outputs: { probabilities: [[9, 9, 9]] } }] }, 422);
  }

  /** Traffic has moved to the new process, which is then killed. */
  async rollBack(): Promise<number> {
    const begunAt = performance.now();
    const before = new Set(await this.#pids());
    await this.#patch({ ...this.#otherBatching(), bake_ms: 60_000 }, 200);
    const fresh = (await this.#pids()).filter((pid) => !before.has(pid));
    if (fresh.length !== 1) throw new Error(`Cannot measure: ${fresh.length} new processes`);
    for (const pid of fresh) process.kill(pid, "SIGKILL");
    while ((await this.#model()).rollout?.state !== "rolled-back") await sleep(lookEveryMs);
    return performance.now() - begunAt;
  }

  #otherBatching() {
    this.#count += 1;
    return { batching: { max_batch_size: 32 + (this.#count % 3) } };
  }

  async #model() {
    const response = await fetch(`http://127.0.0.1:${this.#troupe.port}/supervisor`);
    const { models } = (await response.json()) as Tree;
    const found = models.find(({ name }) => name === changing);
    if (found === undefined) throw new Error("Cannot measure: the model is gone");
    return found;
  }

  async #pids(): Promise<readonly number[]> {
    const { versions } = await this.#model();
    return versions.flatMap(({ hosts }) => hosts.flatMap(({ pid }) => pid ?? []));
  }

  #patch(body: unknown, expected: number): Promise<number> {
    return change(this.#troupe, { method: "PATCH", path: `/models/${changing}`, body, expected });
  }
}
