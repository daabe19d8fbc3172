// Decides whether contestants do the same work: what answers differently is not compared.
import type { Answer, Contestant } from "./contestant.ts";
import type { Transport } from "./driver/message.ts";
import { checkSmoothing } from "./smoothing.ts";
import { probes, type Work } from "./work.ts";

const tolerance = 1e-6;

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
  keys.delete("request_id");
  for (const key of keys) {
    const difference = findDifference(left[key], right[key], `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

async function askFor200(contestant: Contestant, body: string): Promise<Answer> {
  const answer = await contestant.ask(probes.path, body);
  if (answer.status === 200) return answer;
  throw new Error(
    `Cannot compare ${contestant.name}: it answers ${body} with ${answer.status}: ${answer.text}`,
  );
}

async function compareProbe(contestants: readonly Contestant[], body: string): Promise<void> {
  const answers = await Promise.all(contestants.map((one) => askFor200(one, body)));
  // Echo has no model: it says the same to every question.
  const models = answers.filter((_, place) => contestants[place]?.name !== "echo");
  const [first, ...others] = models.map(({ text }): unknown => JSON.parse(text));
  for (const other of others) {
    const difference = findDifference(first, other);
    if (difference !== undefined)
      throw new Error(`Cannot compare: answers differ in ${difference}`);
  }
}

async function compareAnswers(contestants: readonly Contestant[]): Promise<void> {
  for (const body of probes.bodies) await compareProbe(contestants, body);
}

/** Throws where a contestant does not answer what the works ask, or not as the others do, or not as the formula does. */
export async function checkAnswers(
  works: readonly Work[],
  contestants: readonly Contestant[],
): Promise<void> {
  const isAsked = (transport: Transport) => works.some((work) => work.transport === transport);
  if (isAsked("http")) await compareAnswers(contestants);
  if (isAsked("websocket")) await checkSmoothing(contestants);
}
