// One round of one hop: as many runs as it carries, and single ones after a rest.
import { setTimeout as rest } from "node:timers/promises";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { percentile } from "../statistics.ts";
import type { Hop } from "./hops.ts";

export interface HopFigures {
  /** Two at a time, as a host gives its engine. */
  readonly runsPerSecond: number;
  /** Of both threads, in the same runs. */
  readonly cpuUs: number;
  /** From asking to the answer where both threads slept. */
  readonly restedP50Us: number;
}

const restMs = 1;
/** Of the runs one measurement takes, so many are asked after a rest. */
const restedShare = 0.1;

export async function measureHop(
  hop: Hop,
  newTensor: () => Tensor,
  runs: number,
): Promise<HopFigures> {
  const tensors = Array.from({ length: runs }, newTensor);
  const cpuBefore = process.cpuUsage();
  const beganAt = performance.now();
  const lane = async () => {
    for (let next = tensors.pop(); next !== undefined; next = tensors.pop()) await hop.run(next);
  };
  await Promise.all([lane(), lane()]);
  const tookMs = performance.now() - beganAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  const rested: number[] = [];
  for (let left = runs * restedShare; left > 0; left -= 1) {
    const tensor = newTensor();
    await rest(restMs);
    const askedAt = performance.now();
    await hop.run(tensor);
    rested.push((performance.now() - askedAt) * 1e3);
  }
  return {
    runsPerSecond: (runs / tookMs) * 1e3,
    cpuUs: (user + system) / runs,
    restedP50Us: percentile(
      rested.toSorted((a, b) => a - b),
      50,
    ),
  };
}
