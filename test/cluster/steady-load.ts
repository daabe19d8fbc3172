/* Requests at a steady rate from a few connections, however long the answers take. Every answer is remembered. */
import assert from "node:assert/strict";
import type { Cluster } from "./cluster.ts";
import { keepAliveAgent } from "./http-client.ts";
import { waitFor } from "./wait.ts";

export interface Outcome {
  readonly sentAt: number;
  readonly answeredAt: number;
  /** 0 where the connection failed. */
  readonly status: number;
  readonly version: string;
  readonly words: string;
}

const tickMs = 5;
const connections = 8;

export class SteadyLoad {
  readonly outcomes: Outcome[] = [];
  readonly #cluster: Cluster;
  readonly #path: string;
  readonly #agent = keepAliveAgent(connections);
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  /** The model takes rows of four values and gives them back. */
  constructor(cluster: Cluster, model: string) {
    this.#cluster = cluster;
    this.#path = `/predict/${model}`;
    this.#timer = setInterval(() => void this.#ask(), tickMs);
  }

  async #ask(): Promise<void> {
    this.#sent += 1;
    const sentAt = performance.now();
    const row = [this.#sent % 1000, 1, 2, 3];
    const outcome = await this.#answerTo(row);
    this.outcomes.push({ sentAt, answeredAt: performance.now(), ...outcome });
  }

  async #answerTo(row: readonly number[]) {
    try {
      const ask = { method: "POST", path: this.#path, body: { features: row } };
      const { status, json, text } = await this.#cluster.send({ ...ask, agent: this.#agent });
      if (status === 200) assert.deepEqual(json.predictions, [row]);
      return { status, version: json.version, words: text };
    } catch (thrown) {
      return { status: 0, version: "", words: String(thrown) };
    }
  }

  /** Resolves when so many more have been answered. */
  async flows(answers = 50): Promise<void> {
    const before = this.outcomes.length;
    await waitFor(() => this.outcomes.length >= before + answers, `${answers} more answers`);
  }

  /** The versions that answered what was sent after `momentMs`. */
  versionsSince(momentMs: number): readonly string[] {
    const later = this.outcomes.filter(({ sentAt }) => sentAt > momentMs);
    return [...new Set(later.map(({ version }) => version))];
  }

  /** When the version answered first. */
  firstOf(version: string): number {
    const times = this.outcomes.filter((one) => one.version === version);
    assert.ok(times.length > 0, `version ${version} has not answered`);
    return Math.min(...times.map(({ answeredAt }) => answeredAt));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Stops, and finds that not one was lost or refused. */
  async endsWithoutLoss(): Promise<void> {
    await this.flows();
    this.stop();
    await waitFor(() => this.outcomes.length === this.#sent, "every answer");
    this.#agent.destroy();
    const lost = this.outcomes.filter(({ status }) => status !== 200);
    assert.deepEqual(
      lost.map(({ status, words }) => [status, words]),
      [],
    );
  }
}

/** Begins when the first have been answered; ends with the test, whatever becomes of that. */
export async function steadyLoad(
  owner: { after(end: () => void): void },
  cluster: Cluster,
  model: string,
): Promise<SteadyLoad> {
  const load = new SteadyLoad(cluster, model);
  owner.after(() => load.stop());
  await load.flows();
  return load;
}
