import { constants, openAsBlob } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { UploadedView } from "../client/answers.ts";
import type { Client } from "../client/client.ts";
import type { UploadFile, UploadProgress } from "../client/upload.ts";
import { plain } from "../platform/pretty-line.ts";
import { type Command, textOption } from "./command.ts";
import { exitCode, UsageError } from "./exit-codes.ts";
import { readNamed } from "./given-value.ts";
import { type Progress, withProgress } from "./progress.ts";
import { clientOf, sayJson } from "./shell.ts";
import { tableText } from "./table.ts";
import { bytesText, tensorText } from "./units.ts";

export const uploadCommand: Command = {
  name: "upload",
  help: "send a model, have it tried, and let it serve",
  words: [
    {
      name: "<files...>",
      help: "the model.onnx, and files of weights beside it",
      completes: "files",
    },
  ],
  options: [
    { flags: "--id <name>", help: "name of the model; else that of the file" },
    { flags: "--version <version>", help: "else one more than the largest number there is" },
    { flags: "--config <path>", help: "a model.yaml for it" },
  ],
  asksServer: true,
  run: async (shell, invocation) => {
    const { words, options } = invocation;
    const id = textOption(invocation, "id") ?? nameOf(words);
    const config = textOption(invocation, "config");
    const upload = {
      id,
      version: textOption(invocation, "version"),
      config: config === undefined ? undefined : (await readNamed(config)).toString("utf8"),
      files: await Promise.all(words.map(readUpload)),
    };
    const client = clientOf(shell, options);
    const uploaded = await withProgress(shell.err, `sending ${id}`, async (progress) => {
      const following = shell.err.isTerminal ? followSteps(client, id, progress) : undefined;
      const onProgress = (sent: UploadProgress) => showSent(progress, id, sent);
      try {
        return await client.upload(upload, { signal: shell.signal, onProgress });
      } finally {
        following?.abort();
      }
    });
    if (options.json === true) sayJson(shell, uploaded);
    else shell.out.write(tableText([uploaded], columns, shell.paint));
    return exitCode.done;
  },
};

const columns = [
  { title: "MODEL", of: ({ name }: UploadedView) => name },
  { title: "VERSION", of: ({ version }: UploadedView) => version },
  { title: "STATE", of: ({ state }: UploadedView) => state, isState: true },
  { title: "SIZE", of: ({ size_bytes: bytes }: UploadedView) => bytesText(bytes) },
  { title: "TAKES", of: ({ inputs }: UploadedView) => inputs?.map(tensorText).join(", ") },
  { title: "GIVES", of: ({ outputs }: UploadedView) => outputs?.map(tensorText).join(", ") },
];

function showSent(progress: Progress, id: string, { sentBytes, totalBytes }: UploadProgress): void {
  // The file's bytes are there long before it serves: it is tried, installed and rolled out.
  if (sentBytes >= totalBytes) progress.show(`trying ${id}`);
  else progress.show(`sending ${id}, ${bytesText(totalBytes)}`, sentBytes / totalBytes);
}

/** Between the last byte and the answer the server says on its feed how far it is. */
function followSteps(client: Client, id: string, progress: Progress): AbortController {
  const over = new AbortController();
  const follow = async () => {
    for await (const item of client.events({ signal: over.signal })) {
      const isStep = item.type === "event" && item.kind === "change" && item.model === id;
      if (isStep) progress.show(`trying ${id}: ${plain(item.state)}`);
    }
  };
  // Without a feed the steps are not told; the upload itself tells what is wrong.
  follow().catch(() => undefined);
  return over;
}

/** `flowers.onnx` is flowers; `flowers/model.onnx` names no model. */
function nameOf(files: readonly string[]): string {
  const file = files.find((name) => name.endsWith(".onnx")) ?? "";
  const name = basename(file, ".onnx");
  if (name !== "" && name !== "model") return name;
  throw new UsageError("--id must name the model, as the file's name does not");
}

async function readUpload(file: string): Promise<UploadFile> {
  const content = (await canWait(file))
    ? await openAsBlob(file)
    : new Blob([await readNamed(file)]);
  return { name: basename(file), content };
}

/** Whether its bytes are still there when they are sent; a pipe's are not, and a folder has none. */
async function canWait(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) return false;
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}
