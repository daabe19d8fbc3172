/* What the journal can say, and what its entries say together. */
import {
  attempt,
  type Fields,
  fieldsOf,
  nullOr,
  oneOf,
  text,
} from "../src/protocol/field-parsing.ts";

export interface Installing {
  readonly model: string;
  readonly version: string;
  /** The text of the model.yaml that comes with it. */
  readonly config: string | null;
}

export interface RolledBack {
  /** Of the version's file. */
  readonly digest: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Versions are null where the whole model is meant. */
export type JournalEntry =
  | {
      readonly type: "unloaded" | "loaded" | "deleted";
      readonly model: string;
      readonly version: string | null;
    }
  | ({
      readonly type: "rolled-back";
      readonly model: string;
      readonly version: string;
    } & RolledBack)
  /** Forgiven is a version that was rolled back and may be tried again. */
  | {
      readonly type: "forgiven" | "installed";
      readonly model: string;
      readonly version: string;
    }
  | ({ readonly type: "installing" } & Installing);

/** What the entries say together. */
export interface Facts {
  readonly unloadedModels: ReadonlySet<string>;
  readonly unloadedVersions: ReadonlyMap<string, ReadonlySet<string>>;
  /** Loaded on request, though the configuration does not select them. */
  readonly loadedVersions: ReadonlyMap<string, ReadonlySet<string>>;
  readonly rolledBack: ReadonlyMap<string, ReadonlyMap<string, RolledBack>>;
  /** Begun, and neither finished nor given up. */
  readonly installing: readonly Installing[];
}

export const noFacts: Facts = {
  unloadedModels: new Set(),
  unloadedVersions: new Map(),
  loadedVersions: new Map(),
  rolledBack: new Map(),
  installing: [],
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
      return { ...facts, installing: others(facts.installing, entry) };
  }
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
    rolledBack:
      version === null
        ? withoutKey(facts.rolledBack, model)
        : withoutPair(facts.rolledBack, model, version),
    installing: others(facts.installing, { model, version }),
  };
}

/** The fewest entries that say the same. */
export function entriesOf(facts: Facts): readonly JournalEntry[] {
  const models = [...facts.unloadedModels];
  return [
    // First, because it undoes what was loaded of the model.
    ...models.map((model) => ({ type: "unloaded", model, version: null }) as const),
    ...pairs(facts.unloadedVersions).map((pair) => ({ type: "unloaded", ...pair }) as const),
    ...pairs(facts.loadedVersions).map((pair) => ({ type: "loaded", ...pair }) as const),
    ...[...facts.rolledBack].flatMap(([model, versions]) =>
      [...versions].map(
        ([version, why]) => ({ type: "rolled-back", model, version, ...why }) as const,
      ),
    ),
    ...facts.installing.map((begun) => ({ type: "installing", ...begun }) as const),
  ];
}

type Sets = ReadonlyMap<string, ReadonlySet<string>>;
type Maps<T> = ReadonlyMap<string, ReadonlyMap<string, T>>;

function pairs(sets: Sets): readonly { readonly model: string; readonly version: string }[] {
  return [...sets].flatMap(([model, versions]) =>
    [...versions].map((version) => ({ model, version })),
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

function withoutPair<T>(maps: Maps<T>, model: string, version: string): Maps<T> {
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

const types = [
  "unloaded",
  "loaded",
  "deleted",
  "rolled-back",
  "forgiven",
  "installed",
  "installing",
] as const;

/** Undefined where the entry cannot be read, such as one of a newer Troupe. */
export function parseEntry(value: unknown): JournalEntry | undefined {
  return attempt(() => readEntry(fieldsOf(value)));
}

function readEntry(fields: Fields): JournalEntry {
  const type = oneOf(types, fields["type"]);
  const model = anyText(fields["model"]);
  switch (type) {
    case "unloaded":
    case "loaded":
    case "deleted":
      return { type, model, version: nullOr(anyText, fields["version"]) };
    case "rolled-back":
      return {
        type,
        model,
        version: anyText(fields["version"]),
        digest: anyText(fields["digest"]),
        reason: anyText(fields["reason"]),
        at: anyText(fields["at"]),
      };
    case "forgiven":
    case "installed":
      return { type, model, version: anyText(fields["version"]) };
    case "installing": {
      const config = nullOr(anyText, fields["config"]);
      return { type, model, version: anyText(fields["version"]), config };
    }
  }
}

/** Of any length: we wrote it ourselves. */
function anyText(value: unknown): string {
  return text(value, Number.MAX_SAFE_INTEGER);
}
