import type { FeedItem } from "../client/event-feed.ts";
import { plain } from "../platform/pretty-line.ts";
import { type Command, textOption } from "./command.ts";
import { exitCode } from "./exit-codes.ts";
import { type Paint, paintState } from "./paint.ts";
import { clientOf, numberOf } from "./shell.ts";

export const logsCommand: Command = {
  name: "logs",
  help: "follow what happens to models, hosts and changes, until Ctrl-C",
  words: [{ name: "[model]", help: "of that model only", completes: "models" }],
  options: [
    { flags: "--since <number>", help: "begin behind that event, of the last 1000" },
    { flags: "--limit <number>", help: "end after so many" },
  ],
  asksServer: true,
  run: async (shell, invocation) => {
    const { words, options } = invocation;
    const [model = ""] = words;
    const since = numberOf("--since", textOption(invocation, "since"), 0);
    let left = numberOf("--limit", textOption(invocation, "limit")) ?? Number.POSITIVE_INFINITY;
    for await (const item of clientOf(shell, options).events({ signal: shell.signal, since })) {
      if (model !== "" && item.type === "event" && item.model !== model) continue;
      const line = options.json === true ? JSON.stringify(item) : eventLine(item, shell.paint);
      shell.out.write(`${line}\n`);
      left -= 1;
      if (left <= 0) break;
    }
    return exitCode.done;
  },
};

export function eventLine(item: FeedItem, paint: Paint): string {
  if (item.type === "gap") {
    const upTo = item.to === null ? "on" : `to ${item.to}`;
    return paint("dim", `events from ${item.from} ${upTo} are not kept any more`);
  }
  const { at, kind, model, version, state, reason } = item;
  const what = kind === "change" ? `${kind} ${String(item["change"])}` : kind;
  const parts = [
    paint("dim", at.slice(11, 19)),
    what,
    [model, version].filter((one) => one !== null).join(" "),
    paintState(paint, state),
    ...(kind === "upload" && typeof item["bytes"] === "number" ? [`${item["bytes"]} bytes`] : []),
    ...(reason === null ? [] : [`(${plain(reason)})`]),
  ];
  return parts.filter((part) => part !== "").join("  ");
}
