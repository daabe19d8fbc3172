import { readSettings, type SettingsVerdict } from "./settings.ts";

export const serveWord = "serve";

/** The settings that this process was started with: its flags, its environment, the file in its folder. */
export function readProcessSettings(cores: number): SettingsVerdict {
  return readSettings(flagsOf(process.argv.slice(2)), process.env, process.cwd(), cores);
}

/** `troupe --port 1` and `troupe serve --port 1` are the same. */
export function flagsOf([first, ...others]: readonly string[]): readonly string[] {
  if (first === undefined || first === serveWord) return others;
  return [first, ...others];
}
