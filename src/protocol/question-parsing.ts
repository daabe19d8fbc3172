/* What a front door asks, made typed. */
import { logLevels } from "./control.ts";
import {
  count,
  type Fields,
  fieldsOf,
  flag,
  list,
  nullOr,
  oneOf,
  text,
  Unreadable,
} from "./field-parsing.ts";
import {
  type ModelChange,
  maxConfigBytes,
  maxUploadFiles,
  type Question,
  type UploadedFile,
} from "./questions.ts";
import { type TraceChange, traceLevels } from "./traces.ts";

const changes = ["load", "unload", "restart", "delete"] as const;

/** Throws Unreadable. */
export function question(value: unknown): Question {
  const fields = fieldsOf(value);
  const type = text(fields["type"]);
  switch (type) {
    case "tree":
    case "metrics":
    case "models":
      return { type };
    case "open-upload":
      return { type, requestId: text(fields["requestId"]) };
    case "model":
    case "config":
      return { type, model: text(fields["model"]) };
    case "version":
      return { type, model: text(fields["model"]), version: text(fields["version"]) };
    case "logs":
      return { type, model: text(fields["model"]), clear: flag(fields["clear"]) };
    case "statistics":
      return {
        type,
        model: nullOr(text, fields["model"]),
        version: nullOr(text, fields["version"]),
      };
    case "log-level":
      return { type, level: nullOr((level) => oneOf(logLevels, level), fields["level"]) };
    case "trace-setting": {
      const of = nullOr(text, fields["model"]);
      return { type, model: of, change: traceChange(fieldsOf(fields["change"])) };
    }
    case "traces":
      return { type, model: nullOr(text, fields["model"]) };
    case "name-upload":
      return { type, uploadId: text(fields["uploadId"]), ...target(fields) };
    case "change":
      return {
        type,
        change: change(fieldsOf(fields["change"])),
        requestId: text(fields["requestId"]),
      };
    default:
      throw new Unreadable();
  }
}

function target(fields: Fields): { readonly model: string; readonly version: string | null } {
  return { model: text(fields["model"]), version: nullOr(text, fields["version"]) };
}

function change(fields: Fields): ModelChange {
  switch (fields["type"]) {
    case "upload":
      return {
        type: "upload",
        uploadId: text(fields["uploadId"]),
        ...target(fields),
        config: nullOr(document, fields["config"]),
        ...(fields["dialect"] === undefined
          ? {}
          : { dialect: oneOf(["triton"], fields["dialect"]) }),
        files: list(fields["files"], maxUploadFiles).map(uploadedFile),
      };
    case "patch":
      return { type: "patch", model: text(fields["model"]), patch: document(fields["patch"]) };
    case "configure":
      return {
        type: "configure",
        model: text(fields["model"]),
        config: document(fields["config"]),
      };
    default:
      return { type: oneOf(changes, fields["type"]), ...target(fields) };
  }
}

function uploadedFile(value: unknown): UploadedFile {
  const fields = fieldsOf(value);
  const digest = text(fields["digest"]);
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new Unreadable();
  const bytes = count(fields["bytes"]);
  return { name: text(fields["name"]), path: text(fields["path"]), bytes, digest };
}

function traceChange(fields: Fields): TraceChange {
  const readers = {
    level: (value: unknown) => oneOf(traceLevels, value),
    rate: count,
    count: (value: unknown) => nullOr(count, value),
    logFrequency: count,
    file: (value: unknown) => text(value),
  };
  const given = Object.entries(readers).filter(([name]) => fields[name] !== undefined);
  return Object.fromEntries(
    given.map(([name, read]) => {
      const value = fields[name];
      return [name, value === false ? value : read(value)];
    }),
  );
}

function document(value: unknown): string {
  return text(value, maxConfigBytes);
}
