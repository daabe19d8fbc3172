// Decides whether a socket is a sequence: what is answered without its past is not counted.
import { memory, type Smoothed, smooth } from "../models/smoother/make.ts";
import type { Contestant } from "./contestant.ts";
import { signalFrame, smoother } from "./work.ts";

/** The model computes in single precision, which knows seven digits; sums of many values lose two. */
const tolerance = 5e-5;

const nothingSeen: Smoothed = { mean: 0, variance: 0, count: 0 };

/** Sent before anything is measured: a wave that is longer than the model's memory, with a spike. */
const signal = Array.from({ length: 2 * memory }, (_, at) => Math.sin(at) + (at === 70 ? 5 : 0));

/** The z-score of each value, as the formula has it. */
export function scoresOf(values: readonly number[]): readonly number[] {
  let seen = nothingSeen;
  return values.map((value) => {
    const step = smooth(seen, value);
    seen = step;
    return step.z;
  });
}

/** NaN where the answer is none. */
function parseScore(answer: string): number {
  const { type, predictions } = JSON.parse(answer);
  return type === "done" ? Number(predictions?.[0]?.[0]) : Number.NaN;
}

function isClose(score: number, expected: number): boolean {
  return Math.abs(score - expected) <= tolerance * Math.max(1, Math.abs(expected));
}

/** The first answer that does not have the score that the formula gives its value, or undefined. */
export function findWrongAnswer(
  values: readonly number[],
  answers: readonly string[],
): string | undefined {
  const scores = scoresOf(values);
  const place = answers.findIndex((answer, at) => {
    return !isClose(parseScore(answer), scores[at] ?? Number.NaN);
  });
  return place === -1 ? undefined : `value ${place}, of score ${scores[place]}: ${answers[place]}`;
}

/** Throws where one does not smooth a signal as the formula does. */
export async function checkSmoothing(contestant: Contestant): Promise<void> {
  const frames = signal.map((value, at) => signalFrame(at, value));
  const answers = await contestant.converse(smoother.path, frames);
  const wrong = findWrongAnswer(signal, answers);
  if (wrong === undefined) return;
  throw new Error(`Cannot measure ${contestant.name}: it answers wrongly to ${wrong}`);
}
