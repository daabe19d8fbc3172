import type { ModelConfig } from "../protocol/model-settings.ts";

export type Selection =
  | { readonly type: "selected"; readonly names: readonly string[] }
  | { readonly type: "problem"; readonly problem: string };

type Choice = Pick<ModelConfig, "versions" | "defaultVersion" | "triton">;

/**
 * Which of the names, sorted oldest first, are to be loaded; the order is kept. The default version is one of them,
 * whether `versions` selects it or not. `coming` is one of the names that is still to be put there.
 */
export function selectVersions(
  names: readonly string[],
  choice: Choice,
  coming?: string,
): Selection {
  const { defaultVersion } = choice;
  const missing = missingVersions(names, choice);
  const isRefused = choice.triton === undefined || pick(names, choice).length === 0;
  if (missing.length > 0 && isRefused) {
    return absent(`${listKey(choice)} lists ${missing.join(", ")}`, names, coming);
  }
  if (defaultVersion !== null && !names.includes(defaultVersion)) {
    return absent(`default_version names ${defaultVersion}`, names, coming);
  }
  return { type: "selected", names: pick(names, choice) };
}

/** Those that are listed and not there; under Triton the others are served. */
export function missingVersions(
  names: readonly string[],
  { versions }: Pick<Choice, "versions">,
): readonly string[] {
  return versions.type === "listed" ? versions.names.filter((name) => !names.includes(name)) : [];
}

/** The key that `versions` is from, with its file. */
export function versionsKey({ triton }: Pick<ModelConfig, "triton">): string {
  return triton === undefined ? "versions in model.yaml" : "version_policy in config.pbtxt";
}

/** Where what it says may have come in a request. */
function listKey(choice: Choice): string {
  return choice.triton === undefined ? "versions" : versionsKey(choice);
}

function absent(words: string, names: readonly string[], coming: string | undefined): Selection {
  const held = names.filter((name) => name !== coming).join(", ") || "none";
  const added = coming === undefined ? "" : `, and gets ${coming}`;
  const problem = `${words}, which the folder does not hold; it holds ${held}${added}`;
  return { type: "problem", problem };
}

function pick(names: readonly string[], { versions, defaultVersion }: Choice): readonly string[] {
  const picked = pickBy(names, versions);
  return names.filter((name) => name === defaultVersion || picked.includes(name));
}

function pickBy(names: readonly string[], wanted: Choice["versions"]): readonly string[] {
  switch (wanted.type) {
    case "all":
      return names;
    case "latest":
      return names.slice(-wanted.count);
    case "listed":
      return wanted.names;
  }
}

/**
 * Those of a model's versions that are to be loaded while some are excluded, such as one that was rolled back: where
 * the newest n are wanted, older ones take the places of the excluded. Nothing is refused.
 */
export function wantedOf<Version extends { readonly version: string }>(
  model: { readonly config: Choice; readonly versions: readonly Version[] },
  excluded: ReadonlySet<string>,
): readonly Version[] {
  const left = model.versions.filter(({ version }) => !excluded.has(version));
  const names = pick(
    left.map(({ version }) => version),
    model.config,
  );
  return left.filter(({ version }) => names.includes(version));
}
