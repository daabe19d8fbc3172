/* Holds hosts to the memory that their model may use: one above it is replaced, one far above it is ended. */
import type { Clock, Millis } from "../src/platform/clock.ts";
import type { HostGroup } from "./host-group.ts";
import type { HostSlot } from "./host-slot.ts";
import { MemoryHistory } from "./memory-history.ts";
import { type MemoryVerdict, mebibyte } from "./memory-judge.ts";
import type { ModelLife } from "./model-life.ts";

export interface MemoryWatchListener {
  onReplace(host: HostSlot, reason: string, words: string): void;
  onReplaced(host: HostSlot, problem: string | null): void;
  onKill(host: HostSlot, words: string): void;
}

/** The model whose host it is, as far as its memory is concerned. */
export type MemoryOwner = Pick<ModelLife, "noteMemory">;

type Replacement = Extract<MemoryVerdict, { readonly type: "replace" }>;
type Kill = Extract<MemoryVerdict, { readonly type: "kill" }>;

/** A host that is over its limit soon after its start would be replaced for ever. */
const replaceEveryMs = 30_000;

export class MemoryWatch {
  readonly #clock: Clock;
  readonly #listener: MemoryWatchListener;
  /** By host and process: a new process begins anew. */
  readonly #histories = new WeakMap<HostSlot, { pid: number; history: MemoryHistory }>();
  readonly #replacedAt = new WeakMap<HostGroup, Millis>();
  /** A host of it has been within its limit with the model loaded. */
  readonly #fitting = new WeakSet<HostGroup>();

  constructor(clock: Clock, listener: MemoryWatchListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  look(group: HostGroup, host: HostSlot, owner: MemoryOwner): void {
    const { memoryMb } = group.config.limits;
    if (memoryMb === null) return;
    const { rssBytes, pid, phase } = host.slot;
    if (rssBytes === null || pid === undefined) return;
    const history = this.#historyOf(host, pid);
    const sample = { at: this.#clock.now(), rssBytes };
    const limitBytes = memoryMb * mebibyte;
    const verdict = history.look(sample, { limitBytes, isLoaded: phase.name !== "starting" });
    if (history.hasFitted) this.#fitting.add(group);
    if (verdict.type !== "fine") this.#obey(verdict, { group, host, owner });
  }

  /** A model of which no host has ever fitted would be replaced, or killed, for ever. */
  #obey(verdict: Replacement | Kill, { group, host, owner }: Looked): void {
    const isRolledBack = owner.noteMemory(group, verdict.words);
    if (!isRolledBack && !this.#fitting.has(group)) {
      host.slot.apply({ type: "outgrown", reason: `the model needs too much: ${verdict.words}` });
    }
    const isGivenUp = host.slot.phase.name === "given-up";
    if (verdict.type === "kill" || isGivenUp) this.#kill(host, verdict.words);
    else if (host.slot.phase.name === "ready") this.#replace(group, host, verdict);
  }

  #kill(host: HostSlot, words: string): void {
    this.#listener.onKill(host, words);
    host.slot.kill("memory-limit");
  }

  #historyOf(host: HostSlot, pid: number): MemoryHistory {
    const known = this.#histories.get(host);
    if (known?.pid === pid) return known.history;
    const history = new MemoryHistory();
    this.#histories.set(host, { pid, history });
    return history;
  }

  #replace(group: HostGroup, host: HostSlot, { reason, words }: Replacement): void {
    const now = this.#clock.now();
    const last = this.#replacedAt.get(group);
    const isMember = group.stage === "serving" && group.hosts.includes(host);
    if (!isMember || (last !== undefined && now - last < replaceEveryMs)) return;
    this.#replacedAt.set(group, now);
    this.#listener.onReplace(host, reason, words);
    group.replace(host, host.findings).then(
      () => this.#listener.onReplaced(host, null),
      (thrown: unknown) => {
        this.#listener.onReplaced(host, thrown instanceof Error ? thrown.message : "unknown");
      },
    );
  }
}

interface Looked {
  readonly group: HostGroup;
  readonly host: HostSlot;
  readonly owner: MemoryOwner;
}
