/* Holds hosts to the memory that their model may use: one above it is replaced, one far above it is ended. */
import type { Clock, Millis } from "../src/platform/clock.ts";
import type { HostGroup } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { judgeMemory, MemoryHistory } from "./memory-judge.ts";

export interface MemoryWatchListener {
  onReplace(host: HostSlot, reason: string, words: string): void;
  onReplaced(host: HostSlot, problem: string | null): void;
  onKill(host: HostSlot, words: string): void;
}

const mebibyte = 2 ** 20;
/** A host that is over its limit soon after its start would be replaced for ever. */
const replaceEveryMs = 30_000;

export class MemoryWatch {
  readonly #clock: Clock;
  readonly #listener: MemoryWatchListener;
  /** By host and process: a new process begins anew. */
  readonly #histories = new WeakMap<HostSlot, { pid: number; history: MemoryHistory }>();
  readonly #replacedAt = new WeakMap<HostGroup, Millis>();

  constructor(clock: Clock, listener: MemoryWatchListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  note(group: HostGroup, host: HostSlot): void {
    const { memoryMb } = group.config.limits;
    const { figures, pid, phase } = host.slot;
    if (memoryMb === null || figures === undefined || pid === undefined) return;
    const history = this.#historyOf(host, pid);
    const now = this.#clock.now();
    history.note({ at: now, rssBytes: figures.rssBytes });
    const verdict = judgeMemory(history.samples, memoryMb * mebibyte, now);
    if (verdict.type === "kill") {
      this.#listener.onKill(host, verdict.words);
      host.slot.kill("memory-limit");
    } else if (verdict.type === "replace" && phase.name === "ready") {
      this.#replace(group, host, verdict);
    }
  }

  #historyOf(host: HostSlot, pid: number): MemoryHistory {
    const known = this.#histories.get(host);
    if (known?.pid === pid) return known.history;
    const history = new MemoryHistory();
    this.#histories.set(host, { pid, history });
    return history;
  }

  #replace(
    group: HostGroup,
    host: HostSlot,
    { reason, words }: { readonly reason: string; readonly words: string },
  ): void {
    const now = this.#clock.now();
    const last = this.#replacedAt.get(group);
    const isMember = group.stage === "serving" && group.hosts.includes(host);
    if (!isMember || (last !== undefined && now - last < replaceEveryMs)) return;
    this.#replacedAt.set(group, now);
    this.#listener.onReplace(host, reason, words);
    group.replace(host).then(
      () => this.#listener.onReplaced(host, null),
      (thrown: unknown) => {
        this.#listener.onReplaced(host, thrown instanceof Error ? thrown.message : "unknown");
      },
    );
  }
}
