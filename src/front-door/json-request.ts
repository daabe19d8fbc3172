/* Small JSON objects as bodies of the plain routes: they are read whole, within a limit, and never on the hot road. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { TroupeError } from "../protocol/errors.ts";
import { maxConfigBytes } from "../protocol/questions.ts";
import { declaredLength, readText } from "./request-body.ts";

const shownLength = 40;

type Json = Readonly<Record<string, unknown>>;
type RawRequest = Pick<FastifyRequest, "raw">;

/** The text of a JSON object. Throws `invalid-request` for anything else. */
export async function readObject(request: RawRequest, reply: FastifyReply): Promise<string> {
  checkType(request, /json/i);
  const text = await readSmall(request, reply);
  objectIn(text);
  return text;
}

/** No body is an empty object, as the clients of Open Inference V2 send it. */
export async function readFields(request: RawRequest, reply: FastifyReply): Promise<Json> {
  checkFieldsType(request);
  return parseFields(await readSmall(request, reply));
}

/** As `readFields`, of a body that is read. */
export function parseFields(text: string): Json {
  return text.trim() === "" ? {} : objectIn(text);
}

/** As curl has it where it is told nothing, or JSON. Throws `unsupported-media-type`. */
export function checkFieldsType(request: RawRequest): void {
  checkType(request, /json|x-www-form-urlencoded/i);
}

function checkType({ raw }: RawRequest, expected: RegExp): void {
  const type = raw.headers["content-type"];
  if (type === undefined || expected.test(type)) return;
  const words = `content-type must be application/json, got '${type}'`;
  const hint = /x-www-form-urlencoded/i.test(type)
    ? `; curl: -H 'content-type: application/json'`
    : "";
  throw new TroupeError("unsupported-media-type", words + hint);
}

async function readSmall({ raw }: RawRequest, reply: FastifyReply): Promise<string> {
  declaredLength(raw, maxConfigBytes);
  inviteBody({ raw }, reply);
  return readText(raw, maxConfigBytes);
}

/** The caller may be waiting with its body for this. */
export function inviteBody({ raw }: RawRequest, reply: FastifyReply): void {
  if (raw.headers.expect !== undefined) reply.raw.writeContinue();
}

function objectIn(text: string): Json {
  const value = parsed(text);
  if (isObject(value)) return value;
  throw invalid(
    `got ${Array.isArray(value) ? "a list" : `'${text.trim().slice(0, shownLength)}'`}`,
  );
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  if (text.trim() === "") throw invalid("got nothing");
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalid(`got what is not JSON: ${faultIn(text, thrown)}`);
  }
}

/** V8 says where it stands, and that in words of its own. */
function faultIn(text: string, thrown: unknown): string {
  const [, found] = /position (\d+)/.exec(String(thrown)) ?? [];
  const at = found === undefined ? text.length : Number(found);
  if (at >= text.trimEnd().length) return "it ends too early";
  return `it is malformed at character ${at + 1}`;
}

function invalid(came: string): TroupeError {
  return new TroupeError("invalid-request", `body must be a JSON object, ${came}`);
}
