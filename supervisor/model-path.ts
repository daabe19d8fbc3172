/* Where a model lies in the models folder: never outside of it, and never behind a link. */
import { join } from "node:path";
import { TroupeError } from "../src/protocol/errors.ts";
import { isName, nameRule } from "../src/protocol/model-name.ts";
import { noSuchModel } from "../src/protocol/model-refusals.ts";
import { kindOf } from "./storage.ts";

/** Throws `invalid-request` for what is no name. */
export function modelPath(modelsFolder: string, model: string): string {
  return join(modelsFolder, checkName(model));
}

export function checkName(name: string): string {
  if (isName(name)) return name;
  throw new TroupeError("invalid-request", `Cannot store: a name must be ${nameRule}`);
}

/** Throws TroupeError where it is no folder. */
export async function checkFolder(model: string, path: string): Promise<void> {
  const kind = await kindOf(path);
  if (kind === "folder") return;
  if (kind === "none") throw noSuchModel(model);
  const words = kind === "link" ? "is a symbolic link" : "is not a folder";
  throw new TroupeError("conflict", `model '${model}' ${words}`);
}
