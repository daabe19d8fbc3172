import { readSettings, type SettingsVerdict } from "./settings.ts";

/** The settings that this process was started with: its flags, its environment, the file in its folder. */
export function readProcessSettings(cores: number): SettingsVerdict {
  return readSettings(process.argv.slice(2), process.env, process.cwd(), cores);
}
