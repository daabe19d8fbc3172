import { atLeast, atMost, type Bound } from "./finding.ts";
import type { Side, Target } from "./summary.ts";

function troupe(work: Side["work"]): Side {
  return { work, contestant: "troupe" };
}

/** Of one work, against somebody else's. */
function against(
  contestant: Side["contestant"],
  work: Side["work"],
  measure: Target["measure"],
  bound: Bound,
): Target {
  return { measure, of: troupe(work), to: { work, contestant }, bound };
}

/** What Troupe promises of the works that are compared; what it promises of itself alone stands with its studies. */
export const targets: readonly Target[] = [
  against("echo", "tiny-64", "requestsPerSecond", atLeast(1.15)),
  against("single", "tiny-64", "requestsPerSecond", atLeast(2.2)),
  against("single", "tiny-1", "p50Ms", atMost(1.5)),
  against("single", "tiny-1", "p99Ms", atMost(2)),
  against("bare", "mlp-64", "requestsPerSecond", atLeast(0.85)),
  against("single", "mlp-64", "requestsPerSecond", atLeast(5)),
  against("bare", "image-4", "requestsPerSecond", atLeast(0.85)),
  against("single", "image-json-4", "requestsPerSecond", atLeast(3)),
  {
    measure: "requestsPerSecond",
    of: troupe("ws-64"),
    to: troupe("tiny-64"),
    bound: atLeast(1.5),
  },
  {
    measure: "requestsPerSecond",
    of: troupe("smoother-200"),
    to: troupe("smoother-1"),
    bound: atLeast(5),
  },
];
