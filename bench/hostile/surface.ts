// What every surface of a server that is attacked has in common, and what came of an attack.
import type { Random } from "../../models/random.ts";

export interface Victim {
  readonly port: number;
  readonly grpcPort: number;
}

/** What a client may be told for its own mistakes. */
export const clientCodes: ReadonlySet<string> = new Set([
  "invalid-request",
  "model-not-found",
  "not-found",
  "payload-too-large",
  "unsupported-media-type",
  "cancelled",
]);

/** What becomes of a frame that does not begin its sequence any more; the server cannot tell it from one that came too late. */
export const lostSequence = "sequence-lost";

/** How often each thing came, by a name for it. */
export class Tally {
  readonly counts = new Map<string, number>();
  /** What no client may be told, or nobody may see. */
  readonly faults: string[] = [];

  count(outcome: string): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1);
  }

  fault(words: string): void {
    this.count("fault");
    this.faults.push(words.slice(0, 2_000));
  }
}

export interface Surface {
  readonly name: string;
  /** Sends so many mutants, and resolves when all are answered. */
  attack(random: Random, mutants: number, tally: Tally): Promise<void>;
  /** The answers to all sound requests, as text. */
  answers(): Promise<readonly string[]>;
  close(): void;
}

/** Any message of ours says what was wrong, and nothing of where in the code. */
export function isOwnWord(message: string): boolean {
  return !/internal error|node_modules|\.[jt]s\b|\n\s+at /.test(message);
}

/** How a mutant is made: of what a request says, of its JSON alone, or of all its bytes. */
export type Way = "misstated" | "json" | "bytes";

export function pickWay(random: Random): Way {
  const dice = random();
  if (dice < 0.4) return "misstated";
  return dice < 0.6 ? "json" : "bytes";
}

/** So many at once, over and over, until all are done. */
export async function inLanes(
  lanes: number,
  count: number,
  act: () => Promise<void>,
): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await act();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
