// ModelInfer, and ModelStreamInfer on streams of many messages.
import { Client, type ClientDuplexStream, credentials, status } from "@grpc/grpc-js";
import type { Random } from "../../models/random.ts";
import { loadProto } from "../../src/front-door/grpc/proto-files.ts";
import { misstate } from "./misstatement.ts";
import { mutate, pick } from "./mutation.ts";
import { grpcMessages, sounds } from "./sound.ts";
import { inLanes, isOwnWord, pickWay, type Surface, type Tally, type Victim } from "./surface.ts";

const lanes = 16;
const messagesOfStream = 40;
const service = "/inference.GRPCInferenceService";
const streamType = loadProto("inference.proto").lookupType("inference.ModelStreamInferResponse");

const messages = sounds.flatMap(grpcMessages);

const clientStatuses: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.RESOURCE_EXHAUSTED,
]);

interface Outcome {
  readonly code: status;
  readonly details: string;
  readonly message: Buffer;
}

const asItIs = (bytes: Buffer): Buffer => bytes;

export class GrpcSurface implements Surface {
  readonly name = "gRPC";
  readonly #client: Client;

  constructor({ grpcPort }: Victim) {
    const options = { "grpc.use_local_subchannel_pool": 1 };
    this.#client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure(), options);
  }

  /** Half of them alone, half on streams. */
  async attack(random: Random, mutants: number, tally: Tally): Promise<void> {
    const streamed = Math.floor(mutants / 2);
    await inLanes(lanes, mutants - streamed, async () => {
      const bytes = mutant(random);
      judge(await this.#infer(bytes), bytes, tally);
    });
    for (let left = streamed; left > 0; left -= messagesOfStream) {
      const count = Math.min(left, messagesOfStream);
      const sent = Array.from({ length: count }, () => mutant(random));
      await this.#stream(sent, tally);
    }
  }

  async answers(): Promise<readonly string[]> {
    const outcomes: Outcome[] = [];
    for (const message of messages) outcomes.push(await this.#infer(message));
    return outcomes.map(
      ({ code, details, message }) => `${code} ${details} ${message.toString("hex")}`,
    );
  }

  close(): void {
    this.#client.close();
  }

  #infer(bytes: Buffer): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        `${service}/ModelInfer`,
        asItIs,
        asItIs,
        bytes,
        (error, message = Buffer.alloc(0)) =>
          resolve({ code: error?.code ?? status.OK, details: error?.details ?? "", message }),
      );
    });
  }

  /** Each message has one answer, in its turn, and none ends the stream. */
  #stream(sent: readonly Buffer[], tally: Tally): Promise<void> {
    const stream: ClientDuplexStream<Buffer, Buffer> = this.#client.makeBidiStreamRequest(
      `${service}/ModelStreamInfer`,
      asItIs,
      asItIs,
    );
    let answered = 0;
    stream.on("data", (bytes: Buffer) => {
      judgeStreamed(bytes, sent[answered] ?? Buffer.alloc(0), tally);
      answered += 1;
    });
    stream.on("error", () => undefined);
    return new Promise((resolve) => {
      stream.on("status", ({ code, details }) => {
        if (code !== status.OK || answered !== sent.length) {
          const next = sent[answered]?.toString("base64");
          tally.fault(`stream: ${answered} of ${sent.length}, then ${code} ${details} at ${next}`);
        }
        resolve();
      });
      for (const message of sent) stream.write(message);
      stream.end();
    });
  }
}

function mutant(random: Random): Buffer {
  if (pickWay(random) !== "misstated") return mutate(random, pick(random, messages), messages);
  return pick(random, grpcMessages(misstate(random, pick(random, sounds), sounds)));
}

/** The words for a sequence that is not there. */
const goesNotOn = /^Cannot go on: /;

function judge({ code, details }: Outcome, sent: Buffer, tally: Tally): void {
  if (code === status.OK) tally.count("answered");
  else if (code === status.UNAVAILABLE && goesNotOn.test(details)) tally.count(status[code]);
  else if (clientStatuses.has(code) && isOwnWord(details)) tally.count(status[code]);
  else tally.fault(`${status[code]} ${details} for ${sent.toString("base64")}`);
}

function judgeStreamed(bytes: Buffer, sent: Buffer, tally: Tally): void {
  const { error_message: words } = streamType.toObject(streamType.decode(bytes));
  if (words === undefined || words === "") tally.count("answered");
  else if (isOwnWord(words)) tally.count("error_message");
  else tally.fault(`${words} for ${sent.toString("base64")}`);
}
