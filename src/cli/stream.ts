/* `troupe stream`: what comes in goes to the model piece by piece, and each answer is a line. */
import type { StreamAnswer, StreamRequest } from "../client/stream-frames.ts";
import type { StreamSession } from "../client/stream-session.ts";
import { plain } from "../platform/pretty-line.ts";
import { type Command, modelWord, textOption, versionOption } from "./command.ts";
import { type ExitCode, exitCode, exitCodeOf, UsageError } from "./exit-codes.ts";
import { readNamed } from "./given-value.ts";
import { clientOf, type Shell } from "./shell.ts";
import { linesOf } from "./text-lines.ts";
import { readWav } from "./wav.ts";

export const streamCommand: Command = {
  name: "stream",
  help: "ask a model again and again over one WebSocket",
  words: [
    modelWord,
    {
      name: "[file]",
      help: "a WAV file, or lines of JSON: a row, a request, or samples of a signal; else stdin",
      completes: "files",
    },
  ],
  options: [versionOption],
  asksServer: true,
  run: async (shell, invocation) => {
    const { words, options } = invocation;
    const [name = "", file = ""] = words;
    const model = clientOf(shell, options).model(name, textOption(invocation, "version"));
    const { parameters } = await model.metadata({ signal: shell.signal });
    const isSignal = (parameters?.sequence?.stream ?? null) !== null;
    const source = await sourceOf(file, isSignal, shell);
    const session = model.stream({ signal: shell.signal });
    const asJson = options.json === true;
    const printing = printAll(session, shell, asJson);
    const [, worst] = await Promise.all([sendAll(session, source, printing), printing]);
    return worst;
  },
};

type Source = AsyncIterable<StreamRequest> | Iterable<StreamRequest>;

/** Throws UsageError. */
async function sourceOf(file: string, isSignal: boolean, shell: Shell): Promise<Source> {
  if (file === "" || file === "-") return requestsIn(shell.input, isSignal);
  const bytes = await readNamed(file);
  if (!file.toLowerCase().endsWith(".wav")) return requestsIn(onlyOne(bytes), isSignal);
  const wav = readWav(bytes);
  if (typeof wav === "string") throw new UsageError(`cannot read ${file}: ${wav}`);
  if (!isSignal) throw new UsageError("a WAV file is for models whose model.yaml has a stream");
  shell.err.write(`troupe: ${plain(file)} has ${wav.samples.length} samples at ${wav.rate} Hz\n`);
  return pieces(wav.samples, Math.max(1, Math.floor(wav.rate / piecesInASecond)));
}

async function* onlyOne(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const piecesInASecond = 10;

function* pieces(samples: Float32Array, length: number): Generator<StreamRequest> {
  for (let at = 0; at < samples.length; at += length) {
    yield { samples: samples.subarray(at, at + length) };
  }
}

/** Throws UsageError, naming the line. */
async function* requestsIn(
  input: AsyncIterable<Uint8Array>,
  isSignal: boolean,
): AsyncGenerator<StreamRequest> {
  let number = 0;
  for await (const line of linesOf(input)) {
    number += 1;
    if (line.trim() !== "") yield requestOf(line, isSignal, number);
  }
}

export function requestOf(line: string, isSignal: boolean, number: number): StreamRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === "number") value = [value];
  if (Array.isArray(value)) return isSignal ? { samples: value } : { features: value };
  if (typeof value === "object" && value !== null) return value;
  throw new UsageError(`line ${number} must be a list or an object in JSON`);
}

/** What stands before a line that cannot be read is still answered. */
async function sendAll(
  session: StreamSession,
  source: Source,
  printing: Promise<unknown>,
): Promise<void> {
  try {
    for await (const request of source) await session.send(request);
    await session.finish();
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      await session.finish();
      await printing;
    } else session.close();
    throw thrown;
  }
}

async function printAll(session: StreamSession, shell: Shell, asJson: boolean): Promise<ExitCode> {
  let worst: ExitCode = exitCode.done;
  for await (const answer of session) {
    if (answer.type === "failed") worst = exitCodeOf(answer.error);
    if (answer.type === "ended" && answer.reason === "end") continue;
    shell.out.write(asJson ? `${jsonLine(answer)}\n` : answerLine(answer));
  }
  return worst;
}

function jsonLine(answer: StreamAnswer): string {
  if (answer.type !== "failed") return JSON.stringify(answer);
  const { message: error, code, requestId, retryAfterMs } = answer.error;
  const fields = { error, code, request_id: requestId, retry_after_ms: retryAfterMs };
  return JSON.stringify({ type: "failed", id: answer.id, ...fields });
}

/** Where chunks came before, the end of an answer says nothing new. */
function answerLine(answer: StreamAnswer): string {
  switch (answer.type) {
    case "failed":
      return `${answer.id}  failed  ${plain(answer.error.message)} (${answer.error.code})\n`;
    case "ended":
      return `the sequence has ended: ${plain(answer.reason)}\n`;
    case "chunk":
      return `${answer.position ?? answer.first_row ?? answer.id}  ${shown(answer)}\n`;
    case "done":
      return answer.predictions === undefined ? "" : `${answer.id}  ${shown(answer)}\n`;
  }
}

function shown({ labels, predictions }: Extract<StreamAnswer, { type: "chunk" | "done" }>): string {
  const names = labels?.map(({ label, score }) => `${plain(label)} ${score.toFixed(4)}`);
  return names?.join(", ") ?? JSON.stringify(predictions);
}
