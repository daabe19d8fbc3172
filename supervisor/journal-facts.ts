/* What the entries of the journal say together. */
import type {
  Described,
  Installing,
  JournalEntry,
  RolledBack,
  RollingOut,
} from "./journal-entry.ts";

/** What the entries say together. */
export interface Facts {
  readonly unloadedModels: ReadonlySet<string>;
  readonly unloadedVersions: ReadonlyMap<string, ReadonlySet<string>>;
  /** Loaded on request, though the configuration does not select them. */
  readonly loadedVersions: ReadonlyMap<string, ReadonlySet<string>>;
  readonly rolledBack: ReadonlyMap<string, ReadonlyMap<string, RolledBack>>;
  readonly described: ReadonlyMap<string, ReadonlyMap<string, Described>>;
  /** Begun, and neither finished nor given up. */
  readonly installing: readonly Installing[];
  /** Of each model those that were begun and have not ended, in their order. */
  readonly rollingOut: ReadonlyMap<string, readonly RollingOut[]>;
}

export const noFacts: Facts = {
  unloadedModels: new Set(),
  unloadedVersions: new Map(),
  loadedVersions: new Map(),
  rolledBack: new Map(),
  described: new Map(),
  installing: [],
  rollingOut: new Map(),
};

export function foldJournal(entries: readonly JournalEntry[]): Facts {
  return entries.reduce(withEntry, noFacts);
}

/** The facts after one more entry; those before stay as they are. */
export function withEntry(facts: Facts, entry: JournalEntry): Facts {
  switch (entry.type) {
    case "unloaded":
      return unloaded(facts, entry.model, entry.version);
    case "loaded":
      return loaded(facts, entry.model, entry.version);
    case "deleted":
      return deleted(facts, entry.model, entry.version);
    case "rolled-back": {
      const { type: _, model, version, ...why } = entry;
      return { ...facts, rolledBack: withPair(facts.rolledBack, model, version, why) };
    }
    case "forgiven":
      return { ...facts, rolledBack: withoutPair(facts.rolledBack, entry.model, entry.version) };
    case "installing": {
      const { type: _, ...begun } = entry;
      return { ...facts, installing: [...others(facts.installing, begun), begun] };
    }
    case "installed":
      return installed(facts, entry.model, entry.version);
    case "rolling-out": {
      const { type: _, model, ...begun } = entry;
      const all = [...(facts.rollingOut.get(model) ?? []), begun];
      return { ...facts, rollingOut: new Map(facts.rollingOut).set(model, all) };
    }
    case "rolled-out":
      return { ...facts, rollingOut: ended(facts.rollingOut, entry) };
    case "described": {
      const { type: _, model, version, ...what } = entry;
      return { ...facts, described: withPair(facts.described, model, version, what) };
    }
  }
}

/** What was said of an earlier file of that version does not hold of this one. */
function installed(facts: Facts, model: string, version: string): Facts {
  return {
    ...facts,
    unloadedVersions: without(facts.unloadedVersions, model, version),
    rolledBack: withoutPair(facts.rolledBack, model, version),
    described: withoutPair(facts.described, model, version),
    installing: others(facts.installing, { model, version }),
  };
}

function ended(
  rollingOut: Facts["rollingOut"],
  { model, id }: { readonly model: string; readonly id: string },
): Facts["rollingOut"] {
  const left = (rollingOut.get(model) ?? []).filter((one) => one.id !== id);
  return left.length === 0 ? withoutKey(rollingOut, model) : new Map(rollingOut).set(model, left);
}

function unloaded(facts: Facts, model: string, version: string | null): Facts {
  const loadedVersions = without(facts.loadedVersions, model, version);
  if (version === null) {
    const unloadedModels = new Set([...facts.unloadedModels, model]);
    return { ...facts, loadedVersions, unloadedModels };
  }
  const unloadedVersions = withMember(facts.unloadedVersions, model, version);
  return { ...facts, loadedVersions, unloadedVersions };
}

function loaded(facts: Facts, model: string, version: string | null): Facts {
  const unloadedVersions = without(facts.unloadedVersions, model, version);
  if (version === null) {
    return { ...facts, unloadedVersions, unloadedModels: withoutModel(facts, model) };
  }
  const loadedVersions = withMember(facts.loadedVersions, model, version);
  return { ...facts, unloadedVersions, loadedVersions };
}

function deleted(facts: Facts, model: string, version: string | null): Facts {
  return {
    unloadedModels: version === null ? withoutModel(facts, model) : facts.unloadedModels,
    unloadedVersions: without(facts.unloadedVersions, model, version),
    loadedVersions: without(facts.loadedVersions, model, version),
    rolledBack: withoutPair(facts.rolledBack, model, version),
    described: withoutPair(facts.described, model, version),
    installing: others(facts.installing, { model, version }),
    rollingOut: version === null ? withoutKey(facts.rollingOut, model) : facts.rollingOut,
  };
}

/** After these the journal says again what it says now of what of the model is loaded, whatever it says by then. */
export function decisionsOf(facts: Facts, model: string): readonly JournalEntry[] {
  const whole = { model, version: null };
  const of = (type: "loaded" | "unloaded", sets: Sets) =>
    [...(sets.get(model) ?? [])].map((version) => ({ type, model, version }) as const);
  const rolledBack = [...(facts.rolledBack.get(model) ?? [])];
  return [
    // Together they forget what was said of single versions.
    { type: "unloaded", ...whole },
    { type: "loaded", ...whole },
    ...(facts.unloadedModels.has(model) ? [{ type: "unloaded", ...whole } as const] : []),
    ...of("unloaded", facts.unloadedVersions),
    ...of("loaded", facts.loadedVersions),
    ...rolledBack.flatMap(([version, why]) =>
      [{ ...why, digest: "" }, why].map(
        (one) => ({ type: "rolled-back", model, version, ...one }) as const,
      ),
    ),
  ];
}

/** The names of all models of which something is said. */
export function modelsIn(facts: Facts): ReadonlySet<string> {
  const { unloadedVersions, loadedVersions, rolledBack, described, rollingOut } = facts;
  const maps = [unloadedVersions, loadedVersions, rolledBack, described, rollingOut];
  return new Set([...facts.unloadedModels, ...maps.flatMap((map) => [...map.keys()])]);
}

/** Whether somebody has asked for the version, or nobody has asked to do without it. */
export function isWanted(
  { model, version }: { readonly model: string; readonly version: string },
  { unloadedModels, loadedVersions, unloadedVersions }: Facts,
): boolean {
  if (unloadedModels.has(model)) return loadedVersions.get(model)?.has(version) === true;
  return unloadedVersions.get(model)?.has(version) !== true;
}

/** Whether the entry decides nothing that is not decided already. */
export function isDecided(facts: Facts, entry: JournalEntry): boolean {
  const { model } = entry;
  const holds = (sets: Sets, version: string) => sets.get(model)?.has(version) === true;
  const isUnloaded = facts.unloadedModels.has(model);
  switch (entry.type) {
    case "loaded":
      if (entry.version === null) return !isUnloaded && !facts.unloadedVersions.has(model);
      return (
        holds(facts.loadedVersions, entry.version) && !holds(facts.unloadedVersions, entry.version)
      );
    case "unloaded":
      if (entry.version === null) return isUnloaded && !facts.loadedVersions.has(model);
      return (
        holds(facts.unloadedVersions, entry.version) && !holds(facts.loadedVersions, entry.version)
      );
    case "forgiven":
      return facts.rolledBack.get(model)?.has(entry.version) !== true;
    case "rolled-back":
      // It only adds whose file it was: somebody may have forgiven it while that was read.
      return entry.digest !== "" && facts.rolledBack.get(model)?.has(entry.version) !== true;
    case "rolled-out":
      return facts.rollingOut.get(model)?.some(({ id }) => id === entry.id) !== true;
    default:
      return false;
  }
}

/** The fewest entries that say the same. */
export function entriesOf(facts: Facts): readonly JournalEntry[] {
  const models = [...facts.unloadedModels];
  return [
    // First, because it undoes what was loaded of the model.
    ...models.map((model) => ({ type: "unloaded", model, version: null }) as const),
    ...pairs(facts.unloadedVersions).map((pair) => ({ type: "unloaded", ...pair }) as const),
    ...pairs(facts.loadedVersions).map((pair) => ({ type: "loaded", ...pair }) as const),
    ...entriesIn(facts.rolledBack).map((why) => ({ type: "rolled-back", ...why }) as const),
    ...entriesIn(facts.described).map((what) => ({ type: "described", ...what }) as const),
    ...facts.installing.map((begun) => ({ type: "installing", ...begun }) as const),
    ...[...facts.rollingOut].flatMap(([model, all]) =>
      all.map((begun) => ({ type: "rolling-out", model, ...begun }) as const),
    ),
  ];
}

type Sets = ReadonlyMap<string, ReadonlySet<string>>;
type Maps<T> = ReadonlyMap<string, ReadonlyMap<string, T>>;

function pairs(sets: Sets): readonly { readonly model: string; readonly version: string }[] {
  return [...sets].flatMap(([model, versions]) =>
    [...versions].map((version) => ({ model, version })),
  );
}

function entriesIn<T>(
  maps: Maps<T>,
): readonly ({ readonly model: string; readonly version: string } & T)[] {
  return [...maps].flatMap(([model, versions]) =>
    [...versions].map(([version, what]) => ({ model, version, ...what })),
  );
}

function withMember(sets: Sets, model: string, version: string): Sets {
  return new Map(sets).set(model, new Set([...(sets.get(model) ?? []), version]));
}

/** Without one version, or without all of them. */
function without(sets: Sets, model: string, version: string | null): Sets {
  const left = [...(sets.get(model) ?? [])].filter((one) => version !== null && one !== version);
  return left.length === 0 ? withoutKey(sets, model) : new Map(sets).set(model, new Set(left));
}

function withPair<T>(maps: Maps<T>, model: string, version: string, value: T): Maps<T> {
  return new Map(maps).set(model, new Map(maps.get(model)).set(version, value));
}

/** Without one version, or without all of them. */
function withoutPair<T>(maps: Maps<T>, model: string, version: string | null): Maps<T> {
  if (version === null) return withoutKey(maps, model);
  const left = withoutKey(maps.get(model) ?? new Map<string, T>(), version);
  return left.size === 0 ? withoutKey(maps, model) : new Map(maps).set(model, left);
}

function withoutKey<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  return new Map([...map].filter(([one]) => one !== key));
}

function withoutModel({ unloadedModels }: Facts, model: string): ReadonlySet<string> {
  return new Set([...unloadedModels].filter((one) => one !== model));
}

function others(
  installing: readonly Installing[],
  { model, version }: { readonly model: string; readonly version: string | null },
): readonly Installing[] {
  return installing.filter(
    (one) => one.model !== model || (version !== null && one.version !== version),
  );
}
