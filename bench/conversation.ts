// A WebSocket for as long as a conversation takes; the driver, which must be fast, has its own.
import { once } from "node:events";
import { WebSocket } from "ws";

/** Sends each text when the one before it is answered; gives the answers. Throws where they take longer than the limit. */
export async function converse(
  url: string,
  texts: readonly string[],
  limitMs: number,
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(limitMs);
  const socket = new WebSocket(url);
  socket.on("error", () => undefined); // `once` throws it, where somebody waits
  try {
    await once(socket, "open", { signal });
    const answers: string[] = [];
    for (const text of texts) {
      socket.send(text);
      const [data] = await once(socket, "message", { signal });
      answers.push(String(data));
    }
    return answers;
  } finally {
    socket.terminate();
  }
}
