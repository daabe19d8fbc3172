import type { ModelInterface, ValueInfo } from "./engine.ts";

/** Along which axis of each input the rows of several requests may stand; null for inputs of rank 0. */
export type BatchAxes = readonly (number | null)[];

export type Hypotheses =
  | { readonly type: "try"; readonly candidates: readonly BatchAxes[] }
  /** Every tensor has a first axis of exactly one. */
  | { readonly type: "one-by-one"; readonly reason: string }
  | { readonly type: "none"; readonly reason: string };

/**
 * What the declared shapes allow, likeliest first: a free axis of the same name in all inputs (it need not be the
 * first), then the first axis wherever it is free in all. Whether it holds is for the trial to say.
 */
export function hypothesize(model: ModelInterface): Hypotheses {
  const ranked = model.inputs.filter((input) => input.dims.length > 0);
  if (ranked.length === 0) return { type: "none", reason: "no input has an axis" };
  const candidates = [...byName(model, ranked), ...byFirstAxis(model, ranked)];
  if (candidates.length > 0) return { type: "try", candidates: withoutRepeats(candidates) };
  const fixed = ranked.find((input) => typeof input.dims[0] === "number") ?? ranked[0];
  const reason = `input '${fixed?.name}' has the fixed shape [${fixed?.dims.join(",")}]`;
  const single = [...ranked, ...model.outputs.filter(isTensor)].every(({ dims }) => dims[0] === 1);
  return { type: single ? "one-by-one" : "none", reason };
}

function isTensor(value: ValueInfo): boolean {
  return value.datatype !== null;
}

function byName(model: ModelInterface, ranked: readonly ValueInfo[]): BatchAxes[] {
  const names = (ranked[0]?.dims ?? []).filter((dim) => typeof dim === "string" && dim !== "");
  const shared = names.filter((name) => ranked.every((input) => input.dims.includes(name)));
  const likeliestFirst = shared.toSorted((a, b) => looksLikeBatch(b) - looksLikeBatch(a));
  return likeliestFirst.map((name) =>
    model.inputs.map((input) => (input.dims.length === 0 ? null : input.dims.indexOf(name))),
  );
}

function looksLikeBatch(name: number | string): number {
  return /^(n|b)$|batch/i.test(String(name)) ? 1 : 0;
}

function byFirstAxis(model: ModelInterface, ranked: readonly ValueInfo[]): BatchAxes[] {
  if (!ranked.every((input) => typeof input.dims[0] === "string")) return [];
  return [model.inputs.map((input) => (input.dims.length === 0 ? null : 0))];
}

function withoutRepeats(candidates: readonly BatchAxes[]): BatchAxes[] {
  const seen = new Map(candidates.map((axes) => [axes.join(","), axes]));
  return [...seen.values()];
}
