/* Which host gets a request that stands for itself. */
import { predictWaitMs, type ReplicaLoad } from "./admission.ts";
import type { HostLink } from "./host-link.ts";
import type { Seating } from "./seating.ts";

export function toLeastLoaded(links: readonly HostLink[]): Seating {
  const link = leastLoaded(links);
  return link === undefined ? { type: "wait" } : { type: "send", link };
}

function leastLoaded(links: readonly HostLink[]): HostLink | undefined {
  const [first, ...others] = links;
  if (others.length === 0) return first;
  return links.toSorted((a, b) => rank(a.load) - rank(b.load))[0];
}

/** By predicted wait; among equals, by what is outstanding. A breaker that is not closed comes last. */
function rank(load: ReplicaLoad): number {
  const last = load.breakerRetryMs > 0 ? Number.MAX_SAFE_INTEGER : 0;
  return last + predictWaitMs(load) + load.outstandingRequests * 1e-3;
}
