import type { WantedVersions } from "../protocol/model-settings.ts";

export type Selection =
  | { readonly type: "selected"; readonly names: readonly string[] }
  | { readonly type: "problem"; readonly problem: string };

/** Which of the names, sorted oldest first, are to be loaded; the order is kept. */
export function selectVersions(names: readonly string[], wanted: WantedVersions): Selection {
  switch (wanted.type) {
    case "all":
      return { type: "selected", names };
    case "latest":
      return { type: "selected", names: names.slice(-wanted.count) };
    case "listed":
      return selectListed(names, wanted.names);
  }
}

function selectListed(names: readonly string[], listed: readonly string[]): Selection {
  const missing = listed.filter((name) => !names.includes(name));
  if (missing.length === 0) {
    return { type: "selected", names: names.filter((name) => listed.includes(name)) };
  }
  const words = `versions in model.yaml lists ${missing.join(", ")}, which the folder does not hold`;
  return { type: "problem", problem: `${words}; it holds ${names.join(", ")}` };
}
