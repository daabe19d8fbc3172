/* What a request in one of V2's wire formats is to a sequence that any connection may go on with. */
import { hasMemory } from "../protocol/model-metadata.ts";
import type { Target } from "./directory.ts";
import type { SequenceCall } from "./flight.ts";
import type { SharedSeats } from "./shared-seats.ts";
import { readV2Sequence } from "./v2-sequence.ts";

/**
 * Null where the request stands for itself. Only models that remember pay for the look into its JSON; `isNamed` says
 * whether the caller named the version. Throws as `readV2Sequence` does.
 */
export function claimV2(
  seats: SharedSeats,
  json: Buffer | undefined,
  { model, version }: Target,
  isNamed: boolean,
): SequenceCall | null {
  if (json === undefined || version.metadata === null || !hasMemory(version.metadata)) return null;
  const named = readV2Sequence(json);
  if (named === undefined) return null;
  return seats.claim(named, { model: model.name, version: version.version, isNamed });
}
