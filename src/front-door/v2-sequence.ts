/* The sequence that the `parameters` of an Open Inference V2 body name, read without parsing its tensors. */
import { TroupeError } from "../protocol/errors.ts";
import { type Envelope, EnvelopeLimitError, readEnvelope } from "./envelope.ts";

export interface V2Sequence {
  /** Tells the number 7 from the text "7", as the protocol does. */
  readonly key: string;
  readonly start: boolean;
  readonly end: boolean;
}

/** Throws `invalid-request` where the body of another route names a sequence, which it would not get. */
export function refuseSequence(body: Buffer): void {
  const envelope = envelopeOf(body);
  const named = Object.keys(parametersIn(envelope)).some((name) => name.startsWith("sequence_"));
  if (!named && !envelope.has("sequence")) return;
  throw new TroupeError(
    "invalid-request",
    "sequences over HTTP are those of POST /v2/models/{model}/infer, this route has none",
  );
}

type Parameters = Readonly<Record<string, unknown>>;

const longestId = 128;
const wantedId = `a whole number from 1 to 2^53 - 1, or a text of 1 to ${longestId} printable ASCII characters without spaces,`;

/**
 * Undefined where the body names none: no `sequence_id`, or 0, or an empty text. Throws `invalid-request` for values of
 * another kind. What is wrong with the body as a whole is the host's to say.
 */
export function readV2Sequence(body: Buffer): V2Sequence | undefined {
  const parameters = parametersIn(envelopeOf(body));
  const start = flagOf(parameters, "sequence_start");
  const end = flagOf(parameters, "sequence_end");
  const key = keyOf(parameters["sequence_id"]);
  if (key !== undefined) return { key, start, end };
  if (!start && !end) return undefined;
  const got = JSON.stringify(parameters["sequence_id"]) ?? "nothing";
  throw refused("sequence_id", `${wantedId} beside sequence_start and sequence_end`, got);
}

/** Empty where the body is malformed. */
function envelopeOf(body: Buffer): Envelope {
  try {
    return readEnvelope(body, "parameters");
  } catch (thrown) {
    if (thrown instanceof EnvelopeLimitError) throw thrown;
    return new Map();
  }
}

function parametersIn(envelope: Envelope): Parameters {
  const parameters = envelope.get("parameters");
  return typeof parameters === "object" && parameters !== null ? (parameters as Parameters) : {};
}

function flagOf(parameters: Parameters, name: string): boolean {
  const value = parameters[name] ?? false;
  if (typeof value === "boolean") return value;
  throw refused(name, "true or false", JSON.stringify(value));
}

function keyOf(id: unknown): string | undefined {
  if (id === undefined || id === 0 || id === "") return undefined;
  if (typeof id === "number" && Number.isSafeInteger(id) && id > 0) return `#${id}`;
  if (typeof id === "string" && id.length <= longestId && /^[\x21-\x7e]+$/.test(id))
    return `=${id}`;
  throw refused("sequence_id", wantedId.slice(0, -1), JSON.stringify(id).slice(0, longestId));
}

function refused(name: string, expected: string, got: string): TroupeError {
  return new TroupeError("invalid-request", `parameter '${name}' must be ${expected}, got ${got}`);
}
