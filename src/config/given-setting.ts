import type { SettingKey } from "./setting-table.ts";

/** Where a setting's value comes from. */
export type Origin =
  | { readonly type: "flag"; readonly name: string }
  | { readonly type: "environment"; readonly name: string }
  | { readonly type: "file"; readonly file: string; readonly line: number }
  | { readonly type: "default" };

/** A value as someone wrote it, not yet looked at. */
export interface GivenSetting {
  readonly key: SettingKey;
  readonly text: string;
  readonly origin: Origin;
}

export interface Refusal {
  readonly type: "refused";
  readonly message: string;
}

export function refusal(words: string): Refusal {
  return { type: "refused", message: `Cannot start: ${words}` };
}

export function describeOrigin(origin: Origin): string {
  switch (origin.type) {
    case "flag":
      return `flag ${origin.name}`;
    case "environment":
      return `environment ${origin.name}`;
    case "file":
      return `${origin.file}:${origin.line}`;
    case "default":
      return "default";
  }
}
