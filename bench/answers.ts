// Decides whether contestants do the same work: what answers differently is not compared.
import type { Answer, Contestant } from "./contestant.ts";
import { checkSmoothing } from "./smoothing.ts";
import { contestantsOf, moreFlowers, smoother, tiny, type Work } from "./work.ts";

type Body = Work["body"];

const tolerance = 1e-6;
/** What a server makes up for each request. */
const idKeys = ["request_id", "id"];

/** Where two answers differ, or undefined. The request's id may, and numbers within the tolerance. */
export function findDifference(left: unknown, right: unknown, path = "answer"): string | undefined {
  if (isRecord(left) && isRecord(right)) return findDifferentKey(left, right, path);
  return isSame(left, right)
    ? undefined
    : `${path}: ${JSON.stringify(left)} and ${JSON.stringify(right)}`;
}

function isSame(left: unknown, right: unknown): boolean {
  const numbers = typeof left === "number" && typeof right === "number";
  return numbers ? Math.abs(left - right) <= tolerance : left === right;
}

function findDifferentKey(
  left: Record<string, unknown>,
  right: Record<string, unknown>,
  path: string,
): string | undefined {
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of idKeys) keys.delete(key);
  for (const key of keys) {
    const difference = findDifference(left[key], right[key], `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

async function askFor200(contestant: Contestant, work: Work, body: Body): Promise<Answer> {
  const answer = await contestant.ask(work.path, body, work.headers);
  if (answer.status === 200) return answer;
  throw new Error(
    `Cannot compare ${contestant.name}: it answers ${work.name} with ${answer.status}: ${answer.text}`,
  );
}

async function compareBody(
  contestants: readonly Contestant[],
  work: Work,
  body: Body,
): Promise<void> {
  const answers = await Promise.all(contestants.map((one) => askFor200(one, work, body)));
  // Echo has no model: it says the same to every question.
  const models = answers.filter((_, place) => contestants[place]?.name !== "echo");
  const [first, ...others] = models.map(({ text }): unknown => JSON.parse(text));
  for (const other of others) {
    const difference = findDifference(first, other);
    if (difference !== undefined)
      throw new Error(`Cannot compare in ${work.name}: answers differ in ${difference}`);
  }
}

async function compareAnswers(contestants: readonly Contestant[], work: Work): Promise<void> {
  const more = work.path === tiny.path ? moreFlowers : [];
  for (const body of [work.body, ...more]) await compareBody(contestants, work, body);
}

/** The flower must be told over a socket as it is over HTTP. */
async function compareFrame(contestant: Contestant, work: Work): Promise<void> {
  const [frame = "{}"] = await contestant.converse(work.path, [String(work.body)]);
  const { text } = await contestant.ask(tiny.path, tiny.body);
  const [left, right] = [JSON.parse(frame).predictions, JSON.parse(text).predictions];
  const difference = findDifference(left, right);
  if (difference !== undefined)
    throw new Error(`Cannot compare in ${work.name}: over a socket it differs in ${difference}`);
}

async function checkWork(contestants: readonly Contestant[], work: Work): Promise<void> {
  if (work.transport === "http") return compareAnswers(contestants, work);
  for (const contestant of contestants) {
    if (work.path === smoother.path) await checkSmoothing(contestant);
    else await compareFrame(contestant, work);
  }
}

/** Throws where a contestant does not answer what the works ask, or not as the others do, or not as the formula does. */
export async function checkAnswers(
  works: readonly Work[],
  contestants: readonly Contestant[],
): Promise<void> {
  for (const work of works) await checkWork(contestantsOf(work, contestants), work);
}
