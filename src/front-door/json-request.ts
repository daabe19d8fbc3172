/* Small JSON objects as bodies of the plain routes: they are read whole, within a limit, and never on the hot road. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { TroupeError } from "../protocol/errors.ts";
import { maxConfigBytes } from "../protocol/questions.ts";
import { declaredLength, readText } from "./request-body.ts";

type Json = Readonly<Record<string, unknown>>;
type RawRequest = Pick<FastifyRequest, "raw">;

/** The text of a JSON object. Throws `invalid-request` for anything else. */
export async function readObject(request: RawRequest, reply: FastifyReply): Promise<string> {
  const text = await readSmall(request, reply);
  objectIn(text);
  return text;
}

/** No body is an empty object, as the clients of Open Inference V2 send it. */
export async function readFields(request: RawRequest, reply: FastifyReply): Promise<Json> {
  return parseFields(await readSmall(request, reply));
}

/** As `readFields`, of a body that is read. */
export function parseFields(text: string): Json {
  return text.trim() === "" ? {} : objectIn(text);
}

/** Throws `unsupported-media-type`. */
export function checkJsonType({ raw }: RawRequest): void {
  const type = raw.headers["content-type"];
  if (type === undefined || /json|x-www-form-urlencoded/i.test(type)) return;
  const words = `content-type must be application/json, got '${type}'`;
  throw new TroupeError("unsupported-media-type", words);
}

async function readSmall({ raw }: RawRequest, reply: FastifyReply): Promise<string> {
  checkJsonType({ raw });
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
  throw new TroupeError("invalid-request", "body must be a JSON object");
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
