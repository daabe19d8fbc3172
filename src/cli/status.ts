import type { HealthView, ProcessView, TreeView } from "../client/answers.ts";
import { plain } from "../platform/pretty-line.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit-codes.ts";
import { type Paint, paintState } from "./paint.ts";
import { clientOf, sayJson } from "./shell.ts";
import { type Column, tableText } from "./table.ts";
import { bytesText, secondsText } from "./units.ts";

export const statusCommand: Command = {
  name: "status",
  help: "whether the server is well, and every process of it",
  words: [],
  options: [],
  asksServer: true,
  run: async (shell, { options }) => {
    const client = clientOf(shell, options);
    const { signal } = shell;
    const [health, tree] = await Promise.all([client.health({ signal }), client.tree({ signal })]);
    if (options.json === true) sayJson(shell, { ...health, tree });
    else shell.out.write(statusText(health, tree, shell.paint));
    return health.status === "ok" ? exitCode.done : exitCode.failed;
  },
};

interface Row extends ProcessView {
  readonly role: string;
  readonly version?: string;
  readonly replica?: number;
  readonly stage?: string;
}

const columns: readonly Column<Row>[] = [
  { title: "PROCESS", of: ({ role }) => role },
  { title: "VERSION", of: ({ version }) => version },
  { title: "REPLICA", of: ({ replica }) => replica, align: "right" },
  { title: "PID", of: ({ pid }) => pid, align: "right" },
  { title: "STATE", of: ({ state }) => state, isState: true },
  { title: "STAGE", of: ({ stage }) => stage },
  { title: "MEMORY", of: ({ rss_bytes }) => bytesText(rss_bytes), align: "right" },
  { title: "CPU", of: ({ cpu_seconds: cpu }) => cpu && `${cpu.toFixed(1)} s`, align: "right" },
  { title: "RESTARTS", of: ({ restarts }) => restarts, align: "right" },
  { title: "LAST EXIT", of: ({ last_exit }) => last_exit?.reason },
];

export function statusText(health: HealthView, tree: TreeView, paint: Paint): string {
  const { status, version, uptime_seconds, reasons, changes_refused: refused } = health;
  const up = secondsText(uptime_seconds);
  const head = `troupe ${plain(version)} is ${paintState(paint, status)}, up ${up}\n`;
  // An older server does not say.
  const notes = refused ? [`models cannot be changed: ${refused}`] : [];
  const complaints = [...reasons, ...notes].map((reason) => `  ${plain(reason)}\n`);
  const table = tableText(rowsOf(tree), columns, paint);
  return [head, ...complaints, "\n", table, ...choicesOf(tree)].join("");
}

/** What hosts have chosen for their objectives, a line each. */
function choicesOf({ models }: TreeView): readonly string[] {
  const lines = models.flatMap(({ name, versions }) =>
    versions.flatMap(({ version, hosts }) =>
      hosts.flatMap(({ objective, replica, pid }) => {
        const which = `${name}, version ${version}, replica ${replica ?? "-"}, PID ${pid ?? "-"}`;
        return objective ? `host of ${which}: ${objective.reason}` : [];
      }),
    ),
  );
  return lines.length === 0 ? [] : ["\n", ...lines.map((line) => `${plain(line)}\n`)];
}

function rowsOf({ supervisor, front_doors, models }: TreeView): readonly Row[] {
  const hosts = models.flatMap(({ name, versions }) =>
    versions.flatMap(({ version, hosts: replicas }) => {
      // Where all serve, which do is no question.
      const isMixed = replicas.some(({ stage = "serving" }) => stage !== "serving");
      return replicas.map(({ stage, ...host }): Row => {
        const row = { ...host, role: `host of ${name}`, version };
        return isMixed && stage !== undefined ? { ...row, stage } : row;
      });
    }),
  );
  const doors = front_doors.map((door): Row => ({ ...door, role: "front door" }));
  return [{ ...supervisor, role: "supervisor" }, ...doors, ...hosts];
}
