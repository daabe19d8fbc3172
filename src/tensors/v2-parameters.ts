import type { Priority } from "../protocol/frames.ts";
import { hasMemory } from "../protocol/model-metadata.ts";
import type { ServedModel } from "./codec.ts";
import { type JsonObject, property } from "./json-object.ts";
import { readFlag } from "./v2-outputs.ts";
import { invalidRequest, quoted, wordFor } from "./wording.ts";

/** What the `parameters` of an Open Inference V2 body ask for. */
interface V2Parameters {
  readonly wantsBinary: boolean;
  readonly timing: {
    /** Absent where the client does not say, or says 0. */
    readonly timeoutMs?: number;
    readonly priority?: Priority;
  };
}

/** Those that name a sequence are the front door's to read; with these values, which some clients always send, they name none. */
const sequenceParameters: readonly (readonly [string, ...none: unknown[]])[] = [
  ["sequence_id", undefined, 0, ""],
  ["sequence_start", undefined, false],
  ["sequence_end", undefined, false],
];

/**
 * Reads `binary_data_output`, `timeout` (µs) and `priority`, as section "Schedule Policy" of Triton's extensions has
 * them: of priorities 1 is the highest, and 0 is the default. Others are the client's own. Throws `invalid-request`.
 */
export function readParameters(parameters: JsonObject, model: ServedModel): V2Parameters {
  const named = hasMemory(model.metadata) ? undefined : sequenceParameterIn(parameters);
  if (named !== undefined) {
    throw invalidRequest(
      `Cannot read parameter ${quoted(named)}: model ${quoted(model.name)} keeps no state between requests`,
    );
  }
  for (const name of Object.keys(parameters)) {
    if (name.startsWith("triton_")) {
      throw invalidRequest(
        `Cannot read parameter ${quoted(name)}: parameter keys starting with 'triton_' are reserved`,
      );
    }
    checkParameter(name, parameters[name]);
  }
  const timeoutUs = readCount("timeout", parameters);
  const level = readCount("priority", parameters);
  return {
    wantsBinary: readFlag("'parameters'", parameters, "binary_data_output") ?? false,
    timing: {
      ...(timeoutUs === 0 ? {} : { timeoutMs: timeoutUs / 1_000 }),
      ...(level === 0 ? {} : { priority: level === 1 ? "normal" : "low" }),
    },
  };
}

function sequenceParameterIn(parameters: JsonObject): string | undefined {
  const isNamed = ([name, ...none]: readonly [string, ...unknown[]]) =>
    !none.includes(property(parameters, name));
  return sequenceParameters.find(isNamed)?.[0];
}

function checkParameter(name: string, value: unknown): void {
  if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return;
  throw invalidRequest(
    `Cannot read parameter ${quoted(name)}: expected a string, a number, true or false, got ${wordFor(value)}`,
  );
}

/** 0 where it is absent. */
function readCount(name: string, parameters: JsonObject): number {
  const value = property(parameters, name) ?? 0;
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalidRequest(
    `Cannot read parameter ${quoted(name)}: expected an integer of at least 0, got ${wordFor(value)}`,
  );
}
