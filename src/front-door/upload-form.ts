/* What an upload says of itself: which fields it has, and which of its files is the model. */
import { TroupeError } from "../protocol/errors.ts";
import type { UploadedFile } from "../protocol/questions.ts";
import { checkName, checkVersion } from "./plain-name.ts";

/** Beside the models, of which one may be called `upload` too. */
export const uploadUrl = "/models/upload";
export const uploadUrls: readonly string[] = ["/models", uploadUrl];

export const fileFields: readonly string[] = ["file", "model"];
const knownFields = ["file", "model", "id", "name", "version", "config"] as const;
const modelFile = "model.onnx";

/** Fields of the form and parameters of the query, as they come, each at most once. */
export class UploadForm {
  /** The model's name, where it is said for sure: `name` gives way to an `id` that comes later. */
  id: string | null = null;
  #name: string | null = null;
  version: string | null = null;
  config: string | null = null;

  /** Throws `invalid-request`, naming the field. */
  set(field: string, value: string): void {
    switch (field) {
      case "id":
        if (this.id !== null) throw invalid("id was given twice");
        this.id = checkName(field, value);
        return;
      case "name":
        if (this.#name !== null) throw invalid("name was given twice");
        this.#name = value;
        return;
      case "version":
        if (this.version !== null) throw invalid("version was given twice");
        this.version = checkVersion(field, value);
        return;
      case "config":
        if (this.config !== null) throw invalid("config was given twice");
        this.config = value;
        return;
      default:
        throw refusal(field, value);
    }
  }

  /** Throws `invalid-request` where it was never said. */
  get named(): string {
    if (this.id !== null) return this.id;
    // Beside an id it is a title, as Model-Nexus has it, which may be any text.
    if (this.#name !== null) return checkName("name", this.#name);
    throw invalid("id must name the model, as a field of the form or in the query");
  }
}

function refusal(field: string, value: string): TroupeError {
  if (fileFields.includes(field)) {
    const name = /^[\w.-]{1,64}$/.test(value) ? value : modelFile;
    return invalid(`${field} came as a text; send a file: -F ${field}=@${name}`);
  }
  return invalid(`unknown field '${field}'; known are ${knownFields.join(", ")}`);
}

/** Throws `invalid-request` where the name could lead elsewhere. */
export function checkFileName(name: string): void {
  if (/[/\\\0]/.test(name)) throw invalid(`the name of a file must be no path, got '${name}'`);
}

/** The files by the names under which they are stored. Throws `invalid-request`. */
export function settleFiles(files: readonly UploadedFile[]): readonly UploadedFile[] {
  const [only] = files;
  if (files.length === 1 && only !== undefined) return [{ ...only, name: modelFile }];
  const came = files.map(({ name }) => `'${name}'`).join(", ") || "none";
  const models = files.filter(({ name }) => name.endsWith(".onnx"));
  if (models.length !== 1) {
    throw invalid(`exactly one file must end in .onnx, got ${came}`);
  }
  if (new Set(files.map(({ name }) => name)).size < files.length) {
    throw invalid(`files must have different names, got ${came}`);
  }
  for (const file of files) checkStoredName(file.name, file === models[0]);
  return files;
}

function checkStoredName(name: string, isModel: boolean): void {
  checkName("the name of a file", name);
  if (!isModel && /\.(ya?ml|onnx)$/i.test(name)) {
    throw invalid(`a file beside the model must not end in .yaml, .yml or .onnx, got '${name}'`);
  }
}

function invalid(words: string): TroupeError {
  return new TroupeError("invalid-request", words);
}
