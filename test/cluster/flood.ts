/* Callers who ask again as soon as they are answered, whatever the answer is. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ResponseReader } from "../../bench/driver/response.ts";

export interface FloodOptions {
  readonly port: number;
  readonly callers: number;
  /** What each of them sends, again and again: a whole request over HTTP. */
  readonly request: Buffer;
  /** Told of each answer; the flood ends when it says so. */
  readonly onAnswer: (status: number) => void;
  readonly isOver: () => boolean;
}

/** Resolves when the last answer is in. */
export async function floodAgain(options: FloodOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.callers }, () => callAgain(options)));
}

async function callAgain({ port, request, onAnswer, isOver }: FloodOptions): Promise<void> {
  const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const reader = new ResponseReader();
  socket.on("data", (chunk: Buffer) => {
    const status = reader.push(chunk);
    if (status === undefined) return;
    onAnswer(status);
    if (isOver()) socket.end();
    else socket.write(request);
  });
  socket.write(request);
  await once(socket, "close");
}
