import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { HttpServer } from "../../src/front-door/http-server.ts";
import { plainRoutes } from "../../src/front-door/plain-routes.ts";
import type { Waiting } from "../../src/front-door/queries.ts";
import type { DoorEvent, DoorSettings } from "../../src/protocol/control.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { Question } from "../../src/protocol/questions.ts";
import { doorParts } from "./door-parts.ts";
import { RawClient } from "./raw-client.ts";

type Answer = string | TroupeError | undefined;

/** The plain routes behind a real server, and a supervisor that answers as `answer` says, or with the question. */
export async function serveManagement(
  t: TestContext,
  changed: Partial<DoorSettings> = {},
  answer: (question: Question) => Answer | Promise<Answer> = () => undefined,
) {
  const parts = doorParts(changed);
  const asked: Question[] = [];
  const told: DoorEvent[] = [];
  const folder = await mkdtemp(join(tmpdir(), "troupe-upload-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const late: ((body: string) => void)[] = [];
  const ask = async (question: Question, { onLate }: Waiting = {}) => {
    asked.push(question);
    if (onLate !== undefined) late.push(onLate);
    const given = await answer(question);
    if (given instanceof TroupeError) throw given;
    if (given !== undefined) return given;
    if (question.type !== "open-upload") return JSON.stringify(question);
    const upload = join(folder, randomUUID());
    await mkdir(upload);
    return JSON.stringify({ upload_id: "u1", folder: upload });
  };
  const tell = (event: DoorEvent) => told.push(event);
  const app = plainRoutes({ ...parts, ask, tell, isDraining: () => false });
  await app.ready();
  const http = new HttpServer(
    parts.clock,
    () => false,
    (request, response) => app.routing(request, response),
  );
  const port = await http.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => {
    http.server.closeAllConnections();
    http.server.close();
  });
  const connect = () => new RawClient(t, port);
  const url = `http://127.0.0.1:${port}`;
  return { ...parts, asked, told, late, folder, port, url, connect, server: http.server };
}

/** A request by hand, with the one Host that the guard takes. */
export function head(method: string, path: string, headers: readonly string[] = []): string {
  return `${[`${method} ${path} HTTP/1.1`, "host: localhost", ...headers].join("\r\n")}\r\n\r\n`;
}
