/* The files of an upload become a version's folder, from where it can be tried. */
import { mkdir, rename } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { usualName } from "../src/config/model-layout.ts";
import type { NamedFile } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { UploadedFile } from "../src/protocol/questions.ts";
import { kindOf, syncFile, syncFolder } from "./storage.ts";

/** As it lies in the upload's folder, until it is installed. */
export interface StagedVersion {
  readonly file: string;
  readonly beside: readonly NamedFile[];
}

interface Move {
  readonly from: string;
  readonly to: string;
}

/** Makes the folder `version` in that of the upload. Throws `invalid-request` for files that are none of a model. */
export async function stageVersion(
  upload: string,
  version: string,
  files: readonly UploadedFile[],
): Promise<StagedVersion> {
  const moves = judgeFiles(files);
  await mkdir(version);
  for (const { from, to } of moves) await moveFile(upload, from, join(version, to));
  await syncFolder(version);
  return stagedVersion(version, moves);
}

/** Exactly one .onnx file, which becomes model.onnx; the others keep their names, by which the model knows them. */
function judgeFiles(files: readonly UploadedFile[]): readonly Move[] {
  const models = files.filter(({ name }) => name.endsWith(".onnx"));
  if (models.length !== 1) {
    const words = `Cannot store: an upload must have exactly one .onnx file, got ${models.length}`;
    throw new TroupeError("invalid-request", words);
  }
  return files.map(({ name, path }) => ({
    from: path,
    to: name.endsWith(".onnx") ? usualName : checkFileName(name),
  }));
}

function stagedVersion(folder: string, moves: readonly Move[]): StagedVersion {
  const names = moves.map(({ to }) => to).filter((name) => name !== usualName);
  const beside = names.map((name) => ({ name, file: join(folder, name) }));
  return { file: join(folder, usualName), beside };
}

/** Longer than a model's name may be, and with any letters. */
function checkFileName(name: string): string {
  if (/^(?!\.)[^/\\\0]{1,255}$/.test(name)) return name;
  throw new TroupeError("invalid-request", "Cannot store: a file's name must be plain");
}

async function moveFile(upload: string, from: string, to: string): Promise<void> {
  if (dirname(resolve(from)) !== upload || (await kindOf(from)) !== "file") {
    throw new TroupeError(
      "invalid-request",
      "Cannot store: a file of the upload is not in its folder",
    );
  }
  if ((await kindOf(to)) !== "none") {
    throw new TroupeError("invalid-request", "Cannot store: two files of the upload have one name");
  }
  await syncFile(from);
  await rename(from, to);
}
